/* The awaitable that `receive()` and `send()` return. */
#ifndef EMMETT_CALL_H
#define EMMETT_CALL_H

#include "websocket.h"

/* Returns a call that receives a message; with `stops`, for iteration. */
PyObject *make_receive_call(Websocket *websocket, bool stops);

/* Frees the memory of calls that have ended. */
void forget_free_calls(State *state);

/* Returns a call that sends a message. */
PyObject *make_send_call(Websocket *websocket, PyObject *message);

#endif
