/* pack.h - a model folder becomes an image in the engine's layout, and an image becomes a
 * sealed bundle with a signed manifest.
 *
 * The image: the tokenizer section at offset 0, then the tensors in the engine's order,
 * each at the next multiple of EM_IMAGE_ALIGN, zeros between.
 *
 * Trust:  the folder is hostile (hf.h).  bundle_id and content key are drawn from the
 *         kernel for every packing; nothing can supply them.
 * Memory: an em_pack_image owns its pages; drop it.  The content key is wiped when the
 *         bundle is written.
 */
#ifndef EM_TOOLS_PACK_H
#define EM_TOOLS_PACK_H

#include "os/map.h"
#include "tools/problem.h"
#include "trust/manifest.h"

/* Told as work goes on: `done` of `all` bytes of this step ("pack", "seal"). */
typedef struct em_pack_progress {
    void (*tell)(void *arg, const char *step, uint64_t done, uint64_t all);
    void *arg;
} em_pack_progress;

/* An image and what a manifest says of it. */
typedef struct em_pack_image em_pack_image;

/* Packs a folder.  `progress` may be NULL.  *ret_image is NULL after an error. */
em_err em_pack_folder(const char *folder, const em_pack_progress *progress,
                      em_problem *problem, em_pack_image **ret_image);
void em_pack_free(em_pack_image *image);

/* Views that live as long as the image. */
const em_model *em_pack_model(const em_pack_image *image);
em_bytes em_pack_bytes(const em_pack_image *image);

/* What the publisher says beside it. */
typedef struct em_pack_terms {
    em_bytes id, version;
    uint64_t number, not_after_ms;
    em_bytes licence, kms_key;
    uint32_t chunk_len; /* 0: EM_CHUNK_DEFAULT */
} em_pack_terms;

/* Wraps the content key, as KMS Encrypt does, under the context of PROTOCOL 4 (the
 * model's id, number and manifest hash); writes the wrapped key. */
typedef em_err em_pack_wrap(void *arg, const em_content_key *key,
                            const em_manifest_body *body,
                            const uint8_t manifest_hash[EM_MANIFEST_HASH_LEN],
                            em_out *wrapped);

/* Seals the image and writes the bundle file `path` (mode 0644), all of it or nothing;
 * an existing file is replaced.  *ret_hash is the manifest hash. */
em_err em_pack_bundle(const em_pack_image *image, const em_pack_terms *terms,
                      const em_ed25519_secret *publisher, em_pack_wrap *wrap,
                      void *wrap_arg, const char *path, const em_pack_progress *progress,
                      em_problem *problem, uint8_t ret_hash[EM_MANIFEST_HASH_LEN]);

#endif
