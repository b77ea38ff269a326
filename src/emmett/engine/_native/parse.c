/* The straight path of the frame reader: whole messages in one masked frame each, many in one read.
 *
 * `emmett.engine.python.BaseReader` is the same in Python, line by line where that is possible. Every other frame goes
 * to `_read_frame` of the subclass, `emmett.wire.frames.FrameReader`.
 */
#include "parse.h"

#define FINAL_TEXT 0x81
#define FINAL_BINARY 0x82
#define MASKED 0x80
#define LENGTH_16 126

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

Py_ssize_t
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
