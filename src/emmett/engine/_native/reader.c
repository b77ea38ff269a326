/* The frame reader: takes the data of each read, and keeps what cannot be parsed yet. `emmett.engine.python.BaseReader` is
 * the same in Python.
 */
#include "parse.h"

/* ---- methods ---- */

static int
note_growth(Reader *self)
{
    if (self->grown < self->step)
        return 0;
    PyObject *zero = PyLong_FromLong(0);
    int result = zero == NULL ? -1 : call_for_effect((PyObject *)self, self->state->name__grow, zero);
    Py_XDECREF(zero);
    return result;
}

static PyObject *reader_resume_method(Reader *self, PyObject *ignored);

/* Adds bytes to those that wait for the rest of a frame, or for room. */
static PyObject *
feed_buffer(Reader *self, PyObject *data, Py_ssize_t size)
{
    PyObject *joined = PyNumber_InPlaceAdd(self->buffer, data);
    if (joined == NULL)
        return NULL;
    Py_XSETREF(self->buffer, joined);
    self->grown += size;
    if (note_growth(self) < 0)
        return NULL;
    return reader_resume_method(self, NULL);
}

/* Takes data that belongs to a message under way: how much, or -1 with an exception. */
static Py_ssize_t
feed_partial(Reader *self, PyObject *object)
{
    Data data;
    if (hold_data(object, &data) < 0)
        return -1;
    Py_ssize_t missing = self->partial.size - self->partial.arrived;
    Py_ssize_t taken = missing < data.size ? missing : data.size;
    int result = extend_partial(&self->partial, data.bytes, taken);
    release_data(&data);
    self->grown += taken;
    return result < 0 ? -1 : taken;
}

/* Keeps what was not used of a read. */
static int
keep_rest(Reader *self, PyObject *object, Py_ssize_t used)
{
    Data data;
    if (hold_data(object, &data) < 0)
        return -1;
    /* Python code of a callback may have shortened it. */
    Py_ssize_t size = data.size > used ? data.size - used : 0;
    PyObject *buffer = PyByteArray_FromStringAndSize(data.bytes + data.size - size, size);
    release_data(&data);
    if (buffer == NULL)
        return -1;
    Py_XSETREF(self->buffer, buffer);
    self->grown += size;
    return 0;
}

PyObject *
reader_feed(Reader *self, PyObject *data)
{
    Py_ssize_t size = PyBytes_CheckExact(data) ? PyBytes_GET_SIZE(data) : PyObject_Size(data);
    if (size < 0)
        return NULL;
    if (self->finished) {
        self->parsed += size;
        if (self->parsed >= self->turn_bytes)
            self->turn_frames = self->read;
        return PyBool_FromLong(self->read >= self->turn_frames);
    }
    if (self->buffer != NULL && PyByteArray_Check(self->buffer) && PyByteArray_GET_SIZE(self->buffer))
        return feed_buffer(self, data, size);
    Py_ssize_t taken = 0, grown = self->grown;
    bool ends_partial = false;
    if (self->partial.content != NULL) {
        taken = feed_partial(self, data);
        if (taken < 0)
            return NULL;
        ends_partial = self->partial.arrived == self->partial.size;
        if (!ends_partial)
            return note_growth(self) < 0 ? NULL : Py_NewRef(Py_False);
    }
    Py_ssize_t used = parse(self, data, size, taken, ends_partial);
    if (used < 0)
        return NULL;
    if (used < size && keep_rest(self, data, used) < 0)
        return NULL;
    if (self->partial.content != NULL)
        self->grown += self->partial.header + self->partial.arrived;
    if (self->grown > grown && note_growth(self) < 0)
        return NULL;
    return PyBool_FromLong(used < size && !self->missing);
}

int
reader_resume(Reader *self)
{
    PyObject *buffer = self->buffer;
    if (buffer == NULL || !PyByteArray_Check(buffer) || PyByteArray_GET_SIZE(buffer) < self->missing)
        return 0;
    Py_INCREF(buffer);
    self->missing = 0;
    Py_ssize_t used = parse(self, buffer, PyByteArray_GET_SIZE(buffer), 0, false);
    int result = used < 0 ? -1 : PySequence_DelSlice(buffer, 0, used);
    if (result == 0 && PyByteArray_GET_SIZE(buffer))
        result = !self->missing;
    else if (result == 0)
        Py_XSETREF(self->buffer, Py_NewRef(self->state->empty_bytes));
    Py_DECREF(buffer);
    return result;
}

static PyObject *
reader_resume_method(Reader *self, PyObject *Py_UNUSED(ignored))
{
    int held_back = reader_resume(self);
    return held_back < 0 ? NULL : PyBool_FromLong(held_back);
}

static PyObject *
reader_spent(Reader *self, void *Py_UNUSED(closure))
{
    return PyBool_FromLong(reader_is_spent(self));
}

static PyObject *
reader_release(Reader *self, PyObject *Py_UNUSED(ignored))
{
    Py_XSETREF(self->buffer, Py_NewRef(self->state->empty_bytes));
    Py_CLEAR(self->partial.content);
    Py_RETURN_NONE;
}

static PyObject *
reader_unparsed(Reader *self, void *Py_UNUSED(closure))
{
    Py_ssize_t size = self->buffer == NULL ? 0 : PyObject_Size(self->buffer);
    if (size < 0)
        return NULL;
    if (self->partial.content != NULL)
        size += self->partial.header + self->partial.arrived;
    return PyLong_FromSsize_t(size);
}

/* ---- the type ---- */

static PyObject *
reader_new(PyTypeObject *type, PyObject *Py_UNUSED(arguments), PyObject *Py_UNUSED(keywords))
{
    State *state = state_of_type(type);
    if (state == NULL)
        return NULL;
    Reader *self = (Reader *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->state = state;
    self->buffer = Py_NewRef(state->empty_bytes);
    self->step = PY_SSIZE_T_MAX;
    return (PyObject *)self;
}

static int
reader_traverse(Reader *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->messages);
    Py_VISIT(self->buffer);
    Py_VISIT(self->fragments);
    return 0;
}

static int
reader_clear(Reader *self)
{
    Py_CLEAR(self->messages);
    Py_CLEAR(self->buffer);
    Py_CLEAR(self->fragments);
    Py_CLEAR(self->partial.content);
    return 0;
}

static void
reader_dealloc(Reader *self)
{
    PyObject_GC_UnTrack(self);
    reader_clear(self);
    free_object((PyObject *)self);
}

#define OBJECT(name, field) {name, T_OBJECT_EX, offsetof(Reader, field), 0, NULL}
#define NUMBER(name, field) {name, T_PYSSIZET, offsetof(Reader, field), 0, NULL}

static PyMemberDef reader_members[] = {
    OBJECT("messages", messages),
    OBJECT("_buffer", buffer),
    OBJECT("_fragments", fragments),
    NUMBER("parsed", parsed),
    NUMBER("step", step),
    NUMBER("_read", read),
    NUMBER("_missing", missing),
    NUMBER("_grown", grown),
    NUMBER("_last_byte", last_byte),
    NUMBER("_turn_bytes", turn_bytes),
    NUMBER("_turn_frames", turn_frames),
    NUMBER("_max_bytes", max_bytes),
    NUMBER("_max_message_size", max_message_size),
    NUMBER("_max_messages", max_messages),
    {"finished", T_BOOL, offsetof(Reader, finished), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef reader_methods[] = {
    {"feed", (PyCFunction)reader_feed, METH_O, NULL},
    {"resume", (PyCFunction)reader_resume_method, METH_NOARGS, NULL},
    {"_release", (PyCFunction)reader_release, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef reader_getset[] = {
    {"spent", (getter)reader_spent, NULL, NULL, NULL},
    {"unparsed", (getter)reader_unparsed, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot reader_slots[] = {
    {Py_tp_doc, "The frame reader, as far as nearly every message goes; see `emmett.engine.python.BaseReader`."},
    {Py_tp_new, reader_new},
    {Py_tp_traverse, reader_traverse},
    {Py_tp_clear, reader_clear},
    {Py_tp_dealloc, reader_dealloc},
    {Py_tp_members, reader_members},
    {Py_tp_methods, reader_methods},
    {Py_tp_getset, reader_getset},
    {0, NULL},
};

PyType_Spec reader_spec = {
    .name = "emmett._native.BaseReader",
    .basicsize = sizeof(Reader),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = reader_slots,
};
