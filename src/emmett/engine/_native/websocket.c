/* What an application calls for each message; `emmett.engine.python.BaseWebsocket` is the same in Python. */
#include "call.h"
#include "outbox.h"

static PyObject *
websocket_receive(Websocket *self, PyObject *Py_UNUSED(ignored))
{
    return make_receive_call(self, false);
}

static PyObject *
websocket_anext(Websocket *self)
{
    return make_receive_call(self, true);
}

static PyObject *
websocket_send(Websocket *self, PyObject *message)
{
    return make_send_call(self, message);
}

PyObject *
websocket_deliver(PyObject *websocket, PyObject *batch)
{
    Websocket *self = (Websocket *)websocket;
    if (self->accepted && given(self->delivery) == Py_None && given(self->on_send) == Py_None) {
        PyObject *writer = Py_NewRef(given(self->writer)), *written;
        if (is_of_type(writer, self->state->outbox_type, &self->state->seen_outbox))
            written = outbox_write_batch(writer, batch);
        else
            written = PyObject_CallMethodOneArg(writer, self->state->name_write_batch, batch);
        Py_DECREF(writer);
        if (written != Py_None)
            return written;
        Py_DECREF(written);
    }
    return PyObject_CallMethodOneArg((PyObject *)self, self->state->name__deliver_slowly, batch);
}

PyObject *
find_delivering(PyObject *deliver)
{
    if (!PyCFunction_CheckExact(deliver) || PyCFunction_GET_FUNCTION(deliver) != websocket_deliver)
        return NULL;
    return PyCFunction_GET_SELF(deliver);
}

/* ---- the type ---- */

static PyObject *
websocket_new(PyTypeObject *type, PyObject *Py_UNUSED(arguments), PyObject *Py_UNUSED(keywords))
{
    State *state = state_of_type(type);
    Websocket *self = state == NULL ? NULL : (Websocket *)type->tp_alloc(type, 0);
    if (self != NULL)
        self->state = state;
    return (PyObject *)self;
}

static int
websocket_traverse(Websocket *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->messages);
    Py_VISIT(self->inbox);
    Py_VISIT(self->closed);
    Py_VISIT(self->leaving);
    Py_VISIT(self->delivery);
    Py_VISIT(self->on_receive);
    Py_VISIT(self->on_send);
    Py_VISIT(self->writer);
    return 0;
}

static int
websocket_clear(Websocket *self)
{
    Py_CLEAR(self->messages);
    Py_CLEAR(self->inbox);
    Py_CLEAR(self->closed);
    Py_CLEAR(self->leaving);
    Py_CLEAR(self->delivery);
    Py_CLEAR(self->on_receive);
    Py_CLEAR(self->on_send);
    Py_CLEAR(self->writer);
    return 0;
}

static void
websocket_dealloc(Websocket *self)
{
    PyObject_GC_UnTrack(self);
    websocket_clear(self);
    free_object((PyObject *)self);
}

#define OBJECT(name, field) {name, T_OBJECT_EX, offsetof(Websocket, field), 0, NULL}

static PyMemberDef websocket_members[] = {
    OBJECT("_messages", messages),
    OBJECT("_inbox", inbox),
    OBJECT("_closed", closed),
    OBJECT("_leaving", leaving),
    OBJECT("_delivery", delivery),
    OBJECT("_on_receive", on_receive),
    OBJECT("_on_send", on_send),
    OBJECT("_writer", writer),
    {"accepted", T_BOOL, offsetof(Websocket, accepted), 0, NULL},
    {"_writes_directly", T_BOOL, offsetof(Websocket, writes_directly), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

PyDoc_STRVAR(receive_doc, "receive($self, /)\n--\n\nReturn the next message: `str` for text, `bytes` for binary.");
PyDoc_STRVAR(send_doc, "send($self, data, /)\n--\n\nSend a message: `str` as text, bytes-like data as binary.");

static PyMethodDef websocket_methods[] = {
    {"receive", (PyCFunction)websocket_receive, METH_NOARGS, receive_doc},
    {"send", (PyCFunction)websocket_send, METH_O, send_doc},
    {"deliver", websocket_deliver, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot websocket_slots[] = {
    {Py_tp_doc, "A connection, as far as its messages go; see `emmett.engine.python.BaseWebsocket`."},
    {Py_tp_new, websocket_new},
    {Py_tp_traverse, websocket_traverse},
    {Py_tp_clear, websocket_clear},
    {Py_tp_dealloc, websocket_dealloc},
    {Py_am_aiter, PyObject_SelfIter},
    {Py_am_anext, websocket_anext},
    {Py_tp_members, websocket_members},
    {Py_tp_methods, websocket_methods},
    {0, NULL},
};

PyType_Spec websocket_spec = {
    .name = "emmett._native.BaseWebsocket",
    .basicsize = sizeof(Websocket),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = websocket_slots,
};
