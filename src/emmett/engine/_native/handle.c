/* `receive` and `send` of the handle `emmett.websocket`, which refers to the connection of the running context. */
#include "call.h"

typedef struct {
    PyObject_HEAD
    State *state;
    /* The ContextVar with the connection; and what raises the error if there is none. */
    PyObject *variable, *find;
} Handle;

static PyObject *
find_connection(Handle *self)
{
    PyObject *connection;
    if (PyContextVar_Get(self->variable, NULL, &connection) < 0)
        return NULL;
    return connection == NULL ? PyObject_CallNoArgs(self->find) : connection;
}

static bool
is_websocket(Handle *self, PyObject *connection)
{
    return is_of_type(connection, self->state->websocket_type, &self->state->seen_websocket);
}

static PyObject *
handle_receive(Handle *self, PyObject *Py_UNUSED(ignored))
{
    PyObject *connection = find_connection(self), *call;
    if (connection == NULL)
        return NULL;
    if (is_websocket(self, connection))
        call = make_receive_call((Websocket *)connection, false);
    else
        call = PyObject_CallMethodNoArgs(connection, self->state->name_receive);
    Py_DECREF(connection);
    return call;
}

static PyObject *
handle_send(Handle *self, PyObject *message)
{
    PyObject *connection = find_connection(self), *call;
    if (connection == NULL)
        return NULL;
    if (is_websocket(self, connection))
        call = make_send_call((Websocket *)connection, message);
    else
        call = PyObject_CallMethodOneArg(connection, self->state->name_send, message);
    Py_DECREF(connection);
    return call;
}

PyObject *
make_handle_functions(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    State *state = (State *)PyModule_GetState(module);
    if (count != 2 || !PyContextVar_CheckExact(arguments[0])) {
        PyErr_SetString(PyExc_TypeError, "make_handle_functions() takes a ContextVar and a function");
        return NULL;
    }
    Handle *handle = PyObject_GC_New(Handle, state->handle_type);
    if (handle == NULL)
        return NULL;
    handle->state = state;
    handle->variable = Py_NewRef(arguments[0]);
    handle->find = Py_NewRef(arguments[1]);
    PyObject_GC_Track(handle);
    PyObject *receive = PyObject_GetAttr((PyObject *)handle, state->name_receive);
    PyObject *send = PyObject_GetAttr((PyObject *)handle, state->name_send);
    PyObject *functions = receive == NULL || send == NULL ? NULL : PyTuple_Pack(2, receive, send);
    Py_XDECREF(receive);
    Py_XDECREF(send);
    Py_DECREF(handle);
    return functions;
}

/* ---- the type ---- */

static int
handle_traverse(Handle *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->variable);
    Py_VISIT(self->find);
    return 0;
}

/* Nothing is cleared, since `receive` and `send` need both fields; the variable breaks a cycle. */
static void
handle_dealloc(Handle *self)
{
    PyObject_GC_UnTrack(self);
    Py_CLEAR(self->variable);
    Py_CLEAR(self->find);
    free_object((PyObject *)self);
}

PyDoc_STRVAR(receive_doc, "receive($self, /)\n--\n\nReturn the coroutine that returns the next message.");
PyDoc_STRVAR(send_doc, "send($self, data, /)\n--\n\nReturn the coroutine that sends a message.");

static PyMethodDef handle_methods[] = {
    {"receive", (PyCFunction)handle_receive, METH_NOARGS, receive_doc},
    {"send", (PyCFunction)handle_send, METH_O, send_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot handle_slots[] = {
    {Py_tp_doc, "What `receive` and `send` of the handle are methods of."},
    {Py_tp_traverse, handle_traverse},
    {Py_tp_dealloc, handle_dealloc},
    {Py_tp_methods, handle_methods},
    {0, NULL},
};

PyType_Spec handle_spec = {
    .name = "emmett._native.HandleFunctions",
    .basicsize = sizeof(Handle),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = handle_slots,
};
