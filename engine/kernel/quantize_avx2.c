#include "engine/kernel/poly_avx2_impl.h"
#include "engine/kernel/slots_impl.h"

/* The same as min and max of the whole, whose zeros' signs nobody can tell. */
typedef struct extent {
    __m256 low, high;
    __m256 spoilt; /* y * 0 added up: a NaN where some y was none or infinite */
} extent;

static inline void widen(extent *e, __m256 y)
{
    e->low = _mm256_min_ps(e->low, y);
    e->high = _mm256_max_ps(e->high, y);
    e->spoilt = _mm256_fmadd_ps(y, _mm256_setzero_ps(), e->spoilt);
}

static inline __m256 eight(const em_quantize *q, size_t k)
{
    return _mm256_mul_ps(_mm256_loadu_ps(q->x + k), _mm256_loadu_ps(q->by + k));
}

static inline __m256 eight_of(const em_quantize *q, size_t k, __m256i mask)
{
    return _mm256_mul_ps(_mm256_maskload_ps(q->x + k, mask),
                         _mm256_maskload_ps(q->by + k, mask));
}

static inline __m256i integers(__m256 y, __m256 inverse, __m256 zero)
{
    __m256 t = _mm256_fmadd_ps(y, inverse, zero);
    t = _mm256_max_ps(t, _mm256_setzero_ps()); /* zero where t is no number, as in C */
    return _mm256_cvtps_epi32(_mm256_min_ps(t, _mm256_set1_ps(255.0f)));
}

static inline __m128i bytes(__m256i low, __m256i high)
{
    __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);
    return _mm_packus_epi16(_mm256_castsi256_si128(words),
                            _mm256_extracti128_si256(words, 1));
}

em_quant em_quantize_avx2(const em_quantize *q)
{
    const size_t whole = q->n - q->n % EM_LANES, left = q->n - whole;
    const size_t at_second = whole + (left < 8 ? 0 : 8);
    const __m256i first = em_poly_avx2_first(left < 8 ? left : 8);
    const __m256i second = em_poly_avx2_first(left < 8 ? 0 : left - 8);
    const __m256 none = _mm256_setzero_ps();
    extent a = {none, none, none}, b = a;
    float low[8], high[8], inverse = 0.0f;
    em_quant row = {0};

    for (size_t k = 0; k < whole; k += EM_LANES) {
        widen(&a, eight(q, k));
        widen(&b, eight(q, k + 8));
    }
    widen(&a, eight_of(q, whole, first));
    widen(&b, eight_of(q, at_second, second));

    _mm256_storeu_ps(low, _mm256_min_ps(a.low, b.low));
    _mm256_storeu_ps(high, _mm256_max_ps(a.high, b.high));
    for (size_t i = 1; i < 8; i++) {
        low[0] = low[0] < low[i] ? low[0] : low[i];
        high[0] = high[0] > high[i] ? high[0] : high[i];
    }
    float range = high[0] - low[0];
    __m256 spoilt = _mm256_add_ps(a.spoilt, b.spoilt);
    bool finite = _mm256_movemask_ps(_mm256_cmp_ps(spoilt, spoilt, _CMP_UNORD_Q)) == 0;
    if (!finite) row.scale = em_poly_of_bits(0x7FC00000u);
    if (finite && range >= 0x1p-100f) {
        row.scale = range / 255.0f;
        inverse = 255.0f / range;
        row.zero = (int32_t)((-low[0] * inverse + EM_POLY_ROUND) - EM_POLY_ROUND);
    }

    __m256 by = _mm256_set1_ps(inverse), zero = _mm256_set1_ps((float)row.zero);
    for (size_t k = 0; k < whole; k += EM_LANES)
        _mm_storeu_si128(
            (void *)(q->out + k),
            bytes(integers(eight(q, k), by, zero), integers(eight(q, k + 8), by, zero)));
    if (left > 0) {
        __m256i l = integers(eight_of(q, whole, first), by, zero);
        __m256i h = integers(eight_of(q, at_second, second), by, zero);
        uint8_t last[EM_LANES];

        _mm_storeu_si128((void *)last, bytes(_mm256_and_si256(l, first), /* pads are 0 */
                                             _mm256_and_si256(h, second)));
        memcpy(q->out + whole, last, (left + EM_FOURS - 1) / EM_FOURS * EM_FOURS);
    }
    return row;
}
