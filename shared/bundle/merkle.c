#include "bundle/merkle.h"

/* SHA-256(0x01 || left || right) */
static void join(const uint8_t left[EM_SHA256_LEN], const uint8_t right[EM_SHA256_LEN],
                 uint8_t ret_hash[EM_SHA256_LEN])
{
    const em_bytes parts[] = {EM_STR("\x01"), em_view(left, EM_SHA256_LEN),
                              em_view(right, EM_SHA256_LEN)};

    em_sha2_256_of(parts, EM_COUNT(parts), ret_hash);
}

void em_merkle_leaf(em_bytes leaf, uint8_t ret_hash[EM_SHA256_LEN])
{
    const em_bytes parts[] = {EM_STR("\0"), leaf};

    em_sha2_256_of(parts, EM_COUNT(parts), ret_hash);
}

void em_merkle_add(em_merkle *tree, const uint8_t leaf_hash[EM_SHA256_LEN])
{
    uint8_t hash[EM_SHA256_LEN];
    unsigned d = 0;

    /* like a binary counter: equal subtrees meet and carry */
    memcpy(hash, leaf_hash, sizeof hash);
    for (; tree->n >> d & 1; d++) join(tree->level[d], hash, hash);
    memcpy(tree->level[d], hash, sizeof hash);
    tree->n++;
}

void em_merkle_root(const em_merkle *tree, uint8_t ret_root[EM_SHA256_LEN])
{
    uint8_t hash[EM_SHA256_LEN];
    bool any = false;

    /* RFC 9162 2.1.1 splits at the largest power of two below n: whole subtrees stand on
     * the left, the largest first, so that the smallest are folded first. */
    em_sha2_256((em_bytes){0}, hash);
    for (unsigned d = 0; d < EM_MERKLE_LEVELS; d++) {
        if (!(tree->n >> d & 1)) continue;
        if (any) join(tree->level[d], hash, hash);
        if (!any) memcpy(hash, tree->level[d], sizeof hash);
        any = true;
    }
    memcpy(ret_root, hash, sizeof hash);
}
