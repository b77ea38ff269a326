/* The inbox, for the files that fill and empty it. */
#ifndef EMMETT_INBOX_H
#define EMMETT_INBOX_H

#include "native.h"

typedef struct {
    PyObject_HEAD
    State *state;
    PyObject *messages, *loop, *owner;
    /* The asyncio future that a `receive()` waits for, or NULL. */
    PyObject *waiter;
    char held_back;
} Inbox;

/* `Inbox.arrival`: a new future, or NULL with an exception. */
PyObject *inbox_arrival(Inbox *self);

/* `Inbox.awaited`: 1 or 0, or -1 with an exception. */
int inbox_is_awaited(Inbox *self);

/* `Inbox.wake`: whether there was a future, 1 or 0, or -1 with an exception. */
int inbox_wake(Inbox *self);

/* Calls a method of the owner without arguments: 0, or -1 with an exception. */
int inbox_call_owner(Inbox *self, PyObject *method);

/* `Inbox.wake_for_read`: 0, or -1 with an exception. */
int inbox_wake_for_read(Inbox *self);

/* Like `messages.pop(0)` for a list that is not empty. */
PyObject *take_first(PyObject *messages);

#endif
