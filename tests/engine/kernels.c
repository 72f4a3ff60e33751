/* Every slot of every level against plain C, to the bit; `--bench` times them instead. */
#include "tests/engine/fixture.h"

#include <math.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static em_kernels plain, level; /* level: the one under test */

/* ---- values ---- */

typedef enum kind {
    ORDINARY,
    DENORMAL,
    ZEROS,
    HUGE_ONES,
    INFINITE,
    ANY_BITS,
    KINDS
} kind;

static float of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static float value(test_random *r, kind k)
{
    uint32_t bits = (uint32_t)test_random_next(r);
    bool rare = bits % 7 == 0;

    switch (k) {
    case DENORMAL:
        return of_bits(bits & 0x807FFFFFu);
    case ZEROS:
        return rare ? fixture_normal(r, 1) : of_bits(bits & 0x80000000u);
    case HUGE_ONES:
        return of_bits((bits & 0x81FFFFFFu) | 0x7C000000u) * 0.99f;
    case INFINITE:
        return rare ? of_bits((bits & 0x80000000u) | 0x7F800000u) : 1.5f;
    case ANY_BITS:
        return of_bits(bits);
    default:
        return fixture_normal(r, rare ? 40.0f : 1.5f);
    }
}

static void fill(test_random *r, kind k, float *at, size_t n)
{
    for (size_t i = 0; i < n; i++) at[i] = value(r, k);
}

/* The same bits, or a NaN each. */
static bool same(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bits_of(a[i]) != bits_of(b[i]) && !(isnan(a[i]) && isnan(b[i]))) return false;
    return true;
}

enum { ROOM = 1 << 16 };
static float one[ROOM], two[ROOM], three[ROOM], four[ROOM], got[ROOM], want[ROOM];

/* ---- bit for bit ---- */

static void check_gemm(test_random *r, kind k, size_t rows, size_t depth, size_t panels)
{
    size_t a_stride = depth + test_random_next(r) % 3;
    size_t c_stride = panels * EM_LANES + test_random_next(r) % 5;
    bool bias = test_random_next(r) % 4 != 0;
    em_gemm g = {.a = one,
                 .a_stride = a_stride,
                 .b = two,
                 .bias = bias ? three : NULL,
                 .c = want,
                 .c_stride = c_stride,
                 .rows = rows,
                 .depth = depth,
                 .panels = panels,
                 .next = k % 2 ? four : NULL};

    fill(r, k, one, rows * a_stride);
    fill(r, k == INFINITE ? ORDINARY : k, two, depth * panels * EM_LANES);
    fill(r, k, three, panels * EM_LANES);
    fill(r, ORDINARY, want, rows * c_stride + 16);
    memcpy(got, want, sizeof got);
    plain.gemm(&g);
    g.c = got;
    level.gemm(&g);
    test_note("kind %d, %zu rows, depth %zu, %zu panels", k, rows, depth, panels);
    CHECK(same(got, want, ROOM)); /* what lies between and behind the rows too */
}

static void products_are_the_same_bits(void)
{
    test_random r = {1};

    for (kind k = ORDINARY; k < KINDS; k++) {
        for (size_t rows = 1; rows <= 20; rows++)
            for (size_t depth = 0; depth <= 20; depth += 1 + depth / 4)
                check_gemm(&r, k, rows, depth, 1 + (rows + depth) % 3);
        check_gemm(&r, k, 47, 33, 2);
        check_gemm(&r, k, 7, 1536, 1);
        check_gemm(&r, k, 9, 384, 5);
    }
}

static void norms_are_the_same_bits(void)
{
    test_random r = {2};

    for (kind k = ORDINARY; k < KINDS; k++)
        for (size_t n = 1; n <= 400; n += n < 70 ? 1 : 37) {
            em_norm job = {.x = one,
                           .add = two,
                           .weight = three,
                           .bias = four,
                           .out = want,
                           .n = n,
                           .eps = 1e-12f};
            fill(&r, k, one, n);
            fill(&r, k, two, n);
            fill(&r, ORDINARY, three, n);
            fill(&r, k, four, n);
            fill(&r, ORDINARY, want, n + 16);
            memcpy(got, want, sizeof got);
            plain.norm(&job);
            job.out = got;
            level.norm(&job);
            test_note("kind %d, n %zu", k, n);
            CHECK(same(got, want, n + 16));
            job.out = one; /* in place */
            level.norm(&job);
            CHECK(same(one, want, n));
        }
}

static void gelu_is_the_same_bits(void)
{
    test_random r = {3};

    for (kind k = ORDINARY; k < KINDS; k++)
        for (size_t cols = 1; cols <= 70; cols++) {
            size_t rows = 1 + cols % 4, stride = cols + cols % 3;
            fill(&r, k, want, rows * stride + 16);
            memcpy(got, want, sizeof got);
            plain.gelu(want, stride, rows, cols);
            level.gelu(got, stride, rows, cols);
            test_note("kind %d, cols %zu", k, cols);
            CHECK(same(got, want, rows * stride + 16));
        }
    for (uint32_t i = 0; i < 1u << 22;
         i += 4096) { /* 4096 floats a turn, all exponents */
        for (uint32_t j = 0; j < 4096; j++) want[j] = of_bits((i + j) * 1021u);
        memcpy(got, want, sizeof got);
        plain.gelu(want, 4096, 1, 4096);
        level.gelu(got, 4096, 1, 4096);
        CHECK(same(got, want, 4096));
    }
}

static void softmax_is_the_same_bits(void)
{
    static const float scales[] = {1.0f, 0.17677669f, 0.125f, 3.0f};
    test_random r = {4};

    for (kind k = ORDINARY; k < KINDS; k++)
        for (size_t n = 1; n <= 600; n += n < 70 ? 1 : 41) {
            float scale = scales[test_random_next(&r) % 4];
            fill(&r, k, want, n + 16);
            memcpy(got, want, sizeof got);
            float a = plain.softmax(want, n, scale);
            float b = level.softmax(got, n, scale);
            test_note("kind %d, n %zu", k, n);
            CHECK(same(got, want, n + 16));
            CHECK(same(&a, &b, 1));
        }
}

/* ---- near the truth ---- */

/* How many places of the last digit `x` is from `truth`. */
static double ulps(float x, double truth)
{
    double unit = fabs(truth) < 0x1p-126 ? 0x1p-149 : ldexp(1, ilogb(truth) - 23);
    return fabs((double)x - truth) / unit;
}

static void gelu_is_near_the_truth(void)
{
    double worst = 0, above = 0, far = 0;

    for (uint32_t i = 0; i < 1u << 20; i++) {
        float x = of_bits((i * 4099u) & 0xC1FFFFFFu), y = x; /* |x| < 32 */
        double truth = (double)x * erfc(-(double)x * sqrt(0.5)) / 2, off;

        level.gelu(&y, 1, 1, 1);
        off = ulps(y, truth);
        test_note("x = %a", (double)x);
        if (x < -13.0f) /* where exp counts as zero */
            far = fmax(far, fabs((double)y - truth));
        else if (x < 0)
            worst = fmax(worst, off);
        else
            above = fmax(above, off);
    }
    printf("gelu: within %.2f places from 0 up, %.2f from -13 up, %.2g below\n", above,
           worst, far);
    CHECK(above <= 1.5 && worst <= 5 && far < 1e-36);
}

static void exp_is_near_the_truth(void)
{
    double worst = 0;

    for (uint32_t i = 0; i < 1u << 20; i++) {
        float pair[2] = {0, -87.0f * (float)i / (float)(1u << 20)};
        float x = pair[1];

        float inverse = level.softmax(pair, 2, 1.0f);
        double off = ulps(pair[1], exp((double)x));
        if (off > worst) worst = off, test_note("x = %a", (double)x);
        CHECK(off <= 1.5 && pair[0] == 1.0f && inverse == 1.0f / (1.0f + pair[1]));
    }
    float pair[2] = {0, -87.1f};
    CHECK(level.softmax(pair, 2, 1.0f) == 1.0f && bits_of(pair[1]) == 0);
    printf("exp: %.2f places at most\n", worst);
}

static void norm_is_near_the_truth(void)
{
    test_random r = {5};

    for (size_t n = 2; n < 800; n = n * 3 / 2 + 1) {
        double sum = 0, square = 0;
        for (size_t i = 0; i < n; i++) {
            one[i] = fixture_normal(&r, 3), two[i] = fixture_normal(&r, 1);
            three[i] = 1.25f, four[i] = 0.5f;
            sum += (double)one[i] + (double)two[i];
        }
        for (size_t i = 0; i < n; i++)
            square += pow((double)one[i] + (double)two[i] - sum / (double)n, 2);
        em_norm job = {one, two, three, four, got, n, 1e-5f};
        level.norm(&job);
        for (size_t i = 0; i < n; i++) {
            double d = (double)one[i] + (double)two[i] - sum / (double)n;
            double truth = d / sqrt(square / (double)n + 1e-5) * 1.25 + 0.5;
            CHECK(fabs((double)got[i] - truth) < 3e-6);
        }
    }
}

/* ---- speed ---- */

#if defined(__x86_64__)
/* GFLOP/s of 12 independent chains of eight fused multiply-adds. */
__attribute__((target("avx2,fma"))) static double peak_avx2(void)
{
    __m256 a = _mm256_set1_ps(1.0f), c0 = a, c1 = a, c2 = a, c3 = a, c4 = a, c5 = a;
    __m256 c6 = a, c7 = a, c8 = a, c9 = a, c10 = a, c11 = a;
    const size_t turns = 30 * 1000 * 1000;
    double started = fixture_now();

    for (size_t t = 0; t < turns; t++)
        __asm__ volatile("vfmadd231ps %12, %12, %0; vfmadd231ps %12, %12, %1; "
                         "vfmadd231ps %12, %12, %2;"
                         "vfmadd231ps %12, %12, %3; vfmadd231ps %12, %12, %4; "
                         "vfmadd231ps %12, %12, %5;"
                         "vfmadd231ps %12, %12, %6; vfmadd231ps %12, %12, %7; "
                         "vfmadd231ps %12, %12, %8;"
                         "vfmadd231ps %12, %12, %9; vfmadd231ps %12, %12, %10;"
                         "vfmadd231ps %12, %12, %11"
                         : "+x"(c0), "+x"(c1), "+x"(c2), "+x"(c3), "+x"(c4), "+x"(c5),
                           "+x"(c6), "+x"(c7), "+x"(c8), "+x"(c9), "+x"(c10), "+x"(c11)
                         : "x"(a));
    return 12.0 * 16 * (double)turns / (fixture_now() - started) * 1e-9;
}
#endif

typedef struct gemm_size {
    size_t rows, depth, panels;
} gemm_size;

static int by_time(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : 1;
}

static void bench(double peak)
{
    static const gemm_size sizes[] = {
        {9, 384, 72},    {16, 384, 72}, {128, 384, 72}, {128, 384, 96}, {48, 1536, 24},
        {128, 1536, 24}, {24, 32, 8},   {24, 128, 2},   {9, 32, 1},     {9, 9, 2}};
    size_t most = 1 << 22;
    float *a = fixture_aligned(most * 4), *b = fixture_aligned(most * 4);
    float *c = fixture_aligned(most * 4);
    test_random r = {6};
    double took[31];

    fill(&r, ORDINARY, a, most);
    fill(&r, ORDINARY, b, most);
    for (size_t s = 0; s < EM_COUNT(sizes); s++) {
        gemm_size z = sizes[s];
        em_gemm g = {.a = a,
                     .a_stride = z.depth,
                     .b = b,
                     .c = c,
                     .c_stride = z.panels * 16,
                     .rows = z.rows,
                     .depth = z.depth,
                     .panels = z.panels};
        double flop = 2.0 * (double)(z.rows * z.depth * z.panels * 16);
        size_t times = 1 + (size_t)(2e7 / flop);
        for (size_t t = 0; t < EM_COUNT(took); t++) {
            double started = fixture_now();
            for (size_t i = 0; i < times; i++) level.gemm(&g);
            took[t] = (fixture_now() - started) / (double)times;
        }
        qsort(took, EM_COUNT(took), sizeof *took, by_time);
        double rate = flop / took[EM_COUNT(took) / 2] * 1e-9;
        printf("%s gemm %4zu x %4zu x %4zu  %8.1f us  %6.1f GFLOP/s  %3.0f %% of peak\n",
               level.level, z.rows, z.depth, z.panels * 16,
               took[EM_COUNT(took) / 2] * 1e6, rate, rate / peak * 100);
    }
    double started = fixture_now();
    for (size_t i = 0; i < 200; i++) {
        for (size_t j = 0; j < 128 * 64; j++) a[j] = b[j];
        level.gelu(a, 64, 128, 64);
    }
    printf("%s gelu %.2f ns each\n", level.level,
           (fixture_now() - started) / 200 / 8192 * 1e9);
    started = fixture_now();
    for (size_t i = 0; i < 20000; i++) {
        memcpy(a, b, 128 * sizeof *a);
        a[0] = level.softmax(a, 128, 0.177f);
    }
    printf("%s softmax of 128, %.2f ns each\n", level.level,
           (fixture_now() - started) / 20000 / 128 * 1e9);
    em_norm job = {a, b, b, b, c, 384, 1e-12f};
    started = fixture_now();
    for (size_t i = 0; i < 20000; i++) level.norm(&job);
    printf("%s norm of 384, %.2f ns each\n", level.level,
           (fixture_now() - started) / 20000 / 384 * 1e9);
}

static void check_level(unsigned cpu)
{
    em_kernels_pick(&level, cpu);
    printf("level %s: native\n", level.level);
    RUN(products_are_the_same_bits);
    RUN(norms_are_the_same_bits);
    RUN(gelu_is_the_same_bits);
    RUN(softmax_is_the_same_bits);
    RUN(gelu_is_near_the_truth);
    RUN(exp_is_near_the_truth);
    RUN(norm_is_near_the_truth);
}

int main(int argc, char **argv)
{
    bool timing = argc > 1 && strcmp(argv[1], "--bench") == 0;
    bool avx2 = (fixture_cpu() & EM_CPU_AVX2) != 0;

    em_kernels_pick(&plain, 0);
    level = plain;
    if (timing) {
        double peak = 1;
#if defined(__x86_64__)
        if (avx2) peak = peak_avx2();
        printf("peak, one core: %.1f GFLOP/s\n", peak);
#endif
        if (avx2) em_kernels_pick(&level, EM_CPU_AVX2);
        bench(peak);
        return 0;
    }
    check_level(0);
    if (avx2)
        check_level(EM_CPU_AVX2);
    else
        test_skip("level avx2", "this processor has no AVX2 and FMA");
    if (fixture_cpu() & EM_CPU_AVX512)
        check_level(EM_CPU_AVX2 | EM_CPU_AVX512);
    else
        test_skip("level avx512", "this processor has no AVX-512 with VNNI");
    return test_end();
}
