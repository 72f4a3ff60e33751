/* wordpiece_trie.h - lays sorted texts out as the double array of engine/wordpiece.h.
 *
 * The children of a node go to the first place where they fit, in blocks of 256 units; a
 * block is given up once half of it is taken and something did not fit.  So every two
 * blocks that follow each other hold 31 units at least, which bounds the length.
 *
 * Trust:  texts may be hostile; they are bytes and limits have been checked.
 * Memory: units and scratch are the caller's.
 */
#ifndef EM_ENGINE_WORDPIECE_TRIE_H
#define EM_ENGINE_WORDPIECE_TRIE_H

#include "base/arena.h"

typedef struct em_wordpiece_trie_key {
    em_bytes text;
    uint32_t value;
} em_wordpiece_trie_key;

/* A block of 256 units, while the trie is laid out. */
typedef struct em_wordpiece_trie_block {
    uint64_t free[4];   /* units not taken */
    uint64_t unused[4]; /* bases that no node has */
    uint32_t taken;
    bool closed;
} em_wordpiece_trie_block;

/* A node whose children are not placed yet: keys[low .. high) pass through it. */
typedef struct em_wordpiece_trie_node {
    uint32_t low, high, depth, unit;
} em_wordpiece_trie_node;

typedef struct em_wordpiece_trie {
    uint64_t *units;
    size_t cap; /* units that there is room for */
    em_wordpiece_trie_block *blocks;
    size_t n, open; /* blocks; the first that is not closed */
    em_wordpiece_trie_node *nodes;
} em_wordpiece_trie;

/* What texts of `bytes` bytes together may need: units, and bytes of scratch. */
em_err em_wordpiece_trie_plan(size_t bytes, size_t *ret_units, size_t *ret_scratch);

/* An empty trie of one block, where units 0 and 1 are roots.  Scratch for texts of
 * `bytes` bytes together is taken from the arena; `cap` units have room. */
em_err em_wordpiece_trie_init(em_wordpiece_trie *trie, em_arena *scratch, size_t bytes,
                              uint64_t *units, size_t cap);

/* Sorts the keys and puts them under `root`, 0 or 1, each root once.  EM_ERR_FULL when
 * `cap` does not suffice, EM_ERR_MODEL_MALFORMED for two equal texts or an empty one. */
em_err em_wordpiece_trie_put(em_wordpiece_trie *trie, uint32_t root,
                             em_wordpiece_trie_key *keys, size_t n);

/* Units that are laid out: a multiple of 256. */
size_t em_wordpiece_trie_units(const em_wordpiece_trie *trie);

#endif
