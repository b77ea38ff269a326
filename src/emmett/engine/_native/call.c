/* The awaitable that `receive()` and `send()` return: a coroutine by all that it does, without a frame.
 *
 * Nothing happens before it is awaited, as with a coroutine. Where a message is there, or can be written, the first step
 * ends it. Otherwise it delegates: to the future of the inbox, or to a coroutine of the Python subclass for everything
 * that is uncommon, such as hooks, a connection that is not accepted yet, and its end.
 */
#include "call_steps.h"

/* Each message makes two calls, which end at once: the memory of a few is kept for the next ones. AddressSanitizer is
 * to see each use of one that has ended. */
static Call *
allocate_call(State *state)
{
#ifndef __SANITIZE_ADDRESS__
    if (state->free_calls_count)
        return (Call *)PyObject_Init(state->free_calls[--state->free_calls_count], state->call_type);
#endif
    return PyObject_GC_New(Call, state->call_type);
}

static void
free_call(Call *self, State *state)
{
#ifndef __SANITIZE_ADDRESS__
    /* One whose finalizer ran would never be finalized again. */
    if (state->free_calls_count < MAX_FREE_CALLS && !PyObject_GC_IsFinalized((PyObject *)self)) {
        PyTypeObject *type = Py_TYPE(self);
        state->free_calls[state->free_calls_count++] = (PyObject *)self;
        Py_DECREF(type);
        return;
    }
#endif
    free_object((PyObject *)self);
}

static PyObject *
make_call(Websocket *websocket, PyObject *message, bool stops)
{
    Call *self = allocate_call(websocket->state);
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

void
forget_free_calls(State *state)
{
    while (state->free_calls_count)
        PyObject_GC_Del(state->free_calls[--state->free_calls_count]);
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
    Step done = step_call(self, value, &result);
    return as_iteration(done, result);
}

static PyObject *
call_iternext(Call *self)
{
    PyObject *result;
    Step done = step_call(self, Py_None, &result);
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
        step_call(self, Py_None, &ignored);
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
    /* The type, and with it the module and its state, lives until the end. */
    State *state = self->websocket->state;
    Py_CLEAR(self->websocket);
    free_call(self, state);
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
    {Py_am_send, step_call},
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
