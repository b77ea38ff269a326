/* See partial.h. */
#include "partial.h"

static char *
content_bytes(PyObject *content)
{
    return PyUnicode_Check(content) ? (char *)PyUnicode_DATA(content) : PyBytes_AS_STRING(content);
}

static Py_ssize_t
capacity_of(PyObject *content)
{
    return PyUnicode_Check(content) ? PyUnicode_GET_LENGTH(content) : PyBytes_GET_SIZE(content);
}

/* Both functions are public. The object has one reference, ours, so it may be moved; on failure it is freed. */
static int
resize(PyObject **content, Py_ssize_t size)
{
    if (!PyUnicode_Check(*content))
        return _PyBytes_Resize(content, size);
    if (PyUnicode_Resize(content, size) < 0) {
        Py_CLEAR(*content);
        return -1;
    }
    return 0;
}

int
begin_partial(Partial *partial, bool is_text, Py_ssize_t header, Py_ssize_t size, const char *key)
{
    /* A callback of the reader may have fed it, and begun one. */
    Py_CLEAR(partial->content);
    partial->content = is_text ? PyUnicode_New(SMALLEST_PARTIAL, 127) : PyBytes_FromStringAndSize(NULL, SMALLEST_PARTIAL);
    partial->is_text = is_text;
    partial->header = header;
    partial->size = size;
    partial->arrived = 0;
    memcpy(partial->key, key, 4);
    return partial->content == NULL ? -1 : 0;
}

static int
make_room(Partial *partial, Py_ssize_t needed)
{
    Py_ssize_t capacity = capacity_of(partial->content);
    if (needed <= capacity)
        return 0;
    Py_ssize_t wanted = add_up_to_max(capacity, capacity);
    if (wanted < needed)
        wanted = needed;
    return resize(&partial->content, wanted < partial->size ? wanted : partial->size);
}

/* A str cannot hold the bytes of other characters than ASCII. */
static int
turn_into_bytes(Partial *partial)
{
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, capacity_of(partial->content));
    if (bytes == NULL)
        return -1;
    memcpy(PyBytes_AS_STRING(bytes), PyUnicode_DATA(partial->content), partial->arrived);
    Py_SETREF(partial->content, bytes);
    return 0;
}

int
extend_partial(Partial *partial, const char *masked, Py_ssize_t size)
{
    if (make_room(partial, partial->arrived + size) < 0)
        return -1;
    char *to = content_bytes(partial->content) + partial->arrived;
    bool other_than_ascii = unmask(to, masked, size, partial->key, partial->arrived);
    partial->arrived += size;
    if (other_than_ascii && PyUnicode_Check(partial->content))
        return turn_into_bytes(partial);
    return 0;
}

PyObject *
end_partial(Partial *partial)
{
    PyObject *content = partial->content;
    partial->content = NULL;
    if (capacity_of(content) != partial->size && resize(&content, partial->size) < 0)
        return NULL;
    if (!partial->is_text || PyUnicode_Check(content))
        return content;
    PyObject *text = PyUnicode_DecodeUTF8(PyBytes_AS_STRING(content), partial->size, NULL);
    Py_DECREF(content);
    return text;
}
