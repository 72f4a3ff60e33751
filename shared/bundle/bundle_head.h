/* bundle_head.h - the bundle file MODEL.emb, and where its chunks lie.
 *
 *   offset  bytes
 *   0       8      "EMBUNDL1"
 *   8       4      u32 BE: length of the manifest, 1 .. EM_MAX_MANIFEST
 *   12      4      u32 BE: length of the wrapped content key, 1 .. EM_MAX_WRAPPED_KEY
 *   16      ...    the signed manifest, then the wrapped content key, then zeros
 *   65536   ...    the sealed chunks, one behind the other: chunk i (ciphertext, then its
 *                  16-byte tag) at 65536 + i * (chunk size + 16)
 *
 * The head is of one size, so that one ranged read fetches all of it and every chunk's
 * place follows from the signed body alone.
 *
 * Trust:  the head is hostile: it only says where a manifest and a wrapped key begin.
 * Memory: views point into the input.
 */
#ifndef EM_BUNDLE_BUNDLE_HEAD_H
#define EM_BUNDLE_BUNDLE_HEAD_H

#include "trust/manifest_body.h"

enum { EM_BUNDLE_HEAD_LEN = 64 << 10 };

typedef struct em_bundle_head {
    em_bytes manifest;    /* COSE_Sign1: trust/manifest.h */
    em_bytes wrapped_key; /* the content key, as KMS Encrypt gave it */
} em_bundle_head;

/* Reads the first EM_BUNDLE_HEAD_LEN bytes of a bundle.  EM_ERR_SHORT below that;
 * EM_ERR_BUNDLE_MALFORMED for another magic, lengths outside their limits, bytes that are
 * not zero behind the wrapped key. */
em_err em_bundle_head_parse(em_bytes head, em_bundle_head *ret_head);

/* Writes the EM_BUNDLE_HEAD_LEN bytes.  EM_ERR_BUNDLE_MALFORMED for lengths outside their
 * limits. */
em_err em_bundle_head_write(em_bytes manifest, em_bytes wrapped_key, em_out *o);

/* Where a chunk lies. */
typedef struct em_bundle_span {
    uint64_t file_at;    /* in the bundle file */
    uint32_t sealed_len; /* ciphertext and tag */
    uint64_t image_at;   /* in the image */
    uint32_t plain_len;
} em_bundle_span;

/* Of chunk i.  EM_ERR_BUNDLE_COUNT where there is no such chunk. */
em_err em_bundle_head_span(const em_manifest_body *body, uint32_t i,
                           em_bundle_span *ret_span);

/* The length of the whole bundle file. */
uint64_t em_bundle_head_file_len(const em_manifest_body *body);

#endif
