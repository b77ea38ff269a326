/* The frame reader, for the files that feed it. */
#ifndef EMMETT_READER_H
#define EMMETT_READER_H

#include "partial.h"

typedef struct {
    PyObject_HEAD
    State *state;
    PyObject *messages, *buffer, *fragments;
    Partial partial;
    /* What these count is said in `emmett.wire.frames.FrameReader`. */
    Py_ssize_t parsed, step, read, missing, grown, last_byte, turn_bytes, turn_frames;
    Py_ssize_t max_bytes, max_message_size, max_messages;
    char finished;
} Reader;

/* `BaseReader.feed`: True or False, or NULL with an exception. */
PyObject *reader_feed(Reader *self, PyObject *data);

/* `BaseReader.resume`: 1 or 0, or -1 with an exception. */
int reader_resume(Reader *self);

/* `BaseReader.spent`. */
static inline bool
reader_is_spent(const Reader *self)
{
    return self->read >= self->turn_frames;
}

#endif
