/* Publications on their way to many connections; `emmett.engine.python.batch` is the same in Python. */
#include "batch.h"
#include "websocket.h"

/* Like `b"".join([encode(message) for message in self.messages])`. */
static PyObject *
encode_all(Batch *self, PyObject *encode)
{
    PyObject *messages = PySequence_Fast(given(self->messages), "the messages of a batch are a sequence");
    if (messages == NULL)
        return NULL;
    PyObject *frames = PyList_New(0), *joined = NULL;
    bool is_whole = frames != NULL;
    for (Py_ssize_t i = 0; is_whole && i < PySequence_Fast_GET_SIZE(messages); i++) {
        PyObject *frame = PyObject_CallOneArg(encode, PySequence_Fast_GET_ITEM(messages, i));
        is_whole = frame != NULL && PyList_Append(frames, frame) == 0;
        Py_XDECREF(frame);
    }
    Py_DECREF(messages);
    if (is_whole) {
        PyObject *nothing = PyBytes_FromStringAndSize(NULL, 0);
        joined = nothing == NULL ? NULL : PyObject_CallMethod(nothing, "join", "O", frames);
        Py_XDECREF(nothing);
    }
    Py_XDECREF(frames);
    return joined;
}

PyObject *
batch_frames(Batch *self, PyObject *encode)
{
    if (self->frames == NULL || encode != self->encoder) {
        PyObject *frames = encode_all(self, encode);
        if (frames == NULL)
            return NULL;
        Py_XSETREF(self->frames, frames);
        Py_INCREF(encode);
        Py_XSETREF(self->encoder, encode);
    }
    return Py_NewRef(self->frames);
}

/* ---- many receivers ---- */

/* Like `except Exception as error: receiver.fail(error)`. */
static int
fail_receiver(State *state, PyObject *receiver)
{
    PyObject *type, *error, *traceback;
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return -1;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL)
        PyException_SetTraceback(error, traceback);
    int result = call_for_effect(receiver, state->name_fail, error);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    return result;
}

/* Like `receiver.take(content)`: 1 or 0, or -1 with an exception. */
static int
offer(State *state, PyObject *receiver, PyObject *content)
{
    PyObject *take = PyObject_GetAttr(receiver, state->name_take);
    if (take == NULL)
        return -1;
    PyObject *websocket = find_delivering(take), *taken;
    taken = websocket == NULL ? PyObject_CallOneArg(take, content) : websocket_deliver(websocket, content);
    Py_DECREF(take);
    if (taken == NULL)
        return -1;
    int result = PyObject_IsTrue(taken);
    Py_DECREF(taken);
    return result;
}

PyObject *
hand_out(PyObject *module, PyObject *const *arguments, Py_ssize_t count)
{
    State *state = (State *)PyModule_GetState(module);
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "hand_out() takes the content, the receivers, and what those keep who do not take it");
        return NULL;
    }
    PyObject *receivers = PyObject_GetIter(arguments[1]), *receiver;
    if (receivers == NULL)
        return NULL;
    int result = 0;
    while (result == 0 && (receiver = PyIter_Next(receivers)) != NULL) {
        int taken = offer(state, receiver, arguments[0]);
        if (taken < 0)
            result = fail_receiver(state, receiver);
        else if (!taken)
            result = call_for_effect(receiver, state->name_hold, arguments[2]);
        Py_DECREF(receiver);
    }
    Py_DECREF(receivers);
    if (result < 0 || PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

/* ---- the type ---- */

static PyObject *
batch_frames_method(Batch *self, PyObject *encode)
{
    return batch_frames(self, encode);
}

static int
batch_init(Batch *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"messages", NULL};
    PyObject *messages;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O:Batch", names, &messages))
        return -1;
    PyObject *items = PySequence_Fast(messages, "the messages of a batch are a sequence");
    if (items == NULL)
        return -1;
    Py_ssize_t size = 0;
    for (Py_ssize_t i = 0; size >= 0 && i < PySequence_Fast_GET_SIZE(items); i++) {
        Py_ssize_t length = PyObject_Size(PySequence_Fast_GET_ITEM(items, i));
        size = length < 0 ? -1 : add_up_to_max(size, length);
    }
    Py_DECREF(items);
    if (size < 0)
        return -1;
    self->size = size;
    Py_INCREF(messages);
    Py_XSETREF(self->messages, messages);
    Py_CLEAR(self->frames);
    Py_CLEAR(self->encoder);
    return 0;
}

static int
batch_traverse(Batch *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->messages);
    Py_VISIT(self->encoder);
    return 0;
}

static int
batch_clear(Batch *self)
{
    Py_CLEAR(self->messages);
    Py_CLEAR(self->frames);
    Py_CLEAR(self->encoder);
    return 0;
}

static void
batch_dealloc(Batch *self)
{
    PyObject_GC_UnTrack(self);
    batch_clear(self);
    free_object((PyObject *)self);
}

static PyMemberDef batch_members[] = {
    {"messages", T_OBJECT_EX, offsetof(Batch, messages), 0, NULL},
    {"size", T_PYSSIZET, offsetof(Batch, size), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef batch_methods[] = {
    {"frames", (PyCFunction)batch_frames_method, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot batch_slots[] = {
    {Py_tp_doc, "Messages for many receivers, encoded once; see `emmett.engine.python.Batch`."},
    {Py_tp_new, PyType_GenericNew},
    {Py_tp_init, batch_init},
    {Py_tp_traverse, batch_traverse},
    {Py_tp_clear, batch_clear},
    {Py_tp_dealloc, batch_dealloc},
    {Py_tp_members, batch_members},
    {Py_tp_methods, batch_methods},
    {0, NULL},
};

PyType_Spec batch_spec = {
    .name = "emmett._native.Batch",
    .basicsize = sizeof(Batch),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = batch_slots,
};
