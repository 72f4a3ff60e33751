/* Bytes are widened to words and multiplied in pairs (vpmaddwd), which is exact for every
 * byte; the instruction for bytes (vpmaddubsw) would saturate.
 *
 * Tiles of up to 6 rows by 8 columns: 12 accumulators, each of four columns' two halves
 * of a four.  They are named one by one because gcc 12 keeps an array of them in memory.
 */
#include "engine/kernel/slots_impl.h"
#include "engine/kernel/tiles_impl.h"

#if defined(__AVX2__)
#include <immintrin.h>

enum {
    TILE = 6,
    ROWS = 2 * TILE, /* that are widened at a time */
    PART = 768,      /* columns of them, so that they stay in the first cache */
    LINE = EM_LANES * EM_FOURS,
    HALF = LINE / 2,
};

/* A tile's operands. */
typedef struct tile_of {
    const uint16_t *a; /* rows PART apart */
    const int8_t *b;   /* eight columns of a panel */
    const int8_t *end;
    float *c; /* holds integers until finish */
    size_t c_stride;
    bool more; /* add to what c holds */
    ahead next;
} tile_of;

/* Four columns' fours as words. */
static inline __m256i wide(const int8_t *b)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)b));
}

static inline __m256i four(const uint16_t *a)
{
    int64_t x;
    memcpy(&x, a, sizeof x);
    return _mm256_set1_epi64x(x);
}

/* Written out because it keeps the order of the program: compilers would load all rows
 * before the first addition, for which there are too few registers. */
#define ADD(to, x) __asm__ volatile("vpaddd %1, %0, %0" : "+x"(to) : "x"(x) : "memory")

/* c[0 .. m - 1][0 .. 7]; m is a constant where this is inlined. */
static inline __attribute__((always_inline)) void tile(size_t m, const tile_of *t)
{
    const uint16_t *a = t->a;
    const int8_t *b = t->b, *end = t->end;
    const char *next = t->next.at;
    const size_t step = t->next.step;
    __m256i l0 = _mm256_setzero_si256(), l1 = l0, l2 = l0, l3 = l0, l4 = l0, l5 = l0;
    __m256i h0 = l0, h1 = l0, h2 = l0, h3 = l0, h4 = l0, h5 = l0;

    for (; b < end; b += LINE, a += EM_FOURS) {
        __m256i low = wide(b), high = wide(b + HALF / 2);
        _mm_prefetch(next, _MM_HINT_T0);
        next += step;
#define STEP(i)                                                                          \
    do {                                                                                 \
        __m256i x = four(a + (i)*PART);                                                  \
        ADD(l##i, _mm256_madd_epi16(x, low));                                            \
        ADD(h##i, _mm256_madd_epi16(x, high));                                           \
    } while (0)
        FOR_SIX_ROWS(m, STEP);
#undef STEP
    }
#define STORE(i)                                                                         \
    do {                                                                                 \
        __m256i *to = (void *)(t->c + (i)*t->c_stride);                                  \
        l##i = _mm256_permute4x64_epi64(_mm256_hadd_epi32(l##i, h##i), 0xD8);            \
        if (t->more) l##i = _mm256_add_epi32(l##i, _mm256_loadu_si256(to));              \
        _mm256_storeu_si256(to, l##i);                                                   \
    } while (0)
    FOR_SIX_ROWS(m, STORE);
#undef STORE
}

#define TILE_OF(m)                                                                       \
    static __attribute__((noinline)) void tile_##m(const tile_of *t)                     \
    {                                                                                    \
        tile(m, t);                                                                      \
    }
TILE_OF(1)
TILE_OF(2)
TILE_OF(3)
TILE_OF(4)
TILE_OF(5)
TILE_OF(6)

/* What a group of rows works on. */
typedef struct group {
    const em_gemm_int8 *g;
    size_t first, rows;
    size_t tiles;       /* one or two */
    size_t from, lines; /* of the depth: the first column, fours */
    uint16_t a[ROWS * PART];
} group;

/* The group's part of a as words. */
static void widen(group *t)
{
    for (size_t i = 0; i < t->rows; i++) {
        const uint8_t *a = t->g->a + (t->first + i) * t->g->a_stride + t->from;
        uint16_t *out = t->a + i * PART;
        size_t k = 0, n = t->lines * EM_FOURS;

        for (; n - k >= 16; k += 16)
            _mm256_storeu_si256((void *)(out + k), _mm256_cvtepu8_epi16(_mm_loadu_si128(
                                                       (const void *)(a + k))));
        for (; k < n; k++) out[k] = a[k];
    }
}

/* The group by the part of panel p that lies at b; `then` is fetched meanwhile. */
static void multiply(const group *t, size_t p, const int8_t *b, const void *then)
{
    static void (*const by_height[])(const tile_of *) = {NULL,   tile_1, tile_2, tile_3,
                                                         tile_4, tile_5, tile_6};
    tile_of of = {.end = b + t->lines * LINE,
                  .c_stride = t->g->c_stride,
                  .more = t->from > 0,
                  .next = {then, HALF / t->tiles}};

    for (size_t n = 0, i = 0; n < t->tiles; n++) {
        size_t m = (t->rows - i + t->tiles - n - 1) / (t->tiles - n);

        of.a = t->a + i * PART;
        for (size_t half = 0; half < 2; half++) {
            of.b = b + half * HALF;
            of.c = t->g->c + (t->first + i) * t->g->c_stride + p * EM_LANES + half * 8;
            by_height[m](&of);
            of.next.at += of.next.step * t->lines;
        }
        i += m;
    }
}

/* The integers of the group's rows of panel p become floats. */
static void finish(const group *t, size_t p)
{
    const em_gemm_int8 *g = t->g;

    for (size_t j = p * EM_LANES; j < (p + 1) * EM_LANES; j += 8) {
        const __m256i of_b = _mm256_loadu_si256((const void *)(g->sum + j));
        const __m256 scale = _mm256_loadu_ps(g->scale + j);
        const __m256 bias = _mm256_loadu_ps(g->bias + j);
        const float *loose = g->loose + p * EM_LOOSE * EM_LANES + (j - p * EM_LANES);
        const __m256 l0 = _mm256_loadu_ps(loose);
        const __m256 l1 = _mm256_loadu_ps(loose + EM_LANES);
        const __m256 l2 = _mm256_loadu_ps(loose + 2 * EM_LANES);
        const __m256 l3 = _mm256_loadu_ps(loose + 3 * EM_LANES);

        for (size_t i = t->first; i < t->first + t->rows; i++) {
            float *c = g->c + i * g->c_stride + j;
            __m256i sum = _mm256_loadu_si256((const void *)c);
            __m256 by = _mm256_mul_ps(_mm256_set1_ps(g->row[i].scale), scale);
            sum = _mm256_sub_epi32(
                sum, _mm256_mullo_epi32(_mm256_set1_epi32(g->row[i].zero), of_b));
            __m256 y = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), by, bias);
            y = _mm256_fmadd_ps(_mm256_set1_ps(g->row[i].loose[0]), l0, y);
            y = _mm256_fmadd_ps(_mm256_set1_ps(g->row[i].loose[1]), l1, y);
            y = _mm256_fmadd_ps(_mm256_set1_ps(g->row[i].loose[2]), l2, y);
            y = _mm256_fmadd_ps(_mm256_set1_ps(g->row[i].loose[3]), l3, y);
            _mm256_storeu_ps(c, y);
        }
    }
}

static void rows_of(group *t)
{
    const em_gemm_int8 *g = t->g;
    size_t fours = (g->depth + EM_FOURS - 1) / EM_FOURS, done = 0;

    do { /* at least once: without depth the sums are zeros */
        const int8_t *b = g->b + done * LINE;

        t->from = done * EM_FOURS;
        t->lines = fours - done < PART / EM_FOURS ? fours - done : PART / EM_FOURS;
        widen(t);
        done += t->lines;
        for (size_t p = 0; p < g->panels; p++, b += fours * LINE) {
            const void *then = b + fours * LINE;

            if (p + 1 == g->panels) then = done < fours ? g->b + done * LINE : g->next;
            multiply(t, p, b, then == NULL ? b : then);
        }
    } while (done < fours);
    for (size_t p = 0; p < g->panels; p++) finish(t, p);
}

void em_gemm_int8_avx2(const em_gemm_int8 *g)
{
    size_t tiles = (g->rows + TILE - 1) / TILE;
    group t __attribute__((uninitialized)); /* 18 KiB that need no pattern */

    t.g = g;
    t.first = 0;
    while (tiles > 0) { /* heights of tiles differ by one at most */
        size_t left = g->rows - t.first;

        t.tiles = tiles < 2 ? tiles : 2;
        t.rows = (left + tiles - 1) / tiles;
        if (tiles > 1) t.rows += (left - t.rows + tiles - 2) / (tiles - 1);
        rows_of(&t);
        t.first += t.rows;
        tiles -= t.tiles;
    }
}
#endif
