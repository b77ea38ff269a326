/* Parsing, for the reader that feeds it. */
#ifndef EMMETT_PARSE_H
#define EMMETT_PARSE_H

#include "reader.h"

/* The bytes of a bytes-like object. While they are held, Python cannot resize it. */
typedef struct {
    const char *bytes;
    Py_ssize_t size;
    Py_buffer view;
    bool is_view;
} Data;

static inline int
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

static inline void
release_data(Data *data)
{
    if (data->is_view)
        PyBuffer_Release(&data->view);
}

/* Parses the data from a position on. Returns how much of it was used, or -1 with an exception.
 *
 * ends_partial: the bytes before `position` are the last of the message that is under way.
 */
Py_ssize_t parse(Reader *self, PyObject *object, Py_ssize_t size, Py_ssize_t position, bool ends_partial);

#endif
