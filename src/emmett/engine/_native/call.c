/* The awaitable that `receive()` and `send()` return: a coroutine by all that it does, without a frame.
 *
 * Nothing happens before it is awaited, as with a coroutine. Where a message is there, or can be written, the first step
 * ends it. Otherwise it delegates: to the future of the inbox, or to a coroutine of the Python subclass for everything
 * that is uncommon, such as hooks, a connection that is not accepted yet, and its end.
 */
#include "call.h"
#include "inbox.h"

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

static PyObject *
make_call(Websocket *websocket, PyObject *message, bool stops)
{
    Call *self = PyObject_GC_New(Call, websocket->state->call_type);
    if (self == NULL)
        return NULL;
    self->websocket = (Websocket *)Py_NewRef((PyObject *)websocket);
    self->message = Py_XNewRef(message);
    self->inner = NULL;
    self->is_arrival = false;
    self->is_send = message != NULL;
    self->stops = stops;
    self->phase = NEW;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

PyObject *
make_receive_call(Websocket *websocket, bool stops)
{
    return make_call(websocket, NULL, stops);
}

PyObject *
make_send_call(Websocket *websocket, PyObject *message)
{
    return make_call(websocket, message, false);
}

/* ---- the steps ---- */

/* What a step does: PYGEN_RETURN with the result, PYGEN_NEXT with the future to wait for, or PYGEN_ERROR. */
typedef PySendResult Step;

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

static Step
step_send(Call *self, PyObject **result)
{
    Websocket *websocket = self->websocket;
    PyObject *message = self->message, *waiting;
    self->message = NULL;
    self->phase = RUNNING;
    if (given(websocket->write) == Py_None) {
        waiting = PyObject_CallMethodOneArg((PyObject *)websocket, websocket->state->name__send_indirectly, message);
    } else {
        int more = websocket->messages == NULL ? 0 : PyObject_IsTrue(websocket->messages);
        PyObject *write = Py_NewRef(websocket->write);
        PyObject *arguments[2] = {message, more > 0 ? Py_True : Py_False};
        waiting = more < 0 ? NULL : PyObject_Vectorcall(write, arguments, 2, NULL);
        Py_DECREF(write);
    }
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
    PyObject *message = Py_NewRef(PyList_GET_ITEM(messages, 0));
    self->phase = FINISHED;
    if (PyList_SetSlice(messages, 0, 1, NULL) < 0) {
        Py_DECREF(message);
        return PYGEN_ERROR;
    }
    if (inbox->held_back && !PyList_GET_SIZE(messages)) {
        PyObject *refill = Py_NewRef(given(inbox->refill));
        PyObject *done = PyObject_CallNoArgs(refill);
        Py_DECREF(refill);
        if (done == NULL) {
            Py_DECREF(message);
            return PYGEN_ERROR;
        }
        Py_DECREF(done);
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

/* Does a step of the call: `am_send` of its type, which tasks and `await` call. */
static Step
step(Call *self, PyObject *value, PyObject **result)
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

/* ---- the protocol of coroutines ---- */

/* Turns a step into what an iterator returns: the future, or NULL with StopIteration. */
static PyObject *
as_iteration(Step step, PyObject *result)
{
    if (step == PYGEN_RETURN) {
        PyObject *stop = result == Py_None ? PyObject_CallNoArgs(PyExc_StopIteration)
                                           : PyObject_CallOneArg(PyExc_StopIteration, result);
        if (stop != NULL) {
            PyErr_SetObject(PyExc_StopIteration, stop);
            Py_DECREF(stop);
        }
        Py_DECREF(result);
        return NULL;
    }
    return step == PYGEN_NEXT ? result : NULL;
}

static PyObject *
call_send(Call *self, PyObject *value)
{
    PyObject *result;
    Step done = step(self, value, &result);
    return as_iteration(done, result);
}

static PyObject *
call_iternext(Call *self)
{
    PyObject *result;
    Step done = step(self, Py_None, &result);
    if (done == PYGEN_RETURN && result == Py_None) {
        /* The end without a value needs no exception. */
        Py_DECREF(result);
        return NULL;
    }
    return as_iteration(done, result);
}

/* Raises what `throw(type[, value[, traceback]])` says. */
static void
raise_thrown(PyObject *const *arguments, Py_ssize_t count)
{
    PyObject *type = arguments[0], *value = count > 1 && arguments[1] != Py_None ? arguments[1] : NULL;
    PyObject *traceback = count > 2 && arguments[2] != Py_None ? arguments[2] : NULL;
    if (PyExceptionInstance_Check(type)) {
        value = type;
        type = PyExceptionInstance_Class(value);
    }
    if (!PyExceptionClass_Check(type) || (traceback != NULL && !PyTraceBack_Check(traceback))) {
        PyErr_SetString(PyExc_TypeError, "throw() takes an exception, or its class, a value and a traceback");
        return;
    }
    if (traceback == NULL && value != NULL && PyExceptionInstance_Check(value))
        traceback = PyException_GetTraceback(value);
    else
        Py_XINCREF(traceback);
    PyErr_Restore(Py_NewRef(type), Py_XNewRef(value), traceback);
}

static PyObject *
call_throw(Call *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (count < 1 || count > 3) {
        PyErr_SetString(PyExc_TypeError, "throw() takes an exception, or its class, a value and a traceback");
        return NULL;
    }
    if (self->phase == RUNNING || self->phase == FINISHED) {
        PyObject *ignored;
        step(self, Py_None, &ignored);
        return NULL;
    }
    if (self->inner == NULL) {
        self->phase = FINISHED;
        Py_CLEAR(self->message);
        raise_thrown(arguments, count);
        return NULL;
    }
    PyObject *throw = PyObject_GetAttr(self->inner, self->websocket->state->name_throw);
    if (throw == NULL)
        return NULL;
    self->phase = RUNNING;
    PyObject *result = PyObject_Vectorcall(throw, arguments, (size_t)count, NULL);
    Py_DECREF(throw);
    if (result != NULL) {
        self->phase = SUSPENDED;
    } else {
        self->phase = FINISHED;
        Py_CLEAR(self->inner);
    }
    return result;
}

static PyObject *
call_close(Call *self, PyObject *Py_UNUSED(ignored))
{
    if (self->phase == RUNNING) {
        PyErr_SetString(PyExc_ValueError, "coroutine already executing");
        return NULL;
    }
    PyObject *inner = self->inner;
    self->inner = NULL;
    self->phase = FINISHED;
    Py_CLEAR(self->message);
    if (inner == NULL)
        Py_RETURN_NONE;
    PyObject *result = PyObject_CallMethodNoArgs(inner, self->websocket->state->name_close);
    Py_DECREF(inner);
    return result;
}

static PyObject *
call_await(Call *self)
{
    if (self->phase == SUSPENDED) {
        PyErr_SetString(PyExc_RuntimeError, "coroutine is being awaited already");
        return NULL;
    }
    return Py_NewRef((PyObject *)self);
}

static PyObject *
call_await_method(Call *self, PyObject *Py_UNUSED(ignored))
{
    return call_await(self);
}

static PyObject *
call_running(Call *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(self->phase == RUNNING);
}

static PyObject *
call_suspended(Call *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(self->phase == SUSPENDED);
}

static PyObject *
call_name(Call *self, void *Py_UNUSED(closure))
{
    State *state = self->websocket->state;
    return Py_NewRef(self->is_send ? state->name_send : state->name_receive);
}

static PyObject *
call_qualname(Call *self, void *Py_UNUSED(closure))
{
    return PyUnicode_FromString(self->is_send ? "Websocket.send" : "Websocket.receive");
}

static PyObject *
call_repr(Call *self)
{
    return PyUnicode_FromFormat("<coroutine object Websocket.%s at %p>", self->is_send ? "send" : "receive", self);
}

/* Tools that follow `cr_await` and read `cr_frame` see the coroutine that does the work; where there is none, these
 * attributes are missing, as they are from a future. */
static PyObject *
call_inner_attribute(Call *self, void *name)
{
    if (self->inner == NULL || !PyCoro_CheckExact(self->inner)) {
        PyErr_Format(PyExc_AttributeError, "this call has no %s: nothing written in Python runs in it", (const char *)name);
        return NULL;
    }
    return PyObject_GetAttrString(self->inner, name);
}

/* ---- the type ---- */

static int
call_traverse(Call *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->websocket);
    Py_VISIT(self->message);
    Py_VISIT(self->inner);
    return 0;
}

static int
call_clear(Call *self)
{
    Py_CLEAR(self->message);
    Py_CLEAR(self->inner);
    return 0;
}

/* Warns if the call was never awaited, as coroutines do. */
static void
call_finalize(Call *self)
{
    if (self->phase != NEW)
        return;
    self->phase = FINISHED;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "coroutine 'Websocket.%s' was never awaited",
                         self->is_send ? "send" : "receive") < 0)
        PyErr_WriteUnraisable((PyObject *)self);
    PyErr_Restore(type, value, traceback);
}

static void
call_dealloc(Call *self)
{
    if (self->phase == NEW && PyObject_CallFinalizerFromDealloc((PyObject *)self) < 0)
        return; /* The warning has kept it. */
    PyObject_GC_UnTrack(self);
    call_clear(self);
    Py_CLEAR(self->websocket);
    free_object((PyObject *)self);
}

static PyMethodDef call_methods[] = {
    {"send", (PyCFunction)call_send, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))call_throw, METH_FASTCALL, NULL},
    {"close", (PyCFunction)call_close, METH_NOARGS, NULL},
    {"__await__", (PyCFunction)call_await_method, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef call_getset[] = {
    {"__name__", (getter)call_name, NULL, NULL, NULL},
    {"__qualname__", (getter)call_qualname, NULL, NULL, NULL},
    {"cr_running", (getter)call_running, NULL, NULL, NULL},
    {"cr_suspended", (getter)call_suspended, NULL, NULL, NULL},
    {"cr_await", (getter)call_inner_attribute, NULL, NULL, "cr_await"},
    {"cr_frame", (getter)call_inner_attribute, NULL, NULL, "cr_frame"},
    {"cr_code", (getter)call_inner_attribute, NULL, NULL, "cr_code"},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot call_slots[] = {
    {Py_tp_doc, "The awaitable that `receive()` and `send()` return: a coroutine by all that it does."},
    {Py_tp_traverse, call_traverse},
    {Py_tp_clear, call_clear},
    {Py_tp_finalize, call_finalize},
    {Py_tp_dealloc, call_dealloc},
    {Py_tp_repr, call_repr},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, call_iternext},
    {Py_am_await, call_await},
    {Py_am_send, step},
    {Py_tp_methods, call_methods},
    {Py_tp_getset, call_getset},
    {0, NULL},
};

PyType_Spec call_spec = {
    .name = "emmett._native.MessageCall",
    .basicsize = sizeof(Call),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = call_slots,
};
