#include "engine/kernel/slots_impl.h"
#include "engine/kernel/tiles_avx512_impl.h"

#if defined(__AVX512VNNI__)

/* A tile's operands. */
typedef struct tile_of {
    const uint8_t *a;
    const int8_t *b;
    int32_t *sums; /* [TALL][WIDE] */
    ahead next;
} tile_of;

enum { LINE = EM_LANES * EM_FOURS, WIDE = 2 * EM_LANES };

/* Four bytes of a row for every column. */
static inline __m512i four(const uint8_t *a)
{
    int32_t x;
    memcpy(&x, a, sizeof x);
    return _mm512_set1_epi32(x);
}

/* Sums of m rows and w panels, 1 or 2.  They are made floats elsewhere: with that behind
 * this loop, gcc 12 keeps accumulators in memory. */
static inline __attribute__((always_inline)) void
tile(size_t m, size_t w, const em_gemm_int8 *g, const tile_of *t)
{
    const size_t stride = g->a_stride;
    const size_t panel = (g->depth + EM_FOURS - 1) / EM_FOURS * LINE;
    const uint8_t *a0 = t->a, *a3 = a0 + 3 * stride, *a6 = a3 + 3 * stride;
    const uint8_t *a9 = a6 + 3 * stride;
    const int8_t *b = t->b, *end = b + panel;
    const char *next = t->next.at;
    const size_t step = t->next.step;
    __m512i p = _mm512_setzero_si512(), q = p;
    __m512i p0 = p, p1 = p, p2 = p, p3 = p, p4 = p, p5 = p;
    __m512i p6 = p, p7 = p, p8 = p, p9 = p, p10 = p, p11 = p;
    __m512i q0 = p, q1 = p, q2 = p, q3 = p, q4 = p, q5 = p;
    __m512i q6 = p, q7 = p, q8 = p, q9 = p, q10 = p, q11 = p;

    for (; b < end; b += LINE, a0 += 4, a3 += 4, a6 += 4, a9 += 4) {
        p = _mm512_loadu_si512(b);
        if (w > 1) q = _mm512_loadu_si512(b + panel);
        _mm_prefetch(next, _MM_HINT_T0);
        if (w > 1) _mm_prefetch(next + panel, _MM_HINT_T0);
        next += step;
#define STEP(i)                                                                          \
    do {                                                                                 \
        const uint8_t *row = (i) < 3 ? a0 : (i) < 6 ? a3 : (i) < 9 ? a6 : a9;            \
        __m512i x = four(row + (i) % 3 * stride);                                        \
        p##i = _mm512_dpbusd_epi32(p##i, x, p);                                          \
        if (w > 1) q##i = _mm512_dpbusd_epi32(q##i, x, q);                               \
    } while (0)
        FOR_ROWS(m, STEP);
#undef STEP
    }
#define STORE(i)                                                                         \
    do {                                                                                 \
        _mm512_storeu_si512(t->sums + (i)*WIDE, p##i);                                   \
        if (w > 1) _mm512_storeu_si512(t->sums + (i)*WIDE + EM_LANES, q##i);             \
    } while (0)
    FOR_ROWS(m, STORE);
#undef STORE
}

#define TILE_OF(m, w)                                                                    \
    static __attribute__((noinline)) void tile_##m##x##w(const em_gemm_int8 *g,          \
                                                         const tile_of *t)               \
    {                                                                                    \
        tile(m, w, g, t);                                                                \
    }
TILES(TILE_OF, 1)
TILES(TILE_OF, 2)

typedef void (*tile_fn)(const em_gemm_int8 *, const tile_of *);
#define NAME_OF(m, w) tile_##m##x##w,

/* The sums of m rows of the panel whose columns begin with j become floats at c. */
static inline void finish(const em_gemm_int8 *g, const em_quant *row, size_t m, size_t j,
                          const int32_t *sums, float *c)
{
    const __m512i of_b = _mm512_loadu_si512(g->sum + j);
    const __m512 scale = _mm512_loadu_ps(g->scale + j);
    const __m512 bias = _mm512_loadu_ps(g->bias + j);
    const float *loose = g->loose + j * EM_LOOSE; /* j is a whole number of panels */
    const __m512 l0 = _mm512_loadu_ps(loose), l1 = _mm512_loadu_ps(loose + EM_LANES);
    const __m512 l2 = _mm512_loadu_ps(loose + 2 * EM_LANES);
    const __m512 l3 = _mm512_loadu_ps(loose + 3 * EM_LANES);

    for (size_t i = 0; i < m; i++, sums += WIDE, c += g->c_stride) {
        __m512i less = _mm512_mullo_epi32(_mm512_set1_epi32(row[i].zero), of_b);
        __m512i sum = _mm512_sub_epi32(_mm512_loadu_si512(sums), less);
        __m512 by = _mm512_mul_ps(_mm512_set1_ps(row[i].scale), scale);
        __m512 y = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), by, bias);
        y = _mm512_fmadd_ps(_mm512_set1_ps(row[i].loose[0]), l0, y);
        y = _mm512_fmadd_ps(_mm512_set1_ps(row[i].loose[1]), l1, y);
        y = _mm512_fmadd_ps(_mm512_set1_ps(row[i].loose[2]), l2, y);
        y = _mm512_fmadd_ps(_mm512_set1_ps(row[i].loose[3]), l3, y);
        _mm512_storeu_ps(c, y);
    }
}

/* w panels from panel p on, all rows. */
static inline void across(const em_gemm_int8 *g, size_t p, size_t w)
{
    static const tile_fn by_height[][TALL + 1] = {{NULL, TILES(NAME_OF, 1)},
                                                  {NULL, TILES(NAME_OF, 2)}};
    size_t tiles = (g->rows + TALL - 1) / TALL;
    size_t fours = (g->depth + EM_FOURS - 1) / EM_FOURS, panel = fours * LINE;
    const int8_t *b = g->b + p * panel;
    const void *then = p + w < g->panels || g->next == NULL ? b + w * panel : g->next;
    _Alignas(64) int32_t sums[TALL * WIDE] __attribute__((uninitialized));
    tile_of t = {.b = b, .sums = sums, .next = {then, LINE / tiles}};

    for (size_t n = 0, i = 0; n < tiles; n++) { /* heights differ by one at most */
        size_t m = (g->rows - i + tiles - n - 1) / (tiles - n);

        size_t j = p * EM_LANES;
        float *c = g->c + i * g->c_stride + j;

        t.a = g->a + i * g->a_stride;
        by_height[w - 1][m](g, &t);
        finish(g, g->row + i, m, j, sums, c);
        if (w > 1) finish(g, g->row + i, m, j + EM_LANES, sums + EM_LANES, c + EM_LANES);
        t.next.at += t.next.step * fours;
        i += m;
    }
}

void em_gemm_int8_avx512(const em_gemm_int8 *g)
{
    size_t p = 0;

    for (; g->panels - p >= 2; p += 2) across(g, p, 2);
    if (p < g->panels) across(g, p, 1);
}
#endif
