/* The bounded queue of received messages; `emmett.engine.python.inbox` is the same in Python.
 *
 * The future is asyncio's own, so that cancellation, debug mode and all that looks at tasks work as ever.
 */
#include "inbox.h"

int
inbox_is_awaited(Inbox *self)
{
    if (self->waiter == NULL)
        return 0;
    PyObject *done = PyObject_CallMethodNoArgs(self->waiter, self->state->name_done);
    if (done == NULL)
        return -1;
    int result = PyObject_Not(done);
    Py_DECREF(done);
    return result;
}

/* Finds out how the futures of a loop are made, and remembers it until there is another loop. */
static int
note_loop(State *state, PyObject *loop)
{
    PyObject *answer = PyObject_CallOneArg(state->makes_plain_futures, loop), *keywords = NULL;
    int is_plain = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    if (is_plain > 0) {
        keywords = PyDict_New();
        if (keywords == NULL || PyDict_SetItem(keywords, state->name_loop, loop) < 0)
            is_plain = -1;
    }
    if (is_plain < 0) {
        Py_XDECREF(keywords);
        return -1;
    }
    Py_XSETREF(state->future_keywords, keywords);
    Py_INCREF(loop);
    Py_XSETREF(state->known_loop, loop);
    return 0;
}

/* Like `loop.create_future()`. Where that makes a plain future, which is nearly everywhere, the future is made right
 * here, with keyword arguments that are the same each time: half of the instructions. */
static PyObject *
create_future(Inbox *self)
{
    State *state = self->state;
    PyObject *loop = given(self->loop);
    if (loop != state->known_loop && note_loop(state, loop) < 0)
        return NULL;
    if (state->future_keywords == NULL)
        return PyObject_CallMethodNoArgs(loop, state->name_create_future);
    return PyObject_Call(state->future_type, state->no_arguments, state->future_keywords);
}

PyObject *
inbox_arrival(Inbox *self)
{
    int awaited = inbox_is_awaited(self);
    if (awaited < 0)
        return NULL;
    if (awaited) {
        PyErr_SetString(self->state->usage_error,
                        "receive() is already waiting in another task; only one task at a time may receive");
        return NULL;
    }
    PyObject *future = create_future(self);
    if (future != NULL)
        Py_XSETREF(self->waiter, Py_NewRef(future));
    return future;
}

int
inbox_wake(Inbox *self)
{
    PyObject *waiter = self->waiter;
    if (waiter == NULL)
        return 0;
    self->waiter = NULL;
    PyObject *arguments[2] = {waiter, Py_None}, *result;
    if ((PyObject *)Py_TYPE(waiter) == self->state->future_type)
        result = PyObject_Vectorcall(self->state->set_result, arguments, 2, NULL);
    else
        result = PyObject_CallMethodOneArg(waiter, self->state->name_set_result, Py_None);
    Py_DECREF(waiter);
    Py_XDECREF(result);
    if (result == NULL) {
        /* It is done already when its task was cancelled, which is rare enough to be asked last. */
        if (!PyErr_ExceptionMatches(self->state->invalid_state))
            return -1;
        PyErr_Clear();
    }
    return 1;
}

int
inbox_call_owner(Inbox *self, PyObject *method)
{
    PyObject *owner = Py_NewRef(given(self->owner));
    int result = call_for_effect(owner, method, NULL);
    Py_DECREF(owner);
    return result;
}

int
inbox_wake_for_read(Inbox *self)
{
    int had_waiter = inbox_wake(self);
    if (had_waiter)
        return had_waiter < 0 ? -1 : 0;
    return inbox_call_owner(self, self->state->name_on_unclaimed);
}

/* Lists have no such function in C but for slices of any size; and an inbox that is emptied keeps the memory of a few
 * messages, so that the next one need not allocate it again. */
#define KEPT 4

PyObject *
take_first(PyObject *messages)
{
    PyListObject *list = (PyListObject *)messages;
    Py_ssize_t rest = PyList_GET_SIZE(messages) - 1;
    PyObject *first = list->ob_item[0];
    if (rest == 0 && list->allocated > KEPT) {
        Py_INCREF(first);
        if (PyList_SetSlice(messages, 0, 1, NULL) < 0)
            Py_CLEAR(first);
        return first;
    }
    memmove(list->ob_item, list->ob_item + 1, (size_t)rest * sizeof(PyObject *));
    Py_SET_SIZE(list, rest);
    return first;
}

/* ---- methods ---- */

static PyObject *
inbox_arrival_method(Inbox *self, PyObject *Py_UNUSED(ignored))
{
    return inbox_arrival(self);
}

static PyObject *
inbox_wake_method(Inbox *self, PyObject *Py_UNUSED(ignored))
{
    if (inbox_wake(self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
inbox_wake_for_read_method(Inbox *self, PyObject *Py_UNUSED(ignored))
{
    if (inbox_wake_for_read(self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *
inbox_awaited(Inbox *self, void *Py_UNUSED(closure))
{
    int awaited = inbox_is_awaited(self);
    return awaited < 0 ? NULL : PyBool_FromLong(awaited);
}

/* ---- the type ---- */

static PyObject *
inbox_new(PyTypeObject *type, PyObject *Py_UNUSED(arguments), PyObject *Py_UNUSED(keywords))
{
    State *state = state_of_type(type);
    Inbox *self = state == NULL ? NULL : (Inbox *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->state = state;
    self->messages = PyList_New(0);
    if (self->messages == NULL)
        Py_CLEAR(self);
    return (PyObject *)self;
}

static int
inbox_init(Inbox *self, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"loop", "owner", NULL};
    PyObject *loop, *owner;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OO:Inbox", names, &loop, &owner))
        return -1;
    Py_XSETREF(self->loop, Py_NewRef(loop));
    Py_XSETREF(self->owner, Py_NewRef(owner));
    return 0;
}

static int
inbox_traverse(Inbox *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->messages);
    Py_VISIT(self->loop);
    Py_VISIT(self->owner);
    Py_VISIT(self->waiter);
    return 0;
}

static int
inbox_clear(Inbox *self)
{
    Py_CLEAR(self->messages);
    Py_CLEAR(self->loop);
    Py_CLEAR(self->owner);
    Py_CLEAR(self->waiter);
    return 0;
}

static void
inbox_dealloc(Inbox *self)
{
    PyObject_GC_UnTrack(self);
    inbox_clear(self);
    free_object((PyObject *)self);
}

static PyMemberDef inbox_members[] = {
    {"messages", T_OBJECT_EX, offsetof(Inbox, messages), 0, NULL},
    {"owner", T_OBJECT_EX, offsetof(Inbox, owner), 0, NULL},
    {"held_back", T_BOOL, offsetof(Inbox, held_back), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyMethodDef inbox_methods[] = {
    {"arrival", (PyCFunction)inbox_arrival_method, METH_NOARGS, NULL},
    {"wake", (PyCFunction)inbox_wake_method, METH_NOARGS, NULL},
    {"wake_for_read", (PyCFunction)inbox_wake_for_read_method, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef inbox_getset[] = {
    {"awaited", (getter)inbox_awaited, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot inbox_slots[] = {
    {Py_tp_doc, "Received messages that wait for the handler; see `emmett.engine.python.Inbox`."},
    {Py_tp_new, inbox_new},
    {Py_tp_init, inbox_init},
    {Py_tp_traverse, inbox_traverse},
    {Py_tp_clear, inbox_clear},
    {Py_tp_dealloc, inbox_dealloc},
    {Py_tp_members, inbox_members},
    {Py_tp_methods, inbox_methods},
    {Py_tp_getset, inbox_getset},
    {0, NULL},
};

PyType_Spec inbox_spec = {
    .name = "emmett._native.Inbox",
    .basicsize = sizeof(Inbox),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = inbox_slots,
};
