/* `emmett._native`: the module, its state and its types. */
#include "batch.h"
#include "call.h"
#ifdef __GLIBC__
#include <malloc.h>
#endif

static State *
state_of_module(PyObject *module)
{
    return (State *)PyModule_GetState(module);
}

State *
state_of_type(PyTypeObject *type)
{
    PyObject *module = PyType_GetModuleByDef(type, &native_module);
    return module == NULL ? NULL : state_of_module(module);
}

PyTypeObject *
add_type(PyObject *module, PyType_Spec *spec)
{
    PyTypeObject *type = (PyTypeObject *)PyType_FromModuleAndSpec(module, spec, NULL);
    if (type != NULL && PyModule_AddType(module, type) < 0)
        Py_CLEAR(type);
    return type;
}

/* Like `from module import name`. */
static PyObject *
import_name(const char *module, const char *name)
{
    PyObject *imported = PyImport_ImportModule(module);
    if (imported == NULL)
        return NULL;
    PyObject *value = PyObject_GetAttrString(imported, name);
    Py_DECREF(imported);
    return value;
}

/* The types: their fields of the state, and their descriptions. */
#define TYPES(X)                                                                                                       \
    X(reader_type, reader_spec)                                                                                        \
    X(inbox_type, inbox_spec)                                                                                          \
    X(outbox_type, outbox_spec)                                                                                        \
    X(call_type, call_spec)                                                                                            \
    X(websocket_type, websocket_spec)                                                                                  \
    X(reading_type, reading_spec)                                                                                      \
    X(handle_type, handle_spec)                                                                                        \
    X(batch_type, batch_spec)                                                                                          \
    X(text_view_type, text_view_spec)

/* The other objects of the state that refer to more. */
#define OBJECTS(X)                                                                                                     \
    X(frame_error)                                                                                                     \
    X(usage_error)                                                                                                     \
    X(encode_message)                                                                                                  \
    X(future_type)                                                                                                     \
    X(set_result)                                                                                                      \
    X(invalid_state)                                                                                                   \
    X(makes_plain_futures)                                                                                             \
    X(known_loop)                                                                                                      \
    X(future_keywords)                                                                                                 \
    X(seen_transport)                                                                                                  \
    X(transport_write)                                                                                                 \
    X(seen_websocket)                                                                                                  \
    X(seen_reader)                                                                                                     \
    X(seen_outbox)

static int
native_exec(PyObject *module)
{
    State *state = state_of_module(module);
#define INTERN(name)                                                                                                   \
    if ((state->name_##name = PyUnicode_InternFromString(#name)) == NULL)                                              \
        return -1;
    NAMES(INTERN)
#undef INTERN
    if ((state->empty_bytes = PyBytes_FromStringAndSize(NULL, 0)) == NULL)
        return -1;
    if ((state->no_arguments = PyTuple_New(0)) == NULL)
        return -1;
    if ((state->future_type = import_name("asyncio", "Future")) == NULL)
        return -1;
    if ((state->set_result = PyObject_GetAttr(state->future_type, state->name_set_result)) == NULL)
        return -1;
    if ((state->invalid_state = import_name("asyncio", "InvalidStateError")) == NULL)
        return -1;
    if ((state->makes_plain_futures = import_name("emmett.engine.futures", "makes_plain_futures")) == NULL)
        return -1;
    if ((state->frame_error = import_name("emmett.errors", "FrameError")) == NULL)
        return -1;
    if ((state->usage_error = import_name("emmett.errors", "UsageError")) == NULL)
        return -1;
    if ((state->encode_message = PyObject_GetAttrString(module, "encode_message")) == NULL)
        return -1;
#define ADD(type, spec)                                                                                                \
    if ((state->type = add_type(module, &spec)) == NULL)                                                               \
        return -1;
    TYPES(ADD)
#undef ADD
    return 0;
}

static int
native_traverse(PyObject *module, visitproc visit, void *arg)
{
    State *state = state_of_module(module);
#define VISIT(type, spec) Py_VISIT(state->type);
    TYPES(VISIT)
#undef VISIT
#define VISIT(field) Py_VISIT(state->field);
    OBJECTS(VISIT)
#undef VISIT
    return 0;
}

static int
native_clear(PyObject *module)
{
    State *state = state_of_module(module);
#define CLEAR_TYPE(type, spec) Py_CLEAR(state->type);
    TYPES(CLEAR_TYPE)
#undef CLEAR_TYPE
    forget_free_calls(state);
#define CLEAR(field) Py_CLEAR(state->field);
    OBJECTS(CLEAR)
#undef CLEAR
    Py_CLEAR(state->empty_bytes);
    Py_CLEAR(state->no_arguments);
#define CLEAR(name) Py_CLEAR(state->name_##name);
    NAMES(CLEAR)
#undef CLEAR
    return 0;
}

static void
native_free(void *module)
{
    native_clear((PyObject *)module);
}

PyDoc_STRVAR(encode_message_doc, "Return the frame that carries a message; see `emmett.engine.python.encode_message`.");

PyDoc_STRVAR(apply_mask_doc, "Return a payload, masked or unmasked with a key of four bytes.");

#ifdef __GLIBC__
PyDoc_STRVAR(mallopt_doc, "Set a parameter of the allocator, and return whether glibc accepts it; see mallopt(3).");

/* ctypes would do, but its import takes 2 ms at each start of a server. */
static PyObject *
native_mallopt(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    int parameter, value;
    if (!PyArg_ParseTuple(arguments, "ii:mallopt", &parameter, &value))
        return NULL;
    return PyBool_FromLong(mallopt(parameter, value));
}
#endif

static PyMethodDef native_functions[] = {
    {"apply_mask", (PyCFunction)(void (*)(void))apply_mask, METH_FASTCALL, apply_mask_doc},
    {"encode_message", encode_message, METH_O, encode_message_doc},
    {"hand_out", (PyCFunction)(void (*)(void))hand_out, METH_FASTCALL, NULL},
    {"make_handle_functions", (PyCFunction)(void (*)(void))make_handle_functions, METH_FASTCALL, NULL},
#ifdef __GLIBC__
    {"mallopt", native_mallopt, METH_VARARGS, mallopt_doc},
#endif
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot native_slots[] = {
    {Py_mod_exec, native_exec},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

struct PyModuleDef native_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "emmett._native",
    .m_doc = "The native engine: what each message passes, in C. `emmett.engine.python` is the same in Python.",
    .m_size = sizeof(State),
    .m_methods = native_functions,
    .m_slots = native_slots,
    .m_traverse = native_traverse,
    .m_clear = native_clear,
    .m_free = native_free,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&native_module);
}
