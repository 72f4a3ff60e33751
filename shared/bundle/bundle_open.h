/* bundle_open.h - the enclave's side: sealed chunks become the image, in any order, while
 * others are still arriving.
 *
 *   em_bundle_open_init     key meets the commitment, memory meets the sizes
 *   em_bundle_open_chunk    each chunk once; several threads may be inside at a time
 *   em_bundle_open_finish   all there, root right: only now is there an em_bundle_image
 *
 * The first error sticks: every later call returns it.
 *
 * Trust:  chunks are hostile, and so are their order and number; offsets and sizes come
 *         from the verified manifest only.  Chunks are hashed and opened from the bytes
 *         given: these must be private memory that nobody can change meanwhile.
 * Memory: image and slots are the caller's.  em_bundle_open_drop wipes the image unless
 *         finish said EM_OK.  Nothing is allocated.
 */
#ifndef EM_BUNDLE_BUNDLE_OPEN_H
#define EM_BUNDLE_BUNDLE_OPEN_H

#include "bundle/bundle_head.h"
#include "crypto/aead.h"
#include "trust/manifest.h"

#include <stdatomic.h>

/* What is known of one chunk. */
typedef struct em_bundle_slot {
    uint8_t leaf[EM_SHA256_LEN];
    atomic_uchar state;
} em_bundle_slot;

typedef struct em_bundle_open {
    em_aead_key key;
    const em_manifest *manifest;
    uint8_t *image;       /* NULL when it is the caller's again */
    em_bundle_slot *slot; /* manifest->body.n_chunks of them */
    atomic_int failed;    /* the first em_err */
} em_bundle_open;

/* A fact: every byte is what the manifest's publisher sealed. */
typedef struct em_bundle_image {
    const em_manifest *manifest;
    em_bytes bytes; /* manifest->body.image_len of them */
} em_bundle_image;

/* `manifest` and both memories must outlive the state.  `image` is aligned to
 * EM_IMAGE_ALIGN; there are at least n_chunks slots.  EM_ERR_KEY_COMMITMENT;
 * EM_ERR_ARGUMENT where memory is too small or not aligned. */
em_err em_bundle_open_init(const em_manifest *manifest, const em_content_key *content_key,
                           void *image, size_t image_cap, em_bundle_slot *slots,
                           size_t n_slots, em_bundle_open *ret_open);

/* Opens chunk i (ciphertext and tag) into its place.  EM_ERR_BUNDLE_COUNT for an index
 * that does not exist or came before, EM_ERR_BUNDLE_CHUNK for another length or a tag
 * that does not hold.  Safe to call from several threads at once. */
em_err em_bundle_open_chunk(em_bundle_open *open, uint32_t i, em_bytes sealed);

/* Call when no em_bundle_open_chunk is running.  EM_ERR_BUNDLE_COUNT where a chunk is
 * missing, EM_ERR_BUNDLE_ROOT, EM_ERR_MODEL_MALFORMED where the tokenizer section is not
 * the one whose hash was signed; the image is then wiped.  The key is gone either way. */
em_err em_bundle_open_finish(em_bundle_open *open, em_bundle_image *ret_image);

/* Wipes the key, and the image unless finish gave it out.  Call when no
 * em_bundle_open_chunk is running. */
void em_bundle_open_drop(em_bundle_open *open);

#endif
