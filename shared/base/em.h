/* em.h - the vocabulary every room speaks: errors, views, lifetimes, secrets.
 *
 * Trust:  nothing here believes anything; em_bytes may view hostile bytes.
 * Memory: nothing is allocated; views never own.
 */
#ifndef EM_BASE_EM_H
#define EM_BASE_EM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* clang rejects [[nodiscard]] on a type under gnu11, gcc ignores the attribute there. */
#if defined(__clang__)
#define EM_NODISCARD __attribute__((warn_unused_result))
#else
#define EM_NODISCARD [[nodiscard]]
#endif

/* What a peer may learn of an error: one of these and nothing else.  The numbers go on
 * the wire (END.code, HOST.code) and never change. */
typedef enum em_face {
    EM_FACE_NONE = 0,        /* success */
    EM_FACE_BAD_REQUEST = 1, /* the peer's bytes were not acceptable */
    EM_FACE_REFUSED = 2,     /* proof, permission or freshness is missing */
    EM_FACE_BUSY = 3,        /* a limit on concurrent work was met; try later */
    EM_FACE_NOT_FOUND = 4,   /* no such model or object here */
    EM_FACE_BROKEN = 5,      /* our fault; nothing the peer can do */
    EM_FACE_STARTING = 6,    /* not ready yet */
    EM_FACE_CANCELLED = 7,   /* the peer asked for it */
    EM_FACE_UNSUPPORTED = 8, /* well formed, but not offered here */
} em_face;

/* The only thing a fallible function returns; base/errors.def lists the values. */
typedef enum EM_NODISCARD em_err {
    EM_OK = 0,
#define EM_ERROR(name, face, text) EM_ERR_##name,
#include "base/errors.def"
#undef EM_ERROR
    EM_ERR_COUNT_ /* how many there are; never returned */
} em_err;

/* The error's own name ("CBOR_NOT_SHORTEST"; "OK" for EM_OK); static storage. */
const char *em_err_name(em_err err);

/* One English sentence without a full stop; static storage. */
const char *em_err_text(em_err err);

/* What a peer may learn of it. */
em_face em_err_face(em_err err);

/* Leave the function on the first error. */
#define EM_TRY(call)                                                                     \
    do {                                                                                 \
        em_err em_err_ = (call);                                                         \
        if (em_err_ != EM_OK) return em_err_;                                            \
    } while (0)

/* EM_DROP(T) v = {0};  runs T##_drop(&v) on every way out of the scope. */
#define EM_DROP(T) __attribute__((cleanup(T##_drop))) T

/* Hand on a handle (never a secret): the value moves out, the variable becomes {0}. */
#define EM_TAKE(v)                                                                       \
    (__extension__({                                                                     \
        __typeof__(v) em_taken_ = (v);                                                   \
        memset(&(v), 0, sizeof(v));                                                      \
        em_taken_;                                                                       \
    }))

/* Zero `len` bytes at `at` in a way the compiler may not remove. */
void em_wipe(void *at, size_t len);

/* A secret is its own type, of its own size, and wipes itself. */
#define EM_SECRET(T, n)                                                                  \
    typedef struct T {                                                                   \
        uint8_t b[n];                                                                    \
    } T;                                                                                 \
    static inline __attribute__((unused)) void T##_drop(T *s)                            \
    {                                                                                    \
        em_wipe(s, sizeof *s);                                                           \
    }                                                                                    \
    struct T

/* Say of a struct T that it carries secrets: gives it T##_drop, which wipes all of it. */
#define EM_HOLDS_SECRET(T)                                                               \
    static inline __attribute__((unused)) void T##_drop(T *s)                            \
    {                                                                                    \
        em_wipe(s, sizeof *s);                                                           \
    }                                                                                    \
    typedef T T

/* Equal in constant time?  Lengths are public.  NULL is allowed where len is 0. */
bool em_ct_equal(const void *a, const void *b, size_t len);

/* Says that `len` bytes at `at` stop being secret here (and where: grep for it).  Tells a
 * valgrind run so; otherwise does nothing. */
void em_declassify(const void *at, size_t len);

/* A view: someone else's bytes, never written through, never freed.  {0} is empty. */
typedef struct em_bytes {
    const uint8_t *at;
    size_t len;
} em_bytes;

/* View of a fixed-size array or a string literal (without its NUL). */
#define EM_BYTES(array) ((em_bytes){(const uint8_t *)(array), sizeof(array)})
#define EM_STR(literal) ((em_bytes){(const uint8_t *)("" literal), sizeof(literal) - 1})

static inline em_bytes em_view(const void *at, size_t len)
{
    return (em_bytes){(const uint8_t *)at, len};
}

/* Equal, not in constant time: for public bytes. */
bool em_same(em_bytes a, em_bytes b);

/* Total order of public bytes: length-agnostic bytewise, shorter first on a tie. */
int em_order(em_bytes a, em_bytes b);

/* All bytes zero?  Constant time.  True of an empty view. */
bool em_all_zero(em_bytes a);

/* UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, at most U+10FFFF. */
bool em_is_utf8(em_bytes text);

/* ret = a + b or a * b; EM_ERR_LIMIT when it does not fit. */
em_err em_add(size_t a, size_t b, size_t *ret_sum);
em_err em_mul(size_t a, size_t b, size_t *ret_product);

#define EM_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
