/* The steps of a call, for its type. */
#ifndef EMMETT_CALL_STEPS_H
#define EMMETT_CALL_STEPS_H

#include "call.h"

typedef enum { NEW, SUSPENDED, RUNNING, FINISHED } Phase;

typedef struct {
    PyObject_HEAD
    Websocket *websocket;
    /* For `send`, the message until it is written; NULL for `receive`. */
    PyObject *message;
    /* What this call waits for: a coroutine, or the iterator of a future; or NULL. */
    PyObject *inner;
    /* Whether the end of `inner` is a reason to look for a message, and not the end of this call. */
    bool is_arrival;
    bool is_send, stops;
    Phase phase;
} Call;

/* What a step does: PYGEN_RETURN with the result, PYGEN_NEXT with the future to wait for, or PYGEN_ERROR. */
typedef PySendResult Step;

/* Does a step of the call: `am_send` of its type, which tasks and `await` call. */
Step step_call(Call *self, PyObject *value, PyObject **result);

#endif
