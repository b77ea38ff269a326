/* What `receive()` and `send()` do, step by step, between one `await` and the next. */
#include "call_steps.h"
#include "inbox.h"
#include "outbox.h"

/* Goes on with what this call waits for. */
static Step
step_inner(Call *self, PyObject *value, PyObject **result)
{
    self->phase = RUNNING;
    Step step = PyIter_Send(self->inner, value, result);
    if (step == PYGEN_NEXT) {
        self->phase = SUSPENDED;
    } else {
        self->phase = FINISHED;
        Py_CLEAR(self->inner);
    }
    return step;
}

/* Like `await awaitable`; takes over the reference. */
static Step
wait_for(Call *self, PyObject *awaitable, PyObject **result)
{
    if (awaitable == NULL) {
        self->phase = FINISHED;
        return PYGEN_ERROR;
    }
    if (PyCoro_CheckExact(awaitable)) {
        self->inner = awaitable;
        return step_inner(self, Py_None, result);
    }
    PyAsyncMethods *methods = Py_TYPE(awaitable)->tp_as_async;
    if (methods == NULL || methods->am_await == NULL) {
        PyErr_Format(PyExc_TypeError, "object %.200s can't be used in 'await' expression", Py_TYPE(awaitable)->tp_name);
        Py_DECREF(awaitable);
        self->phase = FINISHED;
        return PYGEN_ERROR;
    }
    self->inner = methods->am_await(awaitable);
    Py_DECREF(awaitable);
    if (self->inner == NULL) {
        self->phase = FINISHED;
        return PYGEN_ERROR;
    }
    return step_inner(self, Py_None, result);
}

/* Like `websocket._writer.write(message, True if websocket._messages else False)`. */
static PyObject *
write_message(Websocket *websocket, PyObject *message)
{
    PyObject *messages = given(websocket->messages), *waiting;
    int more = PyList_CheckExact(messages) ? PyList_GET_SIZE(messages) > 0 : PyObject_IsTrue(messages);
    if (more < 0)
        return NULL;
    State *state = websocket->state;
    PyObject *writer = Py_NewRef(given(websocket->writer));
    if (is_of_type(writer, state->outbox_type, &state->seen_outbox)) {
        waiting = outbox_write_message(writer, message, more);
    } else {
        PyObject *arguments[3] = {writer, message, more ? Py_True : Py_False};
        waiting = PyObject_VectorcallMethod(state->name_write, arguments, 3, NULL);
    }
    Py_DECREF(writer);
    return waiting;
}

static Step
step_send(Call *self, PyObject **result)
{
    Websocket *websocket = self->websocket;
    PyObject *message = self->message, *waiting;
    self->message = NULL;
    self->phase = RUNNING;
    if (!websocket->writes_directly)
        waiting = PyObject_CallMethodOneArg((PyObject *)websocket, websocket->state->name__send_indirectly, message);
    else
        waiting = write_message(websocket, message);
    Py_DECREF(message);
    if (waiting == Py_None) {
        self->phase = FINISHED;
        *result = waiting;
        return PYGEN_RETURN;
    }
    return wait_for(self, waiting, result);
}

/* Whether the subclass has to receive: the connection is not accepted, has hooks, or has ended. */
static bool
is_uncommon(const Websocket *websocket, const Inbox *inbox)
{
    if (!websocket->accepted || given(websocket->on_receive) != Py_None || !PyList_CheckExact(given(websocket->messages)))
        return true;
    if (!PyObject_TypeCheck((PyObject *)inbox, websocket->state->inbox_type))
        return true;
    return !PyList_GET_SIZE(websocket->messages) && !inbox->held_back &&
           (given(websocket->closed) != Py_None || given(websocket->leaving) != Py_None);
}

/* Takes the first message; the last one makes the inbox ask for more. */
static Step
take_message(Call *self, Inbox *inbox, PyObject **result)
{
    PyObject *messages = self->websocket->messages;
    PyObject *message = take_first(messages);
    self->phase = FINISHED;
    if (message == NULL)
        return PYGEN_ERROR;
    if (inbox->held_back && !PyList_GET_SIZE(messages) &&
        inbox_call_owner(inbox, self->websocket->state->name_refill) < 0) {
        Py_DECREF(message);
        return PYGEN_ERROR;
    }
    *result = message;
    return PYGEN_RETURN;
}

static Step
step_receive(Call *self, PyObject **result)
{
    Websocket *websocket = self->websocket;
    Inbox *inbox = (Inbox *)given(websocket->inbox);
    self->phase = RUNNING;
    self->is_arrival = false;
    if (is_uncommon(websocket, inbox)) {
        PyObject *stops = self->stops ? Py_True : Py_False;
        return wait_for(self, PyObject_CallMethodOneArg((PyObject *)websocket, websocket->state->name_receive_next, stops),
                        result);
    }
    if (PyList_GET_SIZE(websocket->messages))
        return take_message(self, inbox, result);
    self->is_arrival = true;
    return wait_for(self, inbox_arrival(inbox), result);
}

Step
step_call(Call *self, PyObject *value, PyObject **result)
{
    *result = NULL;
    switch (self->phase) {
    case RUNNING:
        PyErr_SetString(PyExc_ValueError, "coroutine already executing");
        return PYGEN_ERROR;
    case FINISHED:
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
        return PYGEN_ERROR;
    case NEW:
        if (value != Py_None) {
            PyErr_SetString(PyExc_TypeError, "can't send non-None value to a just-started coroutine");
            return PYGEN_ERROR;
        }
        if (self->is_send)
            return step_send(self, result);
        break;
    case SUSPENDED: {
        Step inner = step_inner(self, value, result);
        if (inner != PYGEN_RETURN || !self->is_arrival)
            return inner;
        Py_CLEAR(*result);
    }
    }
    /* Each turn ends with a message, an exception or a future that is pending. */
    for (;;) {
        Step received = step_receive(self, result);
        if (received != PYGEN_RETURN || !self->is_arrival)
            return received;
        Py_CLEAR(*result);
    }
}
