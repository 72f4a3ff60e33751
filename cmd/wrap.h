/* wrap.h - wraps a content key by KMS Encrypt, for em model pack: PROTOCOL 4.
 *
 * Trust:  KMS is who the given roots say.
 * Memory: nothing is kept.
 */
#ifndef EM_CMD_WRAP_H
#define EM_CMD_WRAP_H

#include "tools/pack_bundle.h"

typedef struct em_wrap {
    const char *program;                       /* for messages */
    const char *connect, *roots, *credentials; /* an address, a PEM file, a JSON file */
    const char *key_arn;
} em_wrap;

/* An em_pack_wrap; `arg` is an em_wrap.  Says on stderr why KMS refused. */
em_err em_wrap_key(void *arg, const em_content_key *key, const em_manifest_body *body,
                   const uint8_t manifest_hash[EM_MANIFEST_HASH_LEN], em_out *wrapped);

#endif
