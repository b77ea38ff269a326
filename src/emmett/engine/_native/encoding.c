/* Frames that a server sends (RFC 6455, 5.2): final and unmasked. */
#include "native.h"

#define FIN 0x80
#define OP_TEXT 0x1
#define OP_BINARY 0x2

int
write_header(char *to, const Payload *payload)
{
    Py_ssize_t size = payload->size;
    to[0] = (char)(FIN | payload->opcode);
    if (size < 126) {
        to[1] = (char)size;
        return 2;
    }
    if (size < 0x10000) {
        to[1] = 126;
        to[2] = (char)(size >> 8);
        to[3] = (char)size;
        return 4;
    }
    to[1] = 127;
    for (int i = 0; i < 8; i++)
        to[2 + i] = (char)((uint64_t)size >> (56 - 8 * i));
    return 10;
}

static int
own_payload(Payload *payload, PyObject *bytes)
{
    if (bytes == NULL)
        return -1;
    payload->owner = bytes;
    payload->bytes = PyBytes_AS_STRING(bytes);
    payload->size = PyBytes_GET_SIZE(bytes);
    return 0;
}

static int
refuse_message(PyObject *message)
{
    PyObject *name = PyType_GetName(Py_TYPE(message));
    if (name != NULL) {
        PyErr_Format(PyExc_TypeError,
                     "a message is str or bytes-like, not %U; send_json() sends data as JSON", name);
        Py_DECREF(name);
    }
    return -1;
}

int
find_payload(PyObject *message, Payload *payload)
{
    payload->owner = NULL;
    if (PyUnicode_Check(message)) {
        payload->opcode = OP_TEXT;
        if (PyUnicode_IS_COMPACT_ASCII(message)) {
            payload->bytes = (const char *)PyUnicode_DATA(message);
            payload->size = PyUnicode_GET_LENGTH(message);
            return 0;
        }
        return own_payload(payload, PyUnicode_AsUTF8String(message));
    }
    payload->opcode = OP_BINARY;
    if (PyBytes_CheckExact(message)) {
        payload->bytes = PyBytes_AS_STRING(message);
        payload->size = PyBytes_GET_SIZE(message);
        return 0;
    }
    if (PyBytes_Check(message) || PyByteArray_Check(message) || PyMemoryView_Check(message))
        return own_payload(payload, PyObject_Bytes(message));
    return refuse_message(message);
}

PyObject *
make_frame(const Payload *payload)
{
    char header[MAX_HEADER];
    int start = write_header(header, payload);
    if (payload->size > PY_SSIZE_T_MAX - start)
        return PyErr_NoMemory();
    PyObject *frame = PyBytes_FromStringAndSize(NULL, start + payload->size);
    if (frame != NULL) {
        memcpy(PyBytes_AS_STRING(frame), header, start);
        memcpy(PyBytes_AS_STRING(frame) + start, payload->bytes, payload->size);
    }
    return frame;
}

PyObject *
encode_message(PyObject *Py_UNUSED(module), PyObject *message)
{
    Payload payload;
    if (find_payload(message, &payload) < 0)
        return NULL;
    PyObject *frame = make_frame(&payload);
    release_payload(&payload);
    return frame;
}
