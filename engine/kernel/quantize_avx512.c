#include "engine/kernel/poly_avx512_impl.h"
#include "engine/kernel/slots_impl.h"

/* The same as min and max of the whole, whose zeros' signs nobody can tell. */
typedef struct extent {
    __m512 low, high;
    __m512 spoilt; /* y * 0 added up: a NaN where some y was none or infinite */
} extent;

static inline void widen(extent *e, __m512 y)
{
    e->low = _mm512_min_ps(e->low, y);
    e->high = _mm512_max_ps(e->high, y);
    e->spoilt = _mm512_fmadd_ps(y, _mm512_setzero_ps(), e->spoilt);
}

static inline __m128i bytes(__m512 y, __m512 inverse, __m512 zero)
{
    __m512 t = _mm512_fmadd_ps(y, inverse, zero);
    t = _mm512_max_ps(t, _mm512_setzero_ps()); /* zero where t is no number, as in C */
    t = _mm512_min_ps(t, _mm512_set1_ps(255.0f));
    return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(t));
}

em_quant em_quantize_avx512(const em_quantize *q)
{
    const size_t whole = q->n - q->n % EM_LANES, left = q->n - whole;
    const __mmask16 rest = em_poly_avx512_first(left);
    const __mmask16 fours = em_poly_avx512_first((left + EM_FOURS - 1) / EM_FOURS * 4);
    const __m512 none = _mm512_setzero_ps();
    extent a = {none, none, none}, b = a;
    float inverse = 0.0f;
    em_quant row = {0};
    size_t k = 0;

    for (; whole - k >= 2 * EM_LANES; k += 2 * EM_LANES) {
        widen(&a, _mm512_mul_ps(_mm512_loadu_ps(q->x + k), _mm512_loadu_ps(q->by + k)));
        widen(&b, _mm512_mul_ps(_mm512_loadu_ps(q->x + k + EM_LANES),
                                _mm512_loadu_ps(q->by + k + EM_LANES)));
    }
    if (k < whole)
        widen(&a, _mm512_mul_ps(_mm512_loadu_ps(q->x + k), _mm512_loadu_ps(q->by + k)));
    __m512 last = _mm512_mul_ps(_mm512_maskz_loadu_ps(rest, q->x + whole),
                                _mm512_maskz_loadu_ps(rest, q->by + whole));
    widen(&b, last);

    float low = _mm512_reduce_min_ps(_mm512_min_ps(a.low, b.low));
    float range = _mm512_reduce_max_ps(_mm512_max_ps(a.high, b.high)) - low;
    __m512 spoilt = _mm512_add_ps(a.spoilt, b.spoilt);
    bool finite = _mm512_cmp_ps_mask(spoilt, spoilt, _CMP_UNORD_Q) == 0;
    if (!finite) row.scale = em_poly_of_bits(0x7FC00000u);
    if (finite && range >= 0x1p-100f) {
        row.scale = range / 255.0f;
        inverse = 255.0f / range;
        row.zero = (int32_t)((-low * inverse + EM_POLY_ROUND) - EM_POLY_ROUND);
    }

    __m512 by = _mm512_set1_ps(inverse), zero = _mm512_set1_ps((float)row.zero);
    for (k = 0; k < whole; k += EM_LANES) {
        __m512 y = _mm512_mul_ps(_mm512_loadu_ps(q->x + k), _mm512_loadu_ps(q->by + k));
        _mm_storeu_si128((void *)(q->out + k), bytes(y, by, zero));
    }
    if (rest != 0)
        _mm_mask_storeu_epi8(q->out + whole, fours,
                             _mm_maskz_mov_epi8(rest, bytes(last, by, zero)));
    return row;
}
