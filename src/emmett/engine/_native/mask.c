/* Unmasking. */
#include "native.h"

#define NOT_ASCII UINT64_C(0x8080808080808080)

/* memcpy, and not a cast pointer, since the bytes may be at any address; compilers make one instruction of it. */
static inline uint64_t
load(const char *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline void
store(char *to, uint64_t value)
{
    memcpy(to, &value, sizeof value);
}

bool
unmask(char *to, const char *from, Py_ssize_t size, const char *key, Py_ssize_t phase)
{
    /* The key twice, from the byte that belongs to the first byte of the payload. */
    char repeated[8];
    for (int i = 0; i < 8; i++)
        repeated[i] = key[(phase + i) & 3];
    const uint64_t mask = load(repeated);
    uint64_t seen = 0;
    Py_ssize_t i = 0;
    /* Four words at once: compilers make vector instructions of that. */
    for (; size - i >= 32; i += 32) {
        uint64_t a = load(from + i) ^ mask, b = load(from + i + 8) ^ mask;
        uint64_t c = load(from + i + 16) ^ mask, d = load(from + i + 24) ^ mask;
        store(to + i, a);
        store(to + i + 8, b);
        store(to + i + 16, c);
        store(to + i + 24, d);
        seen |= a | b | c | d;
    }
    for (; size - i >= 8; i += 8) {
        uint64_t word = load(from + i) ^ mask;
        store(to + i, word);
        seen |= word;
    }
    unsigned char rest = 0;
    for (int j = 0; i < size; i++, j++) {
        unsigned char byte = (unsigned char)from[i] ^ (unsigned char)repeated[j];
        to[i] = (char)byte;
        rest |= byte;
    }
    return (seen & NOT_ASCII) != 0 || rest >= 0x80;
}
