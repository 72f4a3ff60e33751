/* roots.h - the roots that make a result "production": AWS's, compiled in, and nothing
 * else.
 *
 * Trust:  this list is the whole of what is believed without proof about AWS.
 * Memory: static.
 */
#ifndef EM_TRUST_ROOTS_H
#define EM_TRUST_ROOTS_H

#include "base/em.h"

enum { EM_ROOT_LEN = 32 };

/* SHA-256 of a root certificate's DER. */
typedef struct em_root {
    uint8_t sha256[EM_ROOT_LEN];
} em_root;

/* A fact that a verifier computes from the root; never a switch. */
typedef enum em_mode {
    EM_MODE_NONE = 0,
    EM_MODE_EVALUATION, /* some root that is not AWS's */
    EM_MODE_PRODUCTION, /* a root of the compiled-in list */
} em_mode;

/* The compiled-in list; *ret_n of them. */
const em_root *em_roots_aws(size_t *ret_n);

/* Which mode does this root give? */
em_mode em_roots_mode(const em_root *root);

/* "production", "evaluation"; static storage. */
const char *em_roots_mode_name(em_mode mode);

#endif
