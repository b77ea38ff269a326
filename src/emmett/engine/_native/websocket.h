/* A connection as the application sees it, for the files that use it. */
#ifndef EMMETT_WEBSOCKET_H
#define EMMETT_WEBSOCKET_H

#include "native.h"

typedef struct {
    PyObject_HEAD
    State *state;
    /* The fields are explained in `emmett.websockets.websocket.Websocket`. */
    PyObject *messages, *inbox, *closed, *leaving, *delivery, *on_receive, *on_send, *write, *writer;
    char accepted;
} Websocket;

#endif
