/* From a message to the transport; `emmett.engine.python.BaseOutbox` is the same in Python.
 *
 * Frames that leave together are encoded one after the other into one bytes object, which is then written as it is.
 */
#include "outbox.h"
#include "batch.h"

/* The first size of that object: enough for 32 small frames. */
#define SMALLEST_BUFFER 2240
/* The payload of a frame from this size on is not copied: it is written from where it is, after its header. For smaller
 * ones the two pieces cost as much as the copy: 4 % more CPU time than it at 16 KiB, 4 % less at 48. */
#define SMALLEST_PIECE 0x10000

typedef struct {
    PyObject_HEAD
    State *state;
    PyObject *loop, *transport, *encode, *line, *stalled_since, *closed;
    /* The frames that wait for the next one, or NULL; it is longer than what is in it, which no one else sees. */
    PyObject *buffer;
    Py_ssize_t buffered, high_water, written, frames;
    char flush_planned;
} Outbox;

/* Remembers the method of a type that has always the same one: neither its objects nor the type take attributes. */
static int
note_transport(State *state, PyTypeObject *type)
{
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE || type->tp_dictoffset || type->tp_getattro != PyObject_GenericGetAttr)
        return 0;
    PyObject *write = PyObject_GetAttr((PyObject *)type, state->name_write);
    if (write == NULL)
        return -1;
    Py_XSETREF(state->transport_write, write);
    Py_INCREF(type);
    Py_XSETREF(state->seen_transport, type);
    return 0;
}

/* Like `self._transport.write(bytes)`. */
static int
write_bytes(Outbox *self, PyObject *bytes)
{
    State *state = self->state;
    PyObject *transport = given(self->transport);
    if (Py_TYPE(transport) != state->seen_transport) {
        if (call_for_effect(transport, state->name_write, bytes) < 0)
            return -1;
        return note_transport(state, Py_TYPE(transport));
    }
    PyObject *arguments[3] = {NULL, transport, bytes};
    PyObject *result = PyObject_Vectorcall(state->transport_write, arguments + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* ---- collecting ---- */

static int
flush(Outbox *self)
{
    if (!self->frames)
        return 0;
    PyObject *bytes = self->buffer;
    Py_ssize_t size = self->buffered;
    self->written += self->frames;
    self->buffer = NULL;
    self->buffered = self->frames = 0;
    if (PyBytes_GET_SIZE(bytes) != size && _PyBytes_Resize(&bytes, size) < 0)
        return -1;
    int result = write_bytes(self, bytes);
    Py_DECREF(bytes);
    return result;
}

/* Makes room in the buffer and returns where a frame of this size goes, or NULL with MemoryError. */
static char *
add_frame(Outbox *self, Py_ssize_t size)
{
    Py_ssize_t needed = add_up_to_max(self->buffered, size);
    if (self->buffer == NULL) {
        self->buffer = PyBytes_FromStringAndSize(NULL, needed > SMALLEST_BUFFER ? needed : SMALLEST_BUFFER);
        if (self->buffer == NULL)
            return NULL;
    } else if (needed > PyBytes_GET_SIZE(self->buffer)) {
        /* A new object, and not _PyBytes_Resize, which frees the old one if there is no memory. */
        Py_ssize_t doubled = add_up_to_max(PyBytes_GET_SIZE(self->buffer), PyBytes_GET_SIZE(self->buffer));
        PyObject *larger = PyBytes_FromStringAndSize(NULL, doubled > needed ? doubled : needed);
        if (larger == NULL)
            return NULL;
        memcpy(PyBytes_AS_STRING(larger), PyBytes_AS_STRING(self->buffer), self->buffered);
        Py_SETREF(self->buffer, larger);
    }
    char *to = PyBytes_AS_STRING(self->buffer) + self->buffered;
    self->buffered = needed;
    self->frames++;
    return to;
}

/* Flushes what has been collected now or, if more is to come, in the next turn of the loop at the latest: the handler
 * may await something else before it writes the frame that flushes. */
static int
flush_in_time(Outbox *self, bool more)
{
    if (!more || self->buffered > self->high_water)
        return flush(self);
    if (self->frames > 1 || self->flush_planned)
        return 0;
    PyObject *callback = PyObject_GetAttr((PyObject *)self, self->state->name__flush_as_planned);
    if (callback == NULL)
        return -1;
    self->flush_planned = true;
    int result = call_for_effect(given(self->loop), self->state->name_call_soon, callback);
    Py_DECREF(callback);
    return result;
}

/* Writes a frame in two pieces, after the collected ones. */
static int
write_pieces(Outbox *self, PyObject *message, const Payload *payload)
{
    if (flush(self) < 0)
        return -1;
    PyObject *rest;
    if (payload->owner != NULL)
        rest = Py_NewRef(payload->owner);
    else
        rest = PyBytes_CheckExact(message) ? Py_NewRef(message) : view_text(self->state, message);
    if (rest == NULL)
        return -1;
    char header[MAX_HEADER];
    Py_ssize_t start = write_header(header, payload);
    PyObject *pieces = Py_BuildValue("(y#N)", header, start, rest);
    if (pieces == NULL)
        return -1;
    self->written++;
    int result = call_for_effect(given(self->transport), self->state->name_writelines, pieces);
    Py_DECREF(pieces);
    return result;
}

/* A lone message is written at once. */
static int
write_alone(Outbox *self, const Payload *payload)
{
    PyObject *frame = make_frame(payload);
    if (frame == NULL)
        return -1;
    self->written++;
    int result = write_bytes(self, frame);
    Py_DECREF(frame);
    return result;
}

static int
collect(Outbox *self, const Payload *payload, bool more)
{
    char header[MAX_HEADER];
    int start = write_header(header, payload);
    char *to = add_frame(self, add_up_to_max(start, payload->size));
    if (to == NULL)
        return -1;
    memcpy(to, header, start);
    memcpy(to + start, payload->bytes, payload->size);
    return flush_in_time(self, more);
}

static int
write_uncompressed(Outbox *self, PyObject *message, bool more)
{
    Payload payload;
    if (find_payload(message, &payload) < 0)
        return -1;
    int result;
    if (payload.size >= SMALLEST_PIECE)
        result = write_pieces(self, message, &payload);
    else if (more || self->frames)
        result = collect(self, &payload, more);
    else
        result = write_alone(self, &payload);
    release_payload(&payload);
    return result;
}

/* Writes a frame that is made already: a compressed one. */
static int
write_frame(Outbox *self, PyObject *frame, bool more)
{
    if (!PyBytes_Check(frame)) {
        PyErr_SetString(PyExc_TypeError, "the encoder of an outbox returns bytes");
        return -1;
    }
    Py_ssize_t size = PyBytes_GET_SIZE(frame);
    if (!self->frames && (!more || size > self->high_water)) {
        self->written++;
        return write_bytes(self, frame);
    }
    char *to = add_frame(self, size);
    if (to == NULL)
        return -1;
    memcpy(to, PyBytes_AS_STRING(frame), size);
    return flush_in_time(self, more);
}

static int
write_message(Outbox *self, PyObject *message, bool more)
{
    if (self->encode == self->state->encode_message)
        return write_uncompressed(self, message, more);
    PyObject *frame = PyObject_CallOneArg(given(self->encode), message);
    if (frame == NULL)
        return -1;
    int result = write_frame(self, frame, more);
    Py_DECREF(frame);
    return result;
}

/* ---- methods ---- */

/* Raises `self.error()`. */
static void
raise_closed(Outbox *self)
{
    PyObject *error = PyObject_CallMethodNoArgs((PyObject *)self, self->state->name_error);
    if (error != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
        Py_DECREF(error);
    }
}

/* Whether writers wait for the peer: 1 or 0, or -1 with an exception. */
static int
must_wait(Outbox *self)
{
    if (given(self->stalled_since) != Py_None)
        return 1;
    return given(self->line) == Py_None ? 0 : PyObject_IsTrue(self->line);
}

PyObject *
outbox_write_message(PyObject *outbox, PyObject *message, bool more)
{
    Outbox *self = (Outbox *)outbox;
    if (given(self->closed) != Py_None) {
        raise_closed(self);
        return NULL;
    }
    int waits = must_wait(self);
    if (waits)
        return waits < 0 ? NULL : PyObject_CallMethodOneArg((PyObject *)self, self->state->name__write_when_ready, message);
    if (write_message(self, message, more) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
outbox_write(PyObject *self, PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_Format(PyExc_TypeError, "write() takes a message and whether more follow, not %zd arguments", count);
        return NULL;
    }
    int more = PyObject_IsTrue(arguments[1]);
    return more < 0 ? NULL : outbox_write_message(self, arguments[0], more);
}

/* The frames of a batch, and how many messages they are: a new reference, or NULL with an exception. */
static PyObject *
find_frames(Outbox *self, PyObject *batch, Py_ssize_t *count)
{
    State *state = self->state;
    PyObject *frames, *messages;
    if (Py_IS_TYPE(batch, state->batch_type)) {
        frames = batch_frames((Batch *)batch, given(self->encode));
        messages = Py_XNewRef(((Batch *)batch)->messages);
    } else {
        frames = PyObject_CallMethodOneArg(batch, state->name_frames, given(self->encode));
        messages = frames == NULL ? NULL : PyObject_GetAttr(batch, state->name_messages);
    }
    *count = frames == NULL || messages == NULL ? -1 : PyObject_Size(messages);
    Py_XDECREF(messages);
    if (*count < 0)
        Py_CLEAR(frames);
    return frames;
}

PyObject *
outbox_write_batch(PyObject *outbox, PyObject *batch)
{
    Outbox *self = (Outbox *)outbox;
    if (given(self->closed) != Py_None) {
        raise_closed(self);
        return NULL;
    }
    int waits = must_wait(self);
    if (waits)
        return waits < 0 ? NULL : Py_NewRef(Py_False);
    Py_ssize_t count;
    PyObject *frames = find_frames(self, batch, &count);
    if (frames == NULL)
        return NULL;
    self->written += count;
    int result = flush(self) < 0 ? -1 : write_bytes(self, frames);
    Py_DECREF(frames);
    return result < 0 ? NULL : Py_NewRef(Py_True);
}

static PyObject *
outbox_flush(Outbox *self, PyObject *Py_UNUSED(ignored))
{
    if (flush(self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
outbox_flush_as_planned(Outbox *self, PyObject *Py_UNUSED(ignored))
{
    self->flush_planned = false;
    return outbox_flush(self, NULL);
}

/* ---- the type ---- */

static PyObject *
outbox_new(PyTypeObject *type, PyObject *Py_UNUSED(arguments), PyObject *Py_UNUSED(keywords))
{
    State *state = state_of_type(type);
    Outbox *self = state == NULL ? NULL : (Outbox *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->state = state;
    self->encode = Py_NewRef(state->encode_message);
    self->line = Py_NewRef(Py_None);
    self->stalled_since = Py_NewRef(Py_None);
    self->closed = Py_NewRef(Py_None);
    return (PyObject *)self;
}

static int
outbox_init(Outbox *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"loop", "transport", "high_water", NULL};
    PyObject *loop, *transport, *high_water;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OOO!:BaseOutbox", names, &loop, &transport, &PyLong_Type,
                                     &high_water))
        return -1;
    /* As large as Python likes; PY_SSIZE_T_MAX is never exceeded. */
    Py_ssize_t limit = PyLong_AsSsize_t(high_water);
    if (limit == -1 && PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_OverflowError))
            return -1;
        PyErr_Clear();
        limit = PY_SSIZE_T_MAX;
    }
    self->high_water = limit;
    Py_XSETREF(self->loop, Py_NewRef(loop));
    Py_XSETREF(self->transport, Py_NewRef(transport));
    return 0;
}

static int
outbox_traverse(Outbox *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->loop);
    Py_VISIT(self->transport);
    Py_VISIT(self->encode);
    Py_VISIT(self->line);
    Py_VISIT(self->stalled_since);
    Py_VISIT(self->closed);
    return 0;
}

static int
outbox_clear(Outbox *self)
{
    Py_CLEAR(self->loop);
    Py_CLEAR(self->transport);
    Py_CLEAR(self->encode);
    Py_CLEAR(self->line);
    Py_CLEAR(self->stalled_since);
    Py_CLEAR(self->closed);
    return 0;
}

static void
outbox_dealloc(Outbox *self)
{
    PyObject_GC_UnTrack(self);
    outbox_clear(self);
    Py_CLEAR(self->buffer);
    free_object((PyObject *)self);
}

#define OBJECT(name, field) {name, T_OBJECT_EX, offsetof(Outbox, field), 0, NULL}

static PyMemberDef outbox_members[] = {
    OBJECT("_loop", loop),
    OBJECT("_transport", transport),
    OBJECT("_encode", encode),
    OBJECT("_line", line),
    OBJECT("stalled_since", stalled_since),
    OBJECT("closed", closed),
    {"_collected_size", T_PYSSIZET, offsetof(Outbox, buffered), READONLY, NULL},
    {"written", T_PYSSIZET, offsetof(Outbox, written), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef outbox_methods[] = {
    {"write", (PyCFunction)(void (*)(void))outbox_write, METH_FASTCALL, NULL},
    {"write_batch", outbox_write_batch, METH_O, NULL},
    {"flush", (PyCFunction)outbox_flush, METH_NOARGS, NULL},
    {"_flush_as_planned", (PyCFunction)outbox_flush_as_planned, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot outbox_slots[] = {
    {Py_tp_doc, "The outbox, as far as nearly every message goes; see `emmett.engine.python.BaseOutbox`."},
    {Py_tp_new, outbox_new},
    {Py_tp_init, outbox_init},
    {Py_tp_traverse, outbox_traverse},
    {Py_tp_clear, outbox_clear},
    {Py_tp_dealloc, outbox_dealloc},
    {Py_tp_members, outbox_members},
    {Py_tp_methods, outbox_methods},
    {0, NULL},
};

PyType_Spec outbox_spec = {
    .name = "emmett._native.BaseOutbox",
    .basicsize = sizeof(Outbox),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = outbox_slots,
};
