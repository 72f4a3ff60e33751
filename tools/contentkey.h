/* contentkey.h - the key of one bundle's chunks, kept by its publisher: a file of four
 * lines, each ended by LF, words parted by one space, hexadecimal in lower case:
 *
 *   em-content-key 1
 *   model ID
 *   manifest 64 digits: the manifest hash
 *   key 64 digits
 *
 * Whoever has it and the bundle has the model: mode 0600, and no other way to read it.
 *
 * Trust:  a file may hold anything.  Its first lines say which bundle it is for, so that
 *         a wrong pair has a clear error; the manifest's commitment proves the key.
 * Memory: the caller's; buffers that held the key are wiped.
 */
#ifndef EM_TOOLS_CONTENTKEY_H
#define EM_TOOLS_CONTENTKEY_H

#include "base/limits.h"
#include "tools/problem.h"
#include "trust/manifest.h"

enum { EM_CONTENTKEY_MAX_FILE = 512 };

typedef struct em_contentkey {
    em_content_key key;
    uint8_t manifest[EM_MANIFEST_HASH_LEN];
    char model[EM_MAX_MODEL_ID + 1]; /* printable ASCII, NUL-ended */
} em_contentkey;
EM_HOLDS_SECRET(em_contentkey);

/* The text itself.  EM_ERR_FORMAT for anything but the one form. */
em_err em_contentkey_parse(em_bytes text, em_contentkey *ret_key);

/* EM_ERR_ARGUMENT sticks to `o` for a model id that em_contentkey_parse would refuse. */
void em_contentkey_put(em_out *o, const em_contentkey *key);

/* Writes the file, mode 0600.  EM_ERR_EXISTS: keys are never overwritten. */
em_err em_contentkey_write(const char *path, const em_contentkey *key,
                           em_problem *problem);

/* EM_ERR_DENIED for a file that group or others can read; EM_ERR_FORMAT. */
em_err em_contentkey_read(const char *path, em_problem *problem, em_contentkey *ret_key);

#endif
