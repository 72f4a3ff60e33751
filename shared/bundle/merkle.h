/* merkle.h - the hash tree of RFC 9162 section 2.1 over a bundle's sealed chunks.
 *
 * Trust:  a root is as good as the signature over it; nothing here judges.
 * Memory: the tree is a stack of at most one hash a level; the caller's.
 */
#ifndef EM_BUNDLE_MERKLE_H
#define EM_BUNDLE_MERKLE_H

#include "crypto/sha2.h"

enum { EM_MERKLE_LEVELS = 64 };

/* A tree that grows to the right; {0} is empty.  `level[d]` is the root of a whole
 * subtree of 2^d leaves where bit d of n is set. */
typedef struct em_merkle {
    uint64_t n;
    uint8_t level[EM_MERKLE_LEVELS][EM_SHA256_LEN];
} em_merkle;

/* SHA-256(0x00 || leaf): may be taken in any order, on any thread. */
void em_merkle_leaf(em_bytes leaf, uint8_t ret_hash[EM_SHA256_LEN]);

/* Appends the next leaf's hash. */
void em_merkle_add(em_merkle *tree, const uint8_t leaf_hash[EM_SHA256_LEN]);

/* The root of what was added; SHA-256 of nothing for an empty tree. */
void em_merkle_root(const em_merkle *tree, uint8_t ret_root[EM_SHA256_LEN]);

#endif
