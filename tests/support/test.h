/* test.h - a test is a table and a loop.  Each program prints "ok NAME", "not ok NAME" or
 * "skip NAME: why" lines and exits 0 when none failed; mk/run-tests.sh counts them.
 *
 * Trust:  test code only; linked into no product.
 * Memory: files read here are freed at exit.
 */
#ifndef EM_TESTS_SUPPORT_TEST_H
#define EM_TESTS_SUPPORT_TEST_H

#include "base/em.h"

#include <stdio.h>
#include <stdlib.h>

/* Fails the running case and says where; the case goes on. */
#define CHECK(claim)                                                                     \
    do {                                                                                 \
        if (!(claim)) test_fail(__FILE__, __LINE__, #claim);                             \
    } while (0)

/* The call gives this error (EM_OK included). */
#define CHECK_ERR(call, want)                                                            \
    do {                                                                                 \
        em_err test_got_ = (call);                                                       \
        if (test_got_ != (want))                                                         \
            test_fail_err(__FILE__, __LINE__, #call, test_got_, (want));                 \
    } while (0)
#define CHECK_OK(call) CHECK_ERR(call, EM_OK)

/* Like CHECK, but leaves the case: for what the rest of it needs. */
#define REQUIRE(claim)                                                                   \
    do {                                                                                 \
        if (!(claim)) {                                                                  \
            test_fail(__FILE__, __LINE__, #claim);                                       \
            return;                                                                      \
        }                                                                                \
    } while (0)

/* Adds a line to what a failure of the running case prints (which vector, which index).
 */
__attribute__((format(printf, 1, 2))) void test_note(const char *format, ...);

void test_fail(const char *file, int line, const char *claim);
void test_fail_err(const char *file, int line, const char *call, em_err got, em_err want);

/* Runs one case and prints its line. */
void test_case(const char *name, void (*run)(void));
#define RUN(f) test_case(#f, f)

/* Says by name that something could not be tested here, and why. */
__attribute__((format(printf, 2, 3))) void test_skip(const char *name, const char *why,
                                                     ...);

/* 0 when no case failed; the return value of main. */
int test_end(void);

/* $SHARED/path when it exists, else NULL (static storage, a few calls live at once). */
const char *test_shared(const char *path);

/* The folder of all-MiniLM-L6-v2: $EM_MODEL_DIR, or where mk/model.sh puts it; NULL where
 * there is no model.safetensors in it (static storage). */
const char *test_minilm(void);

/* A file's bytes, or {0} when there is none; freed at exit. */
em_bytes test_file(const char *path);

/* Bytes of hexadecimal text; freed at exit; aborts on bad text (a test's own constant).
 */
em_bytes test_hex(const char *hex);

/* Bytes of padded base64 text (white space skipped); freed at exit; {0} on bad text. */
em_bytes test_base64(const char *text);

/* Memory that is freed at exit; aborts when there is none. */
void *test_alloc(size_t len);

/* A repeatable generator: the same seed gives the same bytes everywhere. */
typedef struct test_random {
    uint64_t state;
} test_random;
uint64_t test_random_next(test_random *r);
void test_random_fill(test_random *r, void *at, size_t len);

/* Calls `parse` with every truncation of `good` (len 0 .. len-1) and with each
 * bit-flipped copy (one bit of every byte, a different one each); `parse` returns true
 * where it accepted.  Gives how many of each were accepted.  Every copy sits at the end
 * of its own allocation, so that a sanitizer sees one byte too many. */
typedef struct test_abuse_result {
    size_t cuts_accepted, flips_accepted;
} test_abuse_result;
test_abuse_result test_abuse(em_bytes good, bool (*parse)(em_bytes input, void *arg),
                             void *arg);

#endif
