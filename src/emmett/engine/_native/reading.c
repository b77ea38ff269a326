/* What the transport calls with the data of each read; `emmett.engine.python.BaseReading` is the same in Python. */
#include "inbox.h"
#include "reader.h"

typedef struct {
    PyObject_HEAD
    State *state;
    /* The fields are explained in `emmett.server.websocket_reading.Reading`. */
    PyObject *reader, *inbox, *early, *ping, *connection;
    char heard, wanted, rest_expected, paused, lost;
} Reading;

/* Like `except FrameError as error: self._fail(error)`. */
static int
fail_if_frame_error(Reading *self)
{
    PyObject *type, *error, *traceback;
    if (!PyErr_ExceptionMatches(self->state->frame_error))
        return -1;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    int result = call_for_effect((PyObject *)self, self->state->name__fail, given(error));
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    return result;
}

/* New references to both ends of a reading, which callbacks may replace; or NULL with an exception. */
static Reader *
find_reader(Reading *self)
{
    PyObject *reader = given(self->reader);
    if (is_of_type(reader, self->state->reader_type, &self->state->seen_reader))
        return (Reader *)Py_NewRef(reader);
    PyErr_SetString(PyExc_TypeError, "the reader is not of the native engine");
    return NULL;
}

static Inbox *
find_inbox(Reading *self)
{
    PyObject *inbox = given(self->inbox);
    if (PyObject_TypeCheck(inbox, self->state->inbox_type))
        return (Inbox *)Py_NewRef(inbox);
    PyErr_SetString(PyExc_TypeError, "the inbox is not of the native engine");
    return NULL;
}

/* Like `self._hold_back()`. Most of the time a handler waits for the messages, and asks for the rest when it has taken
 * them. */
static int
hold_back(Reading *self, Reader *reader, Inbox *inbox)
{
    int is_simple = self->wanted && !reader->finished && !reader_is_spent(reader) ? inbox_is_awaited(inbox) : 0;
    if (is_simple <= 0)
        return is_simple < 0 ? -1 : call_for_effect((PyObject *)self, self->state->name__hold_back, NULL);
    inbox->held_back = true;
    return 0;
}

/* Processes the data of a read: 0, or -1 with an exception, which can be a FrameError of the reader. */
static int
take_data(Reading *self, Reader *reader, Inbox *inbox, PyObject *data)
{
    PyObject *held_back = reader_feed(reader, data);
    if (held_back == NULL)
        return fail_if_frame_error(self);
    Py_DECREF(held_back);
    if (held_back == Py_True && hold_back(self, reader, inbox) < 0)
        return -1;
    if (given(self->ping) != Py_None && call_for_effect((PyObject *)self, self->state->name__answer_ping, NULL) < 0)
        return -1;
    return inbox_wake_for_read(inbox);
}

/* Parses what was held back: 0, or -1 with an exception, which can be a FrameError of the reader. */
static int
go_on(Reading *self, Reader *reader, Inbox *inbox)
{
    PyObject *object = (PyObject *)self;
    State *state = self->state;
    int held_back = reader_resume(reader);
    if (held_back < 0)
        return fail_if_frame_error(self);
    if (given(self->ping) != Py_None && call_for_effect(object, state->name__answer_ping, NULL) < 0)
        return -1;
    inbox->held_back = (held_back || self->rest_expected) && self->wanted;
    if (!held_back) {
        if (self->lost && call_for_effect((PyObject *)reader, state->name_finish, NULL) < 0)
            return -1;
        if ((self->lost || self->paused) && call_for_effect(given(self->connection), state->name_on_caught_up, NULL) < 0)
            return -1;
    } else if (reader_is_spent(reader) && call_for_effect(object, state->name__plan_turn, NULL) < 0) {
        return -1;
    }
    return inbox_wake(inbox) < 0 ? -1 : 0;
}

/* Does one of the two above, or, to `refill`, puts the second off when the turn of this connection is over. */
static PyObject *
advance(Reading *self, PyObject *data, bool refill)
{
    Reader *reader = find_reader(self);
    Inbox *inbox = reader == NULL ? NULL : find_inbox(self);
    int result = -1;
    if (inbox != NULL) {
        if (data != NULL)
            result = take_data(self, reader, inbox, data);
        else if (refill && reader_is_spent(reader))
            result = call_for_effect((PyObject *)self, self->state->name__plan_turn, NULL);
        else
            result = go_on(self, reader, inbox);
    }
    Py_XDECREF(reader);
    Py_XDECREF(inbox);
    return result < 0 ? NULL : Py_NewRef(Py_None);
}

static PyObject *
reading_take(Reading *self, PyObject *data)
{
    self->heard = true;
    if (given(self->early) != Py_None)
        return PyObject_CallMethodOneArg((PyObject *)self, self->state->name_keep_early, data);
    return advance(self, data, false);
}

static PyObject *
reading_refill(Reading *self, PyObject *Py_UNUSED(ignored))
{
    return advance(self, NULL, true);
}

static PyObject *
reading_go_on(Reading *self, PyObject *Py_UNUSED(ignored))
{
    return advance(self, NULL, false);
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
    Py_VISIT(self->connection);
    return 0;
}

static int
reading_clear(Reading *self)
{
    Py_CLEAR(self->reader);
    Py_CLEAR(self->inbox);
    Py_CLEAR(self->early);
    Py_CLEAR(self->ping);
    Py_CLEAR(self->connection);
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
#define FLAG(name, field) {name, T_BOOL, offsetof(Reading, field), 0, NULL}

static PyMemberDef reading_members[] = {
    OBJECT("reader", reader),
    OBJECT("inbox", inbox),
    OBJECT("_early", early),
    OBJECT("_ping", ping),
    OBJECT("_connection", connection),
    FLAG("heard", heard),
    FLAG("_wanted", wanted),
    FLAG("_rest_expected", rest_expected),
    FLAG("paused", paused),
    FLAG("lost", lost),
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef reading_methods[] = {
    {"take", (PyCFunction)reading_take, METH_O, NULL},
    {"refill", (PyCFunction)reading_refill, METH_NOARGS, NULL},
    {"_go_on", (PyCFunction)reading_go_on, METH_NOARGS, NULL},
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
