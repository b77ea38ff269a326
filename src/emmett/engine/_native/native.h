/* What the files of the native engine share.
 *
 * For readers who know Python better than C:
 * - Every `PyObject *` is a reference. A function that returns one hands over a *new* reference, which its caller must
 *   give back with Py_DECREF; arguments are *borrowed* and stay the property of the caller. Py_NewRef takes another
 *   reference, Py_CLEAR gives one back and sets the field to NULL, Py_SETREF replaces the value of a field.
 * - NULL, or -1 from a function that returns a number, means that a Python exception is set.
 * - A field that Python code may delete can be NULL: `given` reads it as None.
 */
#ifndef EMMETT_NATIVE_H
#define EMMETT_NATIVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The names of attributes and methods that C looks up, made once for each module: `state->name_append`. */
#define NAMES(X)                                                                                                       \
    X(_answer_ping)                                                                                                    \
    X(_deliver_slowly)                                                                                                 \
    X(_fail)                                                                                                           \
    X(_flush_as_planned)                                                                                               \
    X(_grow)                                                                                                           \
    X(_hold_back)                                                                                                      \
    X(_plan_turn)                                                                                                      \
    X(_read_frame)                                                                                                     \
    X(_refuse_text)                                                                                                    \
    X(_send_indirectly)                                                                                                \
    X(_write_when_ready)                                                                                               \
    X(append)                                                                                                          \
    X(call_soon)                                                                                                       \
    X(close)                                                                                                           \
    X(create_future)                                                                                                   \
    X(done)                                                                                                            \
    X(error)                                                                                                           \
    X(fail)                                                                                                            \
    X(finish)                                                                                                          \
    X(frames)                                                                                                          \
    X(hold)                                                                                                            \
    X(keep_early)                                                                                                      \
    X(loop)                                                                                                            \
    X(messages)                                                                                                        \
    X(on_caught_up)                                                                                                    \
    X(on_unclaimed)                                                                                                    \
    X(receive)                                                                                                         \
    X(receive_next)                                                                                                    \
    X(refill)                                                                                                          \
    X(send)                                                                                                            \
    X(set_result)                                                                                                      \
    X(take)                                                                                                            \
    X(throw)                                                                                                           \
    X(write)                                                                                                           \
    X(write_batch)                                                                                                     \
    X(writelines)

#define MAX_FREE_CALLS 8

/* All that is global. Each interpreter that imports the module has one. */
typedef struct {
    PyTypeObject *reader_type, *inbox_type, *outbox_type, *call_type, *websocket_type, *reading_type, *handle_type, *batch_type,
        *text_view_type;
    /* Classes of emmett.errors, and the function of this module. */
    PyObject *frame_error, *usage_error, *encode_message;
    PyObject *empty_bytes, *no_arguments;
    /* asyncio.Future, its set_result, asyncio.InvalidStateError, and the function of emmett.engine.futures. */
    PyObject *future_type, *set_result, *invalid_state, *makes_plain_futures;
    /* The event loop that was seen last, and the keyword arguments of its futures; NULL if it makes others than asyncio. */
    PyObject *known_loop, *future_keywords;
    /* The subclasses that were seen last, so that objects of theirs are known at a glance. */
    PyTypeObject *seen_websocket, *seen_reader, *seen_outbox;
    /* The type of transports that was seen last, if it is one that nobody can change, and its method `write`. */
    PyTypeObject *seen_transport;
    PyObject *transport_write;
    /* The memory of calls that have ended. */
    PyObject *free_calls[MAX_FREE_CALLS];
    int free_calls_count;
#define FIELD(name) PyObject *name_##name;
    NAMES(FIELD)
#undef FIELD
} State;

extern struct PyModuleDef native_module;

/* The state of the module that a type, or a Python subclass of it, comes from; an object keeps it in a field. */
State *state_of_type(PyTypeObject *type);

/* Whether an object is of a type. `seen` is the field of the state with the subclass that was seen last. */
static inline bool
is_of_type(PyObject *object, PyTypeObject *base, PyTypeObject **seen)
{
    PyTypeObject *type = Py_TYPE(object);
    if (type == *seen)
        return true;
    if (!PyObject_TypeCheck(object, base))
        return false;
    Py_INCREF(type);
    Py_XSETREF(*seen, type);
    return true;
}

static inline PyObject *
given(PyObject *field)
{
    return field == NULL ? Py_None : field;
}

/* a + b, or the largest number: limits may be as large as sys.maxsize. b is not negative. */
static inline Py_ssize_t
add_up_to_max(Py_ssize_t a, Py_ssize_t b)
{
    return a > PY_SSIZE_T_MAX - b ? PY_SSIZE_T_MAX : a + b;
}

/* Ends the life of an object whose fields are cleared: frees it, and gives back its reference to its type. */
static inline void
free_object(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

/* Like `object.method(argument)` for its effect: 0, or -1 with an exception. */
static inline int
call_for_effect(PyObject *object, PyObject *method, PyObject *argument)
{
    PyObject *arguments[2] = {object, argument};
    size_t count = argument == NULL ? 1 : 2;
    PyObject *result = PyObject_VectorcallMethod(method, arguments, count | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    if (result == NULL)
        return -1;
    Py_DECREF(result);
    return 0;
}

/* Creates a type that Python code can subclass, adds it to the module, and returns it. */
PyTypeObject *add_type(PyObject *module, PyType_Spec *spec);

/* mask.c */

/* Unmasks bytes (RFC 6455, 5.3).
 *
 * key: the four bytes of the masking key.
 * phase: the position of the first byte in the payload, of which the key depends.
 * Returns whether any unmasked byte is not ASCII.
 */
bool unmask(char *to, const char *from, Py_ssize_t size, const char *key, Py_ssize_t phase);
PyObject *apply_mask(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* encoding.c */

#define MAX_HEADER 10

/* The bytes of a message, ready to be copied into a frame. */
typedef struct {
    const char *bytes;
    Py_ssize_t size;
    int opcode;
    /* Keeps `bytes` alive where they are not those of the message itself. */
    PyObject *owner;
} Payload;

/* Finds the bytes of a message: 0, or -1 with TypeError or UnicodeEncodeError. `release_payload` ends their use. */
int find_payload(PyObject *message, Payload *payload);

static inline void
release_payload(Payload *payload)
{
    Py_XDECREF(payload->owner);
}

/* Writes the header of a final, unmasked frame, and returns its size: at most MAX_HEADER. */
int write_header(char *to, const Payload *payload);

/* Returns the frame of a payload as bytes. */
PyObject *make_frame(const Payload *payload);

PyObject *encode_message(PyObject *module, PyObject *message);

/* text_view.c */

/* Returns a memoryview of the bytes of a str that is ASCII. */
PyObject *view_text(State *state, PyObject *text);

/* handle.c */

PyObject *make_handle_functions(PyObject *module, PyObject *const *arguments, Py_ssize_t count);

/* The types, one for each file. */
extern PyType_Spec reader_spec, inbox_spec, outbox_spec, call_spec, websocket_spec, reading_spec, handle_spec, batch_spec,
    text_view_spec;

#endif
