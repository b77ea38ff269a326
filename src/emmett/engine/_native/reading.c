/* What the transport calls with the data of each read; `emmett.engine.python.BaseReading` is the same in Python. */
#include "inbox.h"
#include "reader.h"

typedef struct {
    PyObject_HEAD
    State *state;
    /* The fields are explained in `emmett.server.websocket_reading.Reading`. */
    PyObject *reader, *inbox, *early, *ping;
    char heard;
} Reading;

/* Like `self._fail(error)` with the FrameError that is raised. */
static int
fail_reading(Reading *self)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    int result = call_for_effect((PyObject *)self, self->state->name__fail, given(error));
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    return result;
}

/* Like `self.reader.feed(data)`: 1 where frames are held back, 0 where not, or -1 with an exception. */
static int
feed_reader(Reading *self, PyObject *data)
{
    PyObject *reader = Py_NewRef(given(self->reader)), *held_back;
    if (!PyObject_TypeCheck(reader, self->state->reader_type)) {
        PyErr_SetString(PyExc_TypeError, "the reader is not of the native engine");
        held_back = NULL;
    } else {
        held_back = reader_feed((Reader *)reader, data);
    }
    Py_DECREF(reader);
    if (held_back == NULL)
        return -1;
    int result = PyObject_IsTrue(held_back);
    Py_DECREF(held_back);
    return result;
}

static PyObject *
reading_take(Reading *self, PyObject *data)
{
    State *state = self->state;
    self->heard = true;
    if (given(self->early) != Py_None)
        return PyObject_CallMethodOneArg((PyObject *)self, state->name_keep_early, data);
    int held_back = feed_reader(self, data);
    if (held_back < 0) {
        if (!PyErr_ExceptionMatches(state->frame_error) || fail_reading(self) < 0)
            return NULL;
        Py_RETURN_NONE;
    }
    if (held_back && call_for_effect((PyObject *)self, state->name__hold_back, NULL) < 0)
        return NULL;
    if (given(self->ping) != Py_None && call_for_effect((PyObject *)self, state->name__answer_ping, NULL) < 0)
        return NULL;
    PyObject *inbox = Py_NewRef(given(self->inbox));
    int woken = -1;
    if (PyObject_TypeCheck(inbox, state->inbox_type))
        woken = inbox_wake_for_read((Inbox *)inbox);
    else
        PyErr_SetString(PyExc_TypeError, "the inbox is not of the native engine");
    Py_DECREF(inbox);
    if (woken < 0)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- the type ---- */

static PyObject *
reading_new(PyTypeObject *type, PyObject *Py_UNUSED(arguments), PyObject *Py_UNUSED(keywords))
{
    State *state = state_of_type(type);
    Reading *self = state == NULL ? NULL : (Reading *)type->tp_alloc(type, 0);
    if (self != NULL)
        self->state = state;
    return (PyObject *)self;
}

static int
reading_traverse(Reading *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->reader);
    Py_VISIT(self->inbox);
    Py_VISIT(self->early);
    Py_VISIT(self->ping);
    return 0;
}

static int
reading_clear(Reading *self)
{
    Py_CLEAR(self->reader);
    Py_CLEAR(self->inbox);
    Py_CLEAR(self->early);
    Py_CLEAR(self->ping);
    return 0;
}

static void
reading_dealloc(Reading *self)
{
    PyObject_GC_UnTrack(self);
    reading_clear(self);
    free_object((PyObject *)self);
}

#define OBJECT(name, field) {name, T_OBJECT_EX, offsetof(Reading, field), 0, NULL}

static PyMemberDef reading_members[] = {
    OBJECT("reader", reader),
    OBJECT("inbox", inbox),
    OBJECT("_early", early),
    OBJECT("_ping", ping),
    {"heard", T_BOOL, offsetof(Reading, heard), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef reading_methods[] = {
    {"take", (PyCFunction)reading_take, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot reading_slots[] = {
    {Py_tp_doc, "The incoming data of a connection; see `emmett.engine.python.BaseReading`."},
    {Py_tp_new, reading_new},
    {Py_tp_traverse, reading_traverse},
    {Py_tp_clear, reading_clear},
    {Py_tp_dealloc, reading_dealloc},
    {Py_tp_members, reading_members},
    {Py_tp_methods, reading_methods},
    {0, NULL},
};

PyType_Spec reading_spec = {
    .name = "emmett._native.BaseReading",
    .basicsize = sizeof(Reading),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = reading_slots,
};
