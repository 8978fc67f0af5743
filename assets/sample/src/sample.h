/*
 * What every look-alike module of the built-in sample is made of.
 *
 * The modules carry the names of real Windows modules and functions, and nothing else of theirs: each function only stirs a
 * number and calls the functions that would be called at that place of a call stack. They are never run. They exist so that
 * the sample trace has PDBs whose identities match, without shipping a single byte of Microsoft's.
 */
#ifndef POOLSCOPE_SAMPLE_H
#define POOLSCOPE_SAMPLE_H

typedef unsigned long long value;
typedef value (*routine)(value);

/* Written by every function, so that none is empty and no two are alike. */
static volatile value sample_cell;

/* A macro, not a function: frames of the sample lie anywhere in a function, and an inlined one would show up in stacks. */
#define STIR(n, salt)                                                 \
    do {                                                              \
        n ^= (salt) * 0x9E3779B97F4A7C15ull;                          \
        n = (n ^ (n >> 31)) * 0xBF58476D1CE4E5B9ull;                  \
        sample_cell += n;                                             \
        n += (salt);                                                  \
    } while (0)

/* The routine of another module, reached through a cell as through an import table. */
#define IMPORT(name) static volatile routine name

#define BEGIN(name)                                                   \
    __attribute__((noinline)) value name(value n);                    \
    __attribute__((noinline)) value name(value n)                     \
    {                                                                 \
        enum { salt = __COUNTER__ + 1 };                              \
        STIR(n, salt);
#define END                                                           \
        STIR(n, salt + 1000);                                         \
        return n;                                                     \
    }

/* A function that calls nothing, and functions that call up to four others. */
#define CALLS0(name) BEGIN(name) END
#define CALLS1(name, a) BEGIN(name) n += a(n); END
#define CALLS2(name, a, b) BEGIN(name) n += a(n); if (n & 1) n += b(n); END
#define CALLS3(name, a, b, c) BEGIN(name) n += a(n); if (n & 1) n += b(n); if (n & 2) n += c(n); END
#define CALLS4(name, a, b, c, d)                                      \
    BEGIN(name) n += a(n); if (n & 1) n += b(n); if (n & 2) n += c(n); if (n & 4) n += d(n); END
#define PICK(_0, _1, _2, _3, _4, name, ...) name
#define FN(...) PICK(__VA_ARGS__, CALLS4, CALLS3, CALLS2, CALLS1, CALLS0)(__VA_ARGS__)

/* Called through pointers: dispatch routines, callbacks, thread starts. */
#define POINTER(name) static volatile routine name

#endif
