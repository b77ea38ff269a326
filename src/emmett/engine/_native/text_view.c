/* The bytes of a str as a buffer, which str itself does not offer: a large text is written from where it is. */
#include "native.h"

typedef struct {
    PyObject_HEAD
    /* Only ASCII, so that its bytes are its UTF-8. */
    PyObject *text;
} TextView;

PyObject *
view_text(State *state, PyObject *text)
{
    TextView *self = PyObject_New(TextView, state->text_view_type);
    if (self == NULL)
        return NULL;
    self->text = Py_NewRef(text);
    PyObject *view = PyMemoryView_FromObject((PyObject *)self);
    Py_DECREF(self);
    return view;
}

static int
text_view_get(TextView *self, Py_buffer *view, int flags)
{
    return PyBuffer_FillInfo(view, (PyObject *)self, PyUnicode_DATA(self->text), PyUnicode_GET_LENGTH(self->text), 1, flags);
}

static void
text_view_dealloc(TextView *self)
{
    Py_DECREF(self->text);
    free_object((PyObject *)self);
}

static PyType_Slot text_view_slots[] = {
    {Py_tp_doc, "The bytes of a text that is ASCII."},
    {Py_tp_dealloc, text_view_dealloc},
    {Py_bf_getbuffer, text_view_get},
    {0, NULL},
};

PyType_Spec text_view_spec = {
    .name = "emmett._native.TextView",
    .basicsize = sizeof(TextView),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = text_view_slots,
};
