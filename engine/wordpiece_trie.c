#include "engine/wordpiece_trie.h"

#include "engine/wordpiece_impl.h"

enum { BLOCK = EM_WORDPIECE_BLOCK, ROOTS = 2 };

em_err em_wordpiece_trie_plan(size_t bytes, size_t *ret_units, size_t *ret_scratch)
{
    size_t blocks, units, scratch, nodes;

    /* one unit a byte at most; the header says why 31 of them fill two blocks; the first
     * block holds the roots, the last may hold one unit */
    EM_TRY(em_mul(bytes / 31 + 2, 2, &blocks));
    EM_TRY(em_mul(blocks, BLOCK, &units));
    if (units > UINT32_MAX) return EM_ERR_LIMIT;
    EM_TRY(em_mul(bytes + 1, sizeof(em_wordpiece_trie_node), &nodes));
    EM_TRY(em_mul(blocks, sizeof(em_wordpiece_trie_block), &scratch));
    EM_TRY(em_add(scratch, nodes, &scratch));
    EM_TRY(em_add(scratch, 2 * 64, &scratch)); /* the arena's padding */
    *ret_units = units;
    *ret_scratch = scratch;
    return EM_OK;
}

size_t em_wordpiece_trie_units(const em_wordpiece_trie *trie)
{
    return trie->n * BLOCK;
}

static void clear_bit(uint64_t set[4], uint32_t i)
{
    set[i / 64] &= ~((uint64_t)1 << i % 64);
}

static em_err add_block(em_wordpiece_trie *trie)
{
    if ((trie->n + 1) * BLOCK > trie->cap) return EM_ERR_FULL;

    uint64_t *units = trie->units + trie->n * BLOCK;
    for (size_t i = 0; i < BLOCK; i++)
        units[i] = em_wordpiece_unit(0, EM_WORDPIECE_NO_CHILD, EM_WORDPIECE_NO_VALUE);

    em_wordpiece_trie_block *b = &trie->blocks[trie->n++];
    memset(b, 0, sizeof *b);
    memset(b->free, 0xFF, sizeof b->free);
    memset(b->unused, 0xFF, sizeof b->unused);
    return EM_OK;
}

em_err em_wordpiece_trie_init(em_wordpiece_trie *trie, em_arena *scratch, size_t bytes,
                              uint64_t *units, size_t cap)
{
    size_t most, ignored;
    void *blocks, *nodes;

    EM_TRY(em_wordpiece_trie_plan(bytes, &most, &ignored));
    EM_TRY(
        em_arena_take(scratch, most / BLOCK, sizeof(em_wordpiece_trie_block), &blocks));
    EM_TRY(em_arena_take(scratch, bytes + 1, sizeof(em_wordpiece_trie_node), &nodes));
    *trie = (em_wordpiece_trie){
        .units = units,
        .cap = cap < most ? cap : most,
        .blocks = blocks,
        .nodes = nodes,
    };
    EM_TRY(add_block(trie));
    for (uint32_t root = 0; root < ROOTS; root++) clear_bit(trie->blocks[0].free, root);
    clear_bit(trie->blocks[0].unused, 0); /* base 0 means no children */
    trie->blocks[0].taken = ROOTS;
    return EM_OK;
}

/* to[i] &= from[i ^ c], as sets of 256 bits. */
static void intersect_shifted(uint64_t to[4], const uint64_t from[4], uint32_t c)
{
    static const uint64_t low[6] = {0x5555555555555555u, 0x3333333333333333u,
                                    0x0F0F0F0F0F0F0F0Fu, 0x00FF00FF00FF00FFu,
                                    0x0000FFFF0000FFFFu, 0x00000000FFFFFFFFu};

    for (size_t w = 0; w < 4; w++) {
        uint64_t x = from[w ^ c / 64];
        for (uint32_t k = 0; k < 6; k++)
            if (c >> k & 1) x = (x & low[k]) << (1u << k) | (x >> (1u << k) & low[k]);
        to[w] &= x;
    }
}

/* A base in this block from which every label leads to a free unit; 256 when none. */
static uint32_t fit(const em_wordpiece_trie_block *b, const uint8_t *labels, uint32_t n)
{
    uint64_t bases[4];

    if (b->taken + n > BLOCK) return BLOCK;
    memcpy(bases, b->unused, sizeof bases);
    for (uint32_t i = 0; i < n; i++) intersect_shifted(bases, b->free, labels[i]);
    for (uint32_t w = 0; w < 4; w++)
        if (bases[w] != 0) return 64 * w + (uint32_t)__builtin_ctzll(bases[w]);
    return BLOCK;
}

static em_err place(em_wordpiece_trie *trie, const uint8_t *labels, uint32_t n,
                    uint32_t *ret_base)
{
    uint32_t base = BLOCK;
    size_t at = trie->open;

    for (; at < trie->n; at++) {
        em_wordpiece_trie_block *b = &trie->blocks[at];
        if (b->closed) continue;
        base = fit(b, labels, n);
        if (base < BLOCK) break;
        b->closed = b->taken >= BLOCK / 2;
    }
    if (at == trie->n) {
        EM_TRY(add_block(trie));
        base = 0; /* the whole block is free */
    }
    em_wordpiece_trie_block *b = &trie->blocks[at];
    for (uint32_t i = 0; i < n; i++) clear_bit(b->free, base ^ labels[i]);
    clear_bit(b->unused, base);
    b->taken += n;
    while (trie->open < trie->n && trie->blocks[trie->open].closed) trie->open++;
    *ret_base = (uint32_t)at * BLOCK + base;
    return EM_OK;
}

/* Sinks keys[at] in a heap of n, largest text first. */
static void sink(em_wordpiece_trie_key *keys, size_t at, size_t n)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= n) return;
        if (child + 1 < n && em_order(keys[child].text, keys[child + 1].text) < 0)
            child++;
        if (em_order(keys[at].text, keys[child].text) >= 0) return;
        em_wordpiece_trie_key key = keys[at];
        keys[at] = keys[child];
        keys[child] = key;
        at = child;
    }
}

static void sort(em_wordpiece_trie_key *keys, size_t n)
{
    for (size_t i = n / 2; i > 0; i--) sink(keys, i - 1, n);
    for (size_t i = n; i > 1; i--) {
        em_wordpiece_trie_key key = keys[0];
        keys[0] = keys[i - 1];
        keys[i - 1] = key;
        sink(keys, 0, i - 1);
    }
}

/* Places the children of a node and appends those that have children to the nodes. */
static em_err spread(em_wordpiece_trie *trie, const em_wordpiece_trie_key *keys,
                     em_wordpiece_trie_node node, size_t *nodes_n)
{
    uint8_t labels[BLOCK];
    uint32_t n = 0, base;

    for (uint32_t i = node.low; i < node.high; i++) {
        uint8_t c = keys[i].text.at[node.depth];
        if (n == 0 || labels[n - 1] != c) labels[n++] = c;
    }
    EM_TRY(place(trie, labels, n, &base));
    uint64_t parent = trie->units[node.unit];
    trie->units[node.unit] =
        em_wordpiece_unit(base, em_wordpiece_label(parent), em_wordpiece_value(parent));

    for (uint32_t low = node.low, high; low < node.high; low = high) {
        uint8_t c = keys[low].text.at[node.depth];
        uint32_t value = EM_WORDPIECE_NO_VALUE, unit = base ^ c, from = low;

        for (high = low; high < node.high && keys[high].text.at[node.depth] == c;) high++;
        if (keys[low].text.len ==
            node.depth + 1) { /* it ends here: shorter sorts first */
            value = keys[low].value;
            from++;
        }
        trie->units[unit] = em_wordpiece_unit(0, c, value);
        if (from == high) continue;
        if (keys[from].text.len == node.depth + 1) return EM_ERR_MODEL_MALFORMED;
        trie->nodes[(*nodes_n)++] =
            (em_wordpiece_trie_node){from, high, node.depth + 1, unit};
    }
    return EM_OK;
}

em_err em_wordpiece_trie_put(em_wordpiece_trie *trie, uint32_t root,
                             em_wordpiece_trie_key *keys, size_t n)
{
    size_t nodes_n = 0;

    if (n == 0) return EM_OK;
    sort(keys, n);
    if (keys[0].text.len == 0) return EM_ERR_MODEL_MALFORMED;
    trie->nodes[nodes_n++] = (em_wordpiece_trie_node){0, (uint32_t)n, 0, root};
    for (size_t i = 0; i < nodes_n; i++)
        EM_TRY(spread(trie, keys, trie->nodes[i], &nodes_n));
    return EM_OK;
}
