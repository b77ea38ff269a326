/* The outbox, for the files that write to it. */
#ifndef EMMETT_OUTBOX_H
#define EMMETT_OUTBOX_H

#include "native.h"

/* `BaseOutbox.write`. */
PyObject *outbox_write_message(PyObject *outbox, PyObject *message, bool more);

/* `BaseOutbox.write_batch`. */
PyObject *outbox_write_batch(PyObject *outbox, PyObject *batch);

#endif
