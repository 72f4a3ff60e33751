/* pack_bundle.h - an image becomes a sealed bundle file with a signed manifest.
 *
 * Trust:  bundle_id and content key are drawn from the kernel for every packing; nothing
 *         can supply them.
 * Memory: nothing is kept; the content key is wiped.
 */
#ifndef EM_TOOLS_PACK_BUNDLE_H
#define EM_TOOLS_PACK_BUNDLE_H

#include "tools/pack.h"
#include "trust/manifest.h"

/* What the publisher says beside the image. */
typedef struct em_pack_terms {
    em_bytes id, version;
    uint64_t number, not_after_ms;
    em_bytes licence, kms_key;
    uint32_t chunk_len;  /* 0: EM_CHUNK_DEFAULT */
    const char *key_out; /* where the content key is to be kept (contentkey.h); or NULL */
    /* beside the folder's prompts, or in the place of those of the same names */
    const em_prompt *prompt;
    size_t n_prompts;
} em_pack_terms;

/* Wraps the content key, as KMS Encrypt does, under the context of PROTOCOL 4
 * (em_manifest_context_of).  Writes at most EM_MAX_WRAPPED_KEY bytes. */
typedef em_err em_pack_wrap(void *arg, const em_content_key *key,
                            const em_manifest_body *body,
                            const uint8_t manifest_hash[EM_MANIFEST_HASH_LEN],
                            em_out *wrapped);

/* Hashes the sources, seals the image and writes the bundle file `path` (mode 0644), all
 * of it or nothing; a file that is there is replaced.  Where the content key is to be
 * kept, its file is there before the bundle is, and never replaces another.  Gives the
 * manifest hash.  EM_ERR_MANIFEST_MALFORMED for terms that no manifest may have,
 * EM_ERR_EXISTS where there is something at key_out; what `wrap` says. */
em_err em_pack_bundle(em_pack *pack, const em_pack_terms *terms,
                      const em_ed25519_secret *publisher, em_pack_wrap *wrap,
                      void *wrap_arg, const char *path, const em_pack_progress *progress,
                      em_problem *problem, uint8_t ret_hash[EM_MANIFEST_HASH_LEN]);

#endif
