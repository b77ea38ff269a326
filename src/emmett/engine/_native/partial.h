/* A large message in one frame whose end has not arrived: its payload is unmasked where it belongs as it arrives. */
#ifndef EMMETT_PARTIAL_H
#define EMMETT_PARTIAL_H

#include "native.h"

/* Smaller frames wait in the buffer of the reader until they are whole. */
#define SMALLEST_PARTIAL 1024

typedef struct {
    /* The payload so far: a str while all of it is ASCII, otherwise bytes. NULL: no such message is under way.
     * It is longer than what has arrived, at most twice as long: a peer that announces much and sends little must not
     * make this process allocate much. */
    PyObject *content;
    bool is_text;
    char key[4];
    /* Bytes of the header, of the whole payload, and of its part that has arrived. */
    Py_ssize_t header, size, arrived;
} Partial;

/* Begins a message: 0, or -1 with MemoryError. */
int begin_partial(Partial *partial, bool is_text, Py_ssize_t header, Py_ssize_t size, const char *key);

/* Takes the next bytes, at most as many as are missing: 0, or -1 with MemoryError. */
int extend_partial(Partial *partial, const char *masked, Py_ssize_t size);

/* Returns the message, whose bytes are all here, or NULL with an exception: UnicodeDecodeError for invalid UTF-8. */
PyObject *end_partial(Partial *partial);

#endif
