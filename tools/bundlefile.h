/* bundlefile.h - looks at a bundle file: what it says, whether its publisher said it, and
 * whether the chunks are the ones meant.
 *
 * Trust:  the file is hostile.  em_bundlefile_open gives claims; em_bundlefile_verify
 *         facts, without any key: the signature, the file's exact length and the Merkle
 *         root over its chunks.  em_bundlefile_unseal opens every chunk as an enclave
 *         would.
 * Memory: an em_bundlefile owns its mapping; drop it.
 */
#ifndef EM_TOOLS_BUNDLEFILE_H
#define EM_TOOLS_BUNDLEFILE_H

#include "bundle/bundle_head.h"
#include "os/map.h"
#include "tools/problem.h"
#include "trust/manifest.h"

typedef struct em_bundlefile {
    em_map map;
    em_bundle_head head;
    em_manifest_body claims; /* said by the file; views into it */
    uint8_t hash[EM_MANIFEST_HASH_LEN];
    em_tensor tensors[EM_MAX_TENSORS];
} em_bundlefile;

/* Maps the file, reads head and manifest, and checks the file's length.  *ret_file is the
 * caller's and points into itself: not to be copied or moved. */
em_err em_bundlefile_open(const char *path, em_problem *problem, em_bundlefile *ret_file);
void em_bundlefile_drop(em_bundlefile *file);

/* Signature, floor and date, then the Merkle root over the chunks as they are.  The
 * errors of em_manifest_verify, and EM_ERR_BUNDLE_ROOT. */
em_err em_bundlefile_verify(const em_bundlefile *file, const em_publisher *publishers,
                            size_t n, uint64_t now_ms, em_problem *problem);

/* The Merkle root over the chunks as they are: EM_ERR_BUNDLE_ROOT where it is not the one
 * that the manifest names. */
em_err em_bundlefile_check_root(const em_bundlefile *file, em_problem *problem);

/* Verifies and opens all of it into pages of its own. */
em_err em_bundlefile_unseal(const em_bundlefile *file, const em_publisher *publishers,
                            size_t n, uint64_t now_ms, const em_content_key *key,
                            em_problem *problem, em_map *ret_image);

#endif
