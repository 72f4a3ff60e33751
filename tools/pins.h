/* pins.h - a list of files and the SHA-256 that each must have: what sha256sum writes,
 * with two comments that say where the files come from.
 *
 *   # repository OWNER/NAME
 *   # revision c9745ed1d9f207416be6d2e6f8de32d1f16199bf
 *   53aa5117...  model.safetensors
 *
 * `sha256sum --check` reads the same file.  Other comments and empty lines are passed
 * over; lines may end in LF or CRLF.
 *
 * Trust:  the text is hostile until its owner has read it: every name stays inside a
 * folder (em_pins_is_file), nothing is listed twice. Memory: fixed size, the caller's;
 * nothing is allocated.
 */
#ifndef EM_TOOLS_PINS_H
#define EM_TOOLS_PINS_H

#include "base/limits.h"
#include "base/write.h"
#include "crypto/sha2.h"
#include "tools/problem.h"

enum {
    EM_PINS_MAX_FILE = 64 << 10, /* bytes of a list */
    EM_PINS_NAME = 200,          /* a file's name, its NUL included */
    EM_PINS_REPOSITORY = 200,
    EM_PINS_REVISION = 41,
};

typedef struct em_pin {
    char name[EM_PINS_NAME];
    uint8_t sha256[EM_SHA256_LEN];
    uint64_t len; /* 0: not known */
} em_pin;

typedef struct em_pins {
    char repository[EM_PINS_REPOSITORY]; /* empty where the list does not say */
    char revision[EM_PINS_REVISION];
    size_t n;
    em_pin pin[EM_MAX_SOURCES];
} em_pins;

/* OWNER/NAME: two words of letters, digits, '.', '_' and '-', none beginning with '.' or
 * '-', at most 96 bytes each. */
bool em_pins_is_repository(em_bytes text);

/* A commit: 40 lower-case hexadecimal digits. */
bool em_pins_is_revision(em_bytes text);

/* A relative path of at most four such words; none may end in ".part" or ".etag", the
 * names that unfinished downloads have. */
bool em_pins_is_file(em_bytes text);

/* One more file.  EM_ERR_FORMAT for a name or digest that is none, EM_ERR_EXISTS for a
 * name that is there already, EM_ERR_LIMIT where the list is full. */
em_err em_pins_add(em_pins *pins, em_bytes name, em_bytes hex, em_problem *problem);

/* Adds a whole list; its repository and revision are taken where it has them, and must
 * not contradict what stands in `pins`.  `file` stands in problems, with the line. */
em_err em_pins_read(em_bytes text, const char *file, em_problem *problem, em_pins *pins);

/* The list as text. */
void em_pins_put(em_out *o, const em_pins *pins);

#endif
