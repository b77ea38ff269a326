/* Unmasking. */
#include "native.h"

#define NOT_ASCII UINT64_C(0x8080808080808080)

/* What is unmasked at once. Compilers know vectors of two words, which every 64-bit machine has an instruction for. */
#if defined(__GNUC__)
typedef uint64_t Block __attribute__((vector_size(16)));
#else
typedef uint64_t Block;
#endif
#define BLOCK ((Py_ssize_t)sizeof(Block))

/* memcpy, and not a cast pointer, since the bytes may be at any address; compilers make one instruction of it. */
static inline Block
load(const char *from)
{
    Block block;
    memcpy(&block, from, sizeof block);
    return block;
}

static inline void
store(char *to, Block block)
{
    memcpy(to, &block, sizeof block);
}

static inline uint64_t
load_word(const char *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

static inline uint64_t
unmask_word(char *to, const char *from, uint64_t mask)
{
    uint64_t word = load_word(from) ^ mask;
    memcpy(to, &word, sizeof word);
    return word;
}

static inline Block
fill(uint64_t word)
{
#if defined(__GNUC__)
    return (Block){word, word};
#else
    return word;
#endif
}

/* The bits of all words of a block together. */
static inline uint64_t
fold(Block block)
{
    uint64_t words[sizeof(Block) / sizeof(uint64_t)], all = 0;
    memcpy(words, &block, sizeof block);
    for (size_t i = 0; i < sizeof(Block) / sizeof(uint64_t); i++)
        all |= words[i];
    return all;
}

bool
unmask(char *to, const char *from, Py_ssize_t size, const char *key, Py_ssize_t phase)
{
    /* The key over and over, from the byte that belongs to the first byte of the payload. */
    char repeated[16];
    memcpy(repeated, key, 4);
    memcpy(repeated + 4, key, 4);
    memcpy(repeated + 8, repeated, 8);
    const char *cycle = repeated + (phase & 3);
    if (size < 8) {
        unsigned char bytes = 0;
        for (Py_ssize_t i = 0; i < size; i++) {
            to[i] = (char)(from[i] ^ cycle[i]);
            bytes |= (unsigned char)to[i];
        }
        return bytes >= 0x80;
    }
    const uint64_t word = load_word(cycle);
    const Block mask = fill(word);
    Block blocks = fill(0);
    Py_ssize_t i = 0;
    for (; size - i >= 4 * BLOCK; i += 4 * BLOCK) {
        Block a = load(from + i) ^ mask, b = load(from + i + BLOCK) ^ mask;
        Block c = load(from + i + 2 * BLOCK) ^ mask, d = load(from + i + 3 * BLOCK) ^ mask;
        store(to + i, a);
        store(to + i + BLOCK, b);
        store(to + i + 2 * BLOCK, c);
        store(to + i + 3 * BLOCK, d);
        blocks |= (a | b) | (c | d);
    }
    uint64_t seen = fold(blocks);
    for (; size - i >= 8; i += 8)
        seen |= unmask_word(to + i, from + i, word);
    /* The rest is shorter than a word: the last eight bytes, some of them once more. */
    if (i < size)
        seen |= unmask_word(to + size - 8, from + size - 8, load_word(cycle + (size & 3)));
    return (seen & NOT_ASCII) != 0;
}

/* A payload of any size with a key of four bytes, both bytes-like, as new bytes: for frames off the straight path. */
PyObject *
apply_mask(PyObject *Py_UNUSED(module), PyObject *const *arguments, Py_ssize_t count)
{
    if (count != 2) {
        PyErr_Format(PyExc_TypeError, "apply_mask() takes a payload and a key, not %zd arguments", count);
        return NULL;
    }
    Py_buffer payload, key;
    if (PyObject_GetBuffer(arguments[0], &payload, PyBUF_SIMPLE) < 0)
        return NULL;
    if (PyObject_GetBuffer(arguments[1], &key, PyBUF_SIMPLE) < 0) {
        PyBuffer_Release(&payload);
        return NULL;
    }
    PyObject *result = NULL;
    if (key.len != 4)
        PyErr_SetString(PyExc_ValueError, "mask must contain 4 bytes");
    else if ((result = PyBytes_FromStringAndSize(NULL, payload.len)) != NULL)
        unmask(PyBytes_AS_STRING(result), payload.buf, payload.len, key.buf, 0);
    PyBuffer_Release(&key);
    PyBuffer_Release(&payload);
    return result;
}
