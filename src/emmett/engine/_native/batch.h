/* Messages for many connections, for the files that write them. */
#ifndef EMMETT_BATCH_H
#define EMMETT_BATCH_H

#include "native.h"

typedef struct {
    PyObject_HEAD
    PyObject *messages;
    Py_ssize_t size;
    /* The frames of all messages, and the function that encoded them; or NULL. */
    PyObject *frames, *encoder;
} Batch;

/* `Batch.frames`: a new reference, or NULL with an exception. */
PyObject *batch_frames(Batch *self, PyObject *encode);

PyObject *hand_out(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

#endif
