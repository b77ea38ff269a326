/* The straight path of the frame reader: whole messages in one masked frame each, many in one read.
 *
 * `emmett.engine.python.BaseReader` is the same in Python, line by line where that is possible. Every other frame goes
 * to `_read_frame` of the subclass, `emmett.wire.frames.FrameReader`.
 */
#include "reader.h"

#define FINAL_TEXT 0x81
#define FINAL_BINARY 0x82
#define MASKED 0x80
#define LENGTH_16 126

/* ---- the data of a read ---- */

/* The bytes of a bytes-like object. While they are held, Python cannot resize it. */
typedef struct {
    const char *bytes;
    Py_ssize_t size;
    Py_buffer view;
    bool is_view;
} Data;

static int
hold_data(PyObject *object, Data *data)
{
    data->is_view = !PyBytes_CheckExact(object);
    if (!data->is_view) {
        data->bytes = PyBytes_AS_STRING(object);
        data->size = PyBytes_GET_SIZE(object);
        return 0;
    }
    if (PyObject_GetBuffer(object, &data->view, PyBUF_SIMPLE) < 0)
        return -1;
    data->bytes = data->view.buf;
    data->size = data->view.len;
    return 0;
}

static void
release_data(Data *data)
{
    if (data->is_view)
        PyBuffer_Release(&data->view);
}

/* ---- the list of messages ---- */

static Py_ssize_t
count_messages(PyObject *messages)
{
    return PyList_CheckExact(messages) ? PyList_GET_SIZE(messages) : PyObject_Size(messages);
}

/* Appends a message, and takes over the reference to it. */
static int
append_message(Reader *self, PyObject *messages, PyObject *message)
{
    int result;
    if (PyList_CheckExact(messages))
        result = PyList_Append(messages, message);
    else
        result = call_for_effect(messages, self->state->name_append, message);
    Py_DECREF(message);
    return result;
}

/* Returns the message that a whole payload is. A text goes right into a str, which nearly always is ASCII. */
static PyObject *
make_message(bool is_text, const char *masked, Py_ssize_t size, const char *key)
{
    if (!is_text) {
        PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
        if (bytes != NULL && size)
            unmask(PyBytes_AS_STRING(bytes), masked, size, key, 0);
        return bytes;
    }
    PyObject *text = PyUnicode_New(size, 127);
    if (text == NULL || size == 0)
        return text;
    char *unmasked = (char *)PyUnicode_DATA(text);
    if (!unmask(unmasked, masked, size, key, 0))
        return text;
    PyObject *decoded = PyUnicode_DecodeUTF8(unmasked, size, NULL);
    Py_DECREF(text);
    return decoded;
}

/* ---- parsing ---- */

/* One call of `parse`. Positions are those in the data; `start` is where the first frame begins, which is before the
 * data when its beginning has come earlier. */
typedef struct {
    PyObject *object;
    PyObject *messages;
    Py_ssize_t start, position, end;
    /* Counts and limits as in the Python engine; `last` is a position. */
    Py_ssize_t parsed, read, limit, last;
} Parse;

/* The header of a frame on the straight path. */
typedef struct {
    bool is_text;
    Py_ssize_t header, size;
    const char *key;
} Header;

/* Reads a header; false where it is not whole, or the frame is not for the straight path. */
static inline bool
read_header(const Reader *self, const char *bytes, Py_ssize_t available, Header *header)
{
    const unsigned char *data = (const unsigned char *)bytes;
    if (available < 6 || (data[0] != FINAL_TEXT && data[0] != FINAL_BINARY) || data[1] < MASKED)
        return false;
    Py_ssize_t size = data[1] & 0x7F, length = 6;
    if (size == LENGTH_16) {
        length = 8;
        size = (Py_ssize_t)data[2] << 8 | data[3];
        if (available < length || size < LENGTH_16)
            return false;
    } else if (size > LENGTH_16) {
        length = 14;
        if (available < length)
            return false;
        uint64_t announced = 0;
        for (int i = 2; i < 10; i++)
            announced = announced << 8 | data[i];
        if (announced < 0x10000 || announced > (uint64_t)PY_SSIZE_T_MAX)
            return false;
        size = (Py_ssize_t)announced;
    }
    if (size > self->max_message_size)
        return false;
    header->is_text = data[0] == FINAL_TEXT;
    header->header = length;
    header->size = size;
    header->key = bytes + length - 4;
    return true;
}

/* A frame of more than 64 KiB may have been the last of this turn. */
static inline void
check_turn(const Reader *self, Parse *parse)
{
    if (parse->position - parse->start >= self->turn_bytes - parse->parsed)
        parse->limit = parse->read;
}

/* Reads messages until one is not whole or not for this path. */
static int
parse_straight(Reader *self, Parse *parse, const Data *data)
{
    Header header;
    while (parse->read < parse->limit && parse->position < parse->last &&
           read_header(self, data->bytes + parse->position, parse->end - parse->position, &header)) {
        const char *payload = data->bytes + parse->position + header.header;
        Py_ssize_t available = parse->end - parse->position - header.header;
        if (header.size > available) {
            if (header.size < SMALLEST_PARTIAL)
                return 0;
            if (begin_partial(&self->partial, header.is_text, header.header, header.size, header.key) < 0)
                return -1;
            return extend_partial(&self->partial, payload, available);
        }
        PyObject *message = make_message(header.is_text, payload, header.size, header.key);
        if (message == NULL || append_message(self, parse->messages, message) < 0)
            return -1;
        parse->position += header.header + header.size;
        parse->read++;
        if (header.header == 14)
            check_turn(self, parse);
    }
    return 0;
}

/* Sets the limits from what has been read and taken. */
static int
set_limits(Reader *self, Parse *parse)
{
    Py_ssize_t count = count_messages(parse->messages);
    if (count < 0)
        return -1;
    Py_ssize_t room = self->max_messages > count ? self->max_messages - count : 0;
    parse->limit = add_up_to_max(parse->read, room);
    if (parse->limit > self->turn_frames)
        parse->limit = self->turn_frames;
    /* Inflation lowers the last byte, even below zero; the sum below cannot overflow then. */
    Py_ssize_t ahead = self->last_byte - parse->parsed;
    parse->last = ahead > 0 && parse->start > 0 ? add_up_to_max(ahead, parse->start) : ahead + parse->start;
    return 0;
}

/* Lets the subclass read one frame of any kind: 1 when it has, 0 when the frame is not whole, -1 with an exception. */
static int
read_other_frame(Reader *self, Parse *parse)
{
    PyObject *position = PyLong_FromSsize_t(parse->position), *end = PyLong_FromSsize_t(parse->end);
    PyObject *result = NULL;
    if (position != NULL && end != NULL) {
        PyObject *arguments[4] = {(PyObject *)self, parse->object, position, end};
        result = PyObject_VectorcallMethod(self->state->name__read_frame, arguments,
                                           4 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    }
    Py_XDECREF(position);
    Py_XDECREF(end);
    if (result == NULL)
        return -1;
    Py_ssize_t stop = PyLong_AsSsize_t(result);
    Py_DECREF(result);
    if (stop == -1 && PyErr_Occurred())
        return -1;
    if (stop < parse->position || stop > parse->end) {
        PyErr_SetString(PyExc_SystemError, "_read_frame returned a position outside of the data");
        return -1;
    }
    if (stop == parse->position) {
        self->missing -= parse->position;
        return 0;
    }
    parse->position = stop;
    return 1;
}

/* Turns invalid UTF-8 into the FrameError that it is; after one of those, all further input is ignored. */
static void
handle_fault(Reader *self)
{
    if (PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        PyErr_Clear();
        call_for_effect((PyObject *)self, self->state->name__refuse_text, NULL);
    } else if (PyErr_ExceptionMatches(self->state->frame_error)) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        if (call_for_effect((PyObject *)self, self->state->name_finish, NULL) < 0)
            PyErr_Clear();
        PyErr_Restore(type, value, traceback);
    }
}

/* Delivers the message whose last bytes have just come: 0, or -1 with an exception. */
static int
deliver_partial(Reader *self, Parse *parse)
{
    bool is_long = self->partial.header == 14;
    self->missing = 0;
    PyObject *message = end_partial(&self->partial);
    if (message == NULL || append_message(self, parse->messages, message) < 0) {
        /* The frame does not count as parsed. */
        parse->start = parse->position;
        return -1;
    }
    parse->read++;
    if (is_long)
        check_turn(self, parse);
    return 0;
}

/* Parses frames while there is room: 0, or -1 with an exception. `parse->position` says how far. */
static int
parse_frames(Reader *self, Parse *parse, bool ends_partial)
{
    if (set_limits(self, parse) < 0)
        return -1;
    if (ends_partial && deliver_partial(self, parse) < 0)
        return -1;
    for (;;) {
        if (given(self->fragments) == Py_None) {
            Data data;
            if (hold_data(parse->object, &data) < 0)
                return -1;
            /* Python code of a callback may have shortened it. */
            if (parse->end > data.size)
                parse->end = data.size;
            int result = parse_straight(self, parse, &data);
            release_data(&data);
            if (result < 0)
                return -1;
        }
        if (self->partial.content != NULL || parse->position >= parse->end || parse->read >= parse->limit)
            return 0;
        if (parse->position >= parse->last) {
            Py_ssize_t count = count_messages(parse->messages);
            if (count)
                return count < 0 ? -1 : 0;
        }
        self->read = parse->read;
        int result = read_other_frame(self, parse);
        if (result <= 0)
            return result;
        if (self->finished)
            return 0;
        parse->read = self->read;
        if (set_limits(self, parse) < 0)
            return -1;
        check_turn(self, parse);
    }
}

/* Parses the data from a position on. Returns how much of it was used, or -1 with an exception.
 *
 * ends_partial: the bytes before `position` are the last of the message that is under way.
 */
static Py_ssize_t
parse(Reader *self, PyObject *object, Py_ssize_t size, Py_ssize_t position, bool ends_partial)
{
    Parse parse = {.object = object, .position = position, .start = position, .end = size,
                   .parsed = self->parsed, .read = self->read};
    if (ends_partial)
        parse.start -= self->partial.header + self->partial.size;
    parse.messages = Py_NewRef(given(self->messages));
    int result = -1;
    Py_ssize_t count = count_messages(parse.messages);
    if (count >= 0) {
        if (!count)
            self->last_byte = add_up_to_max(parse.parsed, self->max_bytes);
        result = parse_frames(self, &parse, ends_partial);
        if (result < 0)
            handle_fault(self);
    }
    Py_DECREF(parse.messages);
    self->read = parse.read;
    self->parsed = parse.parsed + (parse.position - parse.start);
    if (self->parsed >= self->turn_bytes)
        self->turn_frames = parse.read;
    if (result < 0)
        return -1;
    if (self->partial.content != NULL) {
        self->missing = self->partial.header + self->partial.size;
        return size;
    }
    return self->finished ? size : parse.position;
}

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
    return PyObject_CallMethodNoArgs((PyObject *)self, self->state->name_resume);
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

static PyObject *
reader_parse(Reader *self, PyObject *data)
{
    Py_ssize_t size = PyObject_Size(data);
    if (size < 0)
        return NULL;
    Py_ssize_t used = parse(self, data, size, 0, false);
    return used < 0 ? NULL : PyLong_FromSsize_t(used);
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
    {"_parse", (PyCFunction)reader_parse, METH_O, NULL},
    {"_release", (PyCFunction)reader_release, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef reader_getset[] = {
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
