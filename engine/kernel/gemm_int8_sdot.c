/* With SDOT: each lane adds four byte products at once.  Tiles of up to 6 rows by 16
 * columns: 24 accumulators, 16 bytes of each row, four of them chosen by lane, and one
 * vector of the panel fill the 32 registers. */
#include "engine/kernel/gemm_int8_neon_impl.h"

#if defined(__ARM_FEATURE_DOTPROD)

enum { TILE = 6, BLOCK = 16 };

#define FOR_ROWS(m, DO, ...)                                                             \
    do {                                                                                 \
        DO(0, __VA_ARGS__);                                                              \
        if ((m) > 1) DO(1, __VA_ARGS__);                                                 \
        if ((m) > 2) DO(2, __VA_ARGS__);                                                 \
        if ((m) > 3) DO(3, __VA_ARGS__);                                                 \
        if ((m) > 4) DO(4, __VA_ARGS__);                                                 \
        if ((m) > 5) DO(5, __VA_ARGS__);                                                 \
    } while (0)

static inline __attribute__((always_inline)) void tile(size_t m, const em_gemm_int8 *g,
                                                       size_t first, size_t panel,
                                                       const int32_t *lift, ahead next)
{
    const size_t stride = g->a_stride, depth = g->depth;
    const uint8_t *a = g->a + first * stride;
    const int8_t *b = g->b + panel * ((depth + EM_FOURS - 1) / EM_FOURS) *
                                 (size_t)EM_GEMM_INT8_NEON_LINE;
    size_t k = 0;
#define DECLARE(i)                                                                       \
    int8x16_t x##i = vdupq_n_s8(0);                                                      \
    int32x4_t p##i = vdupq_n_s32(0), q##i = p##i, r##i = p##i, s##i = p##i
    DECLARE(0);
    DECLARE(1);
    DECLARE(2);
    DECLARE(3);
    DECLARE(4);
    DECLARE(5);
#undef DECLARE

/* one line of the panel: four bytes of every row, those of `lane`; the barriers keep to
 * one vector of the panel in the registers at a time */
#define DOT(i, v, lane) v##i = vdotq_laneq_s32(v##i, y, x##i, lane)
#define COLUMNS(v, at, lane)                                                             \
    do {                                                                                 \
        int8x16_t y = vld1q_s8(b + (at));                                                \
        FOR_ROWS(m, DOT, v, lane);                                                       \
        __asm__ volatile("" ::: "memory");                                               \
    } while (0)
#define LINE(lane)                                                                       \
    do {                                                                                 \
        __builtin_prefetch(next.at);                                                     \
        next.at += next.step;                                                            \
        COLUMNS(p, 0, lane);                                                             \
        COLUMNS(q, 16, lane);                                                            \
        COLUMNS(r, 32, lane);                                                            \
        COLUMNS(s, 48, lane);                                                            \
        b += EM_GEMM_INT8_NEON_LINE;                                                     \
    } while (0)

    for (; depth - k >= BLOCK; k += BLOCK) {
        const uint8x16_t flip = vdupq_n_u8(0x80);
#define READ(i, k)                                                                       \
    x##i = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(a + (i)*stride + k), flip))
        FOR_ROWS(m, READ, k);
#undef READ
        LINE(0);
        LINE(1);
        LINE(2);
        LINE(3);
    }
    for (; k < depth; k += EM_FOURS) {
#define READ(i, k) x##i = em_gemm_int8_neon_four(a + (i)*stride + k, depth - k)
        FOR_ROWS(m, READ, k);
#undef READ
        LINE(0);
    }
#define STORE(i, lift)                                                                   \
    do {                                                                                 \
        em_gemm_int8_neon_store(g, first + (i), panel, 0, lift, p##i);                   \
        em_gemm_int8_neon_store(g, first + (i), panel, 1, lift, q##i);                   \
        em_gemm_int8_neon_store(g, first + (i), panel, 2, lift, r##i);                   \
        em_gemm_int8_neon_store(g, first + (i), panel, 3, lift, s##i);                   \
    } while (0)
    FOR_ROWS(m, STORE, lift);
#undef STORE
}

#define TILE_OF(m)                                                                       \
    static __attribute__((noinline)) void tile_##m(const em_gemm_int8 *g, size_t first,  \
                                                   size_t panel, const int32_t *lift,    \
                                                   ahead next)                           \
    {                                                                                    \
        tile(m, g, first, panel, lift, next);                                            \
    }
TILE_OF(1)
TILE_OF(2)
TILE_OF(3)
TILE_OF(4)
TILE_OF(5)
TILE_OF(6)

void em_gemm_int8_sdot(const em_gemm_int8 *g)
{
    static em_gemm_int8_neon_height *const by_height[] = {NULL,   tile_1, tile_2, tile_3,
                                                          tile_4, tile_5, tile_6};

    em_gemm_int8_neon_all(by_height, TILE, g);
}
#endif
