/* A connection as the application sees it, for the files that use it. */
#ifndef EMMETT_WEBSOCKET_H
#define EMMETT_WEBSOCKET_H

#include "native.h"

typedef struct {
    PyObject_HEAD
    State *state;
    /* The fields are explained in `emmett.websockets.websocket.Websocket`. */
    PyObject *messages, *inbox, *closed, *leaving, *delivery, *on_receive, *on_send, *writer;
    char accepted, writes_directly;
} Websocket;

/* The websocket whose method `deliver` this is, without a new reference; NULL, without an exception, if it is none. */
PyObject *find_delivering(PyObject *deliver);

/* `BaseWebsocket.deliver`. */
PyObject *websocket_deliver(PyObject *websocket, PyObject *batch);

#endif
