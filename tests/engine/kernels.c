/* Every slot of every level against plain C, to the bit; `--bench` times them instead. */
#include "tests/engine/edge.h"
#include "tests/engine/fixture.h"
#include "tests/engine/kernels_bench.h"
#include "tests/engine/values.h"

#include <math.h>

static em_kernels plain, level; /* level: the one under test */

/* ---- operands at the edge of what may be touched ---- */

typedef enum operand { A, B, SCALE, BIAS, SUM, LOOSE, ROW, GOT, WANT, OPERANDS } operand;
typedef enum lie { AT_END, AT_START, SKEWED, LIES } lie;

static edge room[OPERANDS];
static lie lying; /* of this check's operands, but WANT */

/* --roomy, for an emulator that reads the lanes which a mask leaves out (qemu-user 7.2
 * does for VMASKMOVPS, against the instruction's definition): nothing at the edge. */
static bool roomy;

static void new_lie(test_random *r)
{
    lying = (lie)(test_random_next(r) % LIES);
    if (roomy && lying == AT_END) lying = SKEWED;
}

/* n floats, or anything else of four bytes; behind them 16 more unless they end where
 * nothing can be touched. */
static void *put(operand o, size_t n)
{
    if (o == WANT || lying == SKEWED)
        return (float *)edge_place(&room[o], 4 * n, false) + 1;
    return edge_place(&room[o], 4 * n, lying == AT_END);
}

static uint8_t *put_bytes(operand o, size_t n)
{
    uint8_t *at = edge_place(&room[o], n, lying == AT_END);
    return lying == SKEWED ? at + 3 : at;
}

static float *put_filled(test_random *r, kind k, operand o, size_t n)
{
    float *at = put(o, n);
    fill(r, k, at, n);
    return at;
}

/* How many floats of an output of n are looked at: also some behind it. */
static size_t seen(size_t n)
{
    return lying == AT_END ? n : n + 16;
}

/* --quick, for emulators: one in so many of the long walks through the floats, and of the
 * taller products those with every height of a tile still among them. */
static uint32_t every = 1;

static size_t step(size_t rows)
{
    return every > 1 && rows >= 16 ? 5 : 1;
}

/* ---- bit for bit ---- */

/* Both outputs begin alike, so that what a kernel leaves alone is equal. */
static void outputs(test_random *r, kind k, size_t n, float **ret_got, float **ret_want)
{
    *ret_got = put(GOT, n);
    *ret_want = put(WANT, n);
    fill(r, k, *ret_want, seen(n));
    memcpy(*ret_got, *ret_want, seen(n) * sizeof(float));
}

static void check_gemm(test_random *r, kind k, size_t rows, size_t depth, size_t panels)
{
    new_lie(r);
    size_t cols = panels * EM_LANES, weights = depth * cols;
    size_t a_stride = depth + test_random_next(r) % 3;
    size_t c_stride = cols + test_random_next(r) % 5;
    size_t n = (rows - 1) * c_stride + cols;
    bool bias = test_random_next(r) % 4 != 0;
    float *got, *want;
    em_gemm g = {.a = put_filled(r, k, A, (rows - 1) * a_stride + depth),
                 .a_stride = a_stride,
                 .bias = bias ? put_filled(r, k, BIAS, cols) : NULL,
                 .c_stride = c_stride,
                 .rows = rows,
                 .depth = depth,
                 .panels = panels,
                 .next = test_random_next(r) % 2 ? edge_beyond(&room[B]) : NULL};

    if (k == INFINITE) k = ORDINARY;
    g.b = put_filled(r, k, B, weights);
    outputs(r, ORDINARY, n, &got, &want);
    g.c = want;
    plain.gemm(&g);
    g.c = got;
    level.gemm(&g);
    test_note("kind %d, lie %d, %zu rows, depth %zu, %zu panels", k, lying, rows, depth,
              panels);
    CHECK(same(got, want, seen(n)));

    /* halves: as plain C does it, and as the product of the floats they stand for */
    uint16_t *halves = put(B, weights / 2);
    float *wide = put(SCALE, weights);
    for (size_t i = 0; i < weights; i++) {
        wide[i] = of_bits(bits_of(value(r, k)) & 0xFFFF0000u);
        halves[i] = (uint16_t)(bits_of(wide[i]) >> 16);
    }
    outputs(r, ORDINARY, n, &got, &want);
    g.b = wide, g.c = want;
    plain.gemm(&g);
    g.b = halves, g.c = got;
    level.gemm_bf16(&g);
    CHECK(same(got, want, seen(n)));
    fill(r, ORDINARY, got, seen(n)), memcpy(want, got, seen(n) * sizeof *got);
    g.c = want;
    plain.gemm_bf16(&g);
    g.c = got;
    level.gemm_bf16(&g);
    CHECK(same(got, want, seen(n)));
}

static void products_are_the_same_bits(void)
{
    test_random r = {1};

    for (kind k = ORDINARY; k < KINDS; k++) {
        for (size_t rows = 1; rows <= 40; rows += step(rows))
            for (size_t depth = rows % 3; depth <= 20; depth += 2 + depth / 3)
                check_gemm(&r, k, rows, depth, 1 + (rows + depth) % 5);
        check_gemm(&r, k, 47, 33, 2);
        check_gemm(&r, k, 7, 1536, 1);
        check_gemm(&r, k, 9, 384, 5);
    }
}

typedef enum bytes_of { ANY_BYTES, MOST, LEAST, FEW_BYTES, BYTES_OF } bytes_of;

static uint8_t byte_of(test_random *r, bytes_of k, uint8_t most, uint8_t least)
{
    uint8_t any = (uint8_t)test_random_next(r);

    if (k == MOST) return most;
    if (k == LEAST) return least;
    return k == FEW_BYTES ? (any & 1 ? most : least) : any;
}

static void check_int8(test_random *r, bytes_of k, size_t rows, size_t depth,
                       size_t panels)
{
    new_lie(r);
    size_t cols = panels * EM_LANES, deep = (depth + EM_FOURS - 1) / EM_FOURS * EM_FOURS;
    size_t a_stride = deep + test_random_next(r) % 5;
    size_t c_stride = cols + test_random_next(r) % 5;
    size_t a_len = (rows - 1) * a_stride + deep, n = (rows - 1) * c_stride + cols;
    uint8_t *a = put_bytes(A, a_len), *b = put_bytes(B, deep * cols);
    em_quant *row = put(ROW, sizeof *row / sizeof(float) * rows);
    int32_t *sum = put(SUM, cols);
    float *loose = put_filled(r, ORDINARY, LOOSE, cols * EM_LOOSE);
    float *got, *want;

    memset(a, 0, a_len);
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < depth; j++)
            a[i * a_stride + j] = byte_of(r, k, 255, (uint8_t)(i % 2));
        row[i].zero = byte_of(r, k, 255, 0);
        row[i].scale = value(r, test_random_next(r) % 9 == 0 ? ANY_BITS : ORDINARY);
        fill(r, ORDINARY, row[i].loose, EM_LOOSE);
    }
    /* what stands behind the depth meets zeros; it need not be zero itself */
    for (size_t i = 0; i < deep * cols; i++) b[i] = byte_of(r, k, 0x80, 0x7F);
    for (size_t j = 0; j < cols; j++)
        sum[j] =
            k == ANY_BYTES ? (int32_t)(uint32_t)test_random_next(r) : (int32_t)j * 77;
    em_gemm_int8 g = {.a = a,
                      .a_stride = a_stride,
                      .row = row,
                      .b = (const int8_t *)b,
                      .scale = put_filled(r, ORDINARY, SCALE, cols),
                      .bias = put_filled(r, ORDINARY, BIAS, cols),
                      .sum = sum,
                      .loose = loose,
                      .c_stride = c_stride,
                      .rows = rows,
                      .depth = depth,
                      .panels = panels,
                      .next = test_random_next(r) % 2 ? edge_beyond(&room[B]) : NULL};
    outputs(r, ORDINARY, n, &got, &want);
    g.c = want;
    plain.gemm_int8(&g);
    g.c = got;
    level.gemm_int8(&g);
    test_note("bytes %d, lie %d, %zu rows, depth %zu, %zu panels", k, lying, rows, depth,
              panels);
    CHECK(same(got, want, seen(n)));
}

static void integer_products_are_the_same_bits(void)
{
    test_random r = {7};

    for (bytes_of k = ANY_BYTES; k < BYTES_OF; k++) {
        for (size_t rows = 1; rows <= 40; rows += step(rows))
            for (size_t depth = rows % 4; depth <= 70; depth += 1 + depth / 2)
                check_int8(&r, k, rows, depth, 1 + (rows + depth) % 5);
        check_int8(&r, k, 47, 33, 2);
        check_int8(&r, k, 9, 1536, 3);
        check_int8(&r, k, 13, 4095, 2);
        check_int8(&r, k, 3, 70001, 2); /* beyond 2^31 where all are greatest */
        check_int8(&r, k, 13, 66049, 1);
    }
}

static void check_quantize(test_random *r, kind k, size_t n)
{
    new_lie(r);
    static uint8_t want[4096];
    size_t up = (n + EM_FOURS - 1) / EM_FOURS * EM_FOURS;
    size_t looked_at = lying == AT_END ? up : up + 16;
    uint8_t *got = put_bytes(GOT, up);
    em_quantize q = {.x = put_filled(r, k, A, n),
                     .by = put_filled(r, k == INFINITE ? ORDINARY : k, B, n),
                     .n = n};

    for (size_t i = 0; i < looked_at; i++) got[i] = want[i] = (uint8_t)(i * 7 + 1);
    q.out = want;
    em_quant a = plain.quantize(&q);
    q.out = got;
    em_quant b = level.quantize(&q);
    test_note("kind %d, lie %d, n %zu", k, lying, n);
    CHECK(bits_of(a.scale) == bits_of(b.scale) && a.zero == b.zero);
    CHECK(memcmp(got, want, looked_at) == 0);
}

static void rows_are_quantized_to_the_same_bits(void)
{
    test_random r = {8};

    for (kind k = ORDINARY; k < KINDS; k++)
        for (size_t n = 1; n <= 1600; n += n < 140 ? 1 : 37)
            for (size_t turn = 0; turn < 3; turn++) check_quantize(&r, k, n);
}

/* One of n numbers decides: each place, each kind of number that is none. */
static void one_spoilt_number_spoils_its_row(void)
{
    static const uint32_t odd[] = {0x7F800000u, 0xFF800000u, 0x7FC00000u, 0xFFC12345u};
    static float x[80], by[80];
    static uint8_t got[80];

    for (size_t n = 1; n <= 70; n++)
        for (size_t at = 0; at < n; at++) {
            for (size_t i = 0; i < n; i++) x[i] = (float)i - 9.5f, by[i] = 1.0f;
            x[at] = of_bits(odd[(n + at) % EM_COUNT(odd)]);
            em_quant row = level.quantize(&(em_quantize){x, by, got, n});
            CHECK(bits_of(row.scale) == 0x7FC00000u && row.zero == 0);
            for (size_t i = 0; i < n; i++) CHECK(got[i] == 0);
        }
}

/* Around the range below which a row counts as zeros, and of one sign only. */
static void ranges_at_the_limits_are_the_same_bits(void)
{
    static const float least[] = {0x1p-100f, 0x1.fffffep-101f, 0x1p-99f, 0x1p-126f,
                                  0x1p-149f, 0x1.fffffep127f,  1.0f,     0.0f};
    float x[5], one[5] = {1, 1, 1, 1, 1};
    uint8_t got[8], want[8];

    for (size_t i = 0; i < EM_COUNT(least); i++)
        for (int sign = 0; sign < 4; sign++) {
            for (size_t k = 0; k < 5; k++)
                x[k] = ((sign >> k % 2 & 1) ? -least[i] : least[i]) * (k < 2 ? 1 : 0.37f);
            em_quant a = plain.quantize(&(em_quantize){x, one, want, 5});
            em_quant b = level.quantize(&(em_quantize){x, one, got, 5});
            test_note("range %a, signs %d", (double)least[i], sign);
            CHECK(bits_of(a.scale) == bits_of(b.scale) && a.zero == b.zero);
            CHECK(memcmp(got, want, 8) == 0);
        }
}

static void check_norm(test_random *r, kind k, size_t n)
{
    new_lie(r);
    float *got, *want;
    em_norm job = {.x = put_filled(r, k, A, n),
                   .add = put_filled(r, k, B, n),
                   .weight = put_filled(r, ORDINARY, SCALE, n),
                   .bias = put_filled(r, k, BIAS, n),
                   .n = n,
                   .eps = 1e-12f};

    outputs(r, ORDINARY, n, &got, &want);
    job.out = want;
    plain.norm(&job);
    job.out = got;
    level.norm(&job);
    test_note("kind %d, lie %d, n %zu", k, lying, n);
    CHECK(same(got, want, seen(n)));
    memcpy(got, job.x, n * sizeof *got); /* in place */
    job.x = got;
    level.norm(&job);
    CHECK(same(got, want, n));
}

static void norms_are_the_same_bits(void)
{
    test_random r = {2};

    for (kind k = ORDINARY; k < KINDS; k++)
        for (size_t n = 1; n <= 400; n += n < 70 ? 1 : 37) check_norm(&r, k, n);
}

static void gelu_is_the_same_bits(void)
{
    test_random r = {3};
    float *got, *want;

    for (kind k = ORDINARY; k < KINDS; k++)
        for (size_t cols = 1; cols <= 70; cols++) {
            size_t rows = 1 + cols % 4, stride = cols + cols % 3;
            size_t n = (rows - 1) * stride + cols;
            new_lie(&r);
            outputs(&r, k, n, &got, &want);
            plain.gelu(want, stride, rows, cols);
            level.gelu(got, stride, rows, cols);
            test_note("kind %d, lie %d, cols %zu", k, lying, cols);
            CHECK(same(got, want, seen(n)));
        }
    got = put(GOT, 4096), want = put(WANT, 4096);
    /* 4096 floats a turn, all exponents */
    for (uint32_t i = 0; i < 1u << 22; i += 4096 * every) {
        for (uint32_t j = 0; j < 4096; j++) want[j] = of_bits((i + j) * 1021u);
        memcpy(got, want, 4096 * sizeof *got);
        plain.gelu(want, 4096, 1, 4096);
        level.gelu(got, 4096, 1, 4096);
        CHECK(same(got, want, 4096));
    }
}

static void softmax_is_the_same_bits(void)
{
    enum { MOST_ROWS = 9 };
    static const float scales[] = {1.0f, 0.17677669f, 0.125f, 3.0f};
    test_random r = {4};
    float *got, *want;

    for (kind k = ORDINARY; k < KINDS; k++)
        for (size_t n = 1; n <= 600; n += n < 70 ? 1 : 41) {
            float scale = scales[test_random_next(&r) % 4];
            new_lie(&r);
            size_t rows = 1 + test_random_next(&r) % MOST_ROWS;
            size_t stride = n + test_random_next(&r) % 3, all = (rows - 1) * stride + n;
            float a[MOST_ROWS], b[MOST_ROWS];
            outputs(&r, k, all, &got, &want);
            plain.softmax(want, stride, rows, n, scale, a);
            level.softmax(got, stride, rows, n, scale, b);
            test_note("kind %d, lie %d, %zu rows, n %zu", k, lying, rows, n);
            CHECK(same(got, want, seen(all)));
            CHECK(same(a, b, rows));
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

    for (uint32_t i = 0; i < 1u << 20; i += every) {
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

    for (uint32_t i = 0; i < 1u << 20; i += every) {
        float pair[2] = {0, -87.0f * (float)i / (float)(1u << 20)};
        float x = pair[1], inverse;

        level.softmax(pair, 2, 1, 2, 1.0f, &inverse);
        double off = ulps(pair[1], exp((double)x));
        if (off > worst) worst = off, test_note("x = %a", (double)x);
        CHECK(off <= 1.5 && pair[0] == 1.0f && inverse == 1.0f / (1.0f + pair[1]));
    }
    float pair[2] = {0, -87.1f}, inverse;
    level.softmax(pair, 2, 1, 2, 1.0f, &inverse);
    CHECK(inverse == 1.0f && bits_of(pair[1]) == 0);
    printf("exp: %.2f places at most\n", worst);
}

static void norm_is_near_the_truth(void)
{
    static float one[800], two[800], three[800], four[800], got[800];
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

/* What bytes and sums stand for, in doubles: a row's numbers to half a step, a product to
 * the rounding of its last operations. */
static void quantized_products_are_near_the_truth(void)
{
    enum { ROWS = 5, DEPTH = 387, DEEP = 388 };
    static float x[DEPTH], by[DEPTH], scale[EM_LANES], bias[EM_LANES];
    static float c[ROWS * EM_LANES];
    static uint8_t a[ROWS * DEEP];
    static int8_t b[DEEP * EM_LANES];
    static float loose[EM_LOOSE * EM_LANES];
    int32_t sum[EM_LANES] = {0};
    em_quant row[ROWS];
    test_random r = {9};

    for (size_t k = 0; k < DEPTH; k++)
        for (size_t j = 0; j < EM_LANES; j++) {
            int8_t w = (int8_t)test_random_next(&r);
            b[k / 4 * 4 * EM_LANES + j * 4 + k % 4] = w;
            sum[j] += w;
        }
    for (size_t j = 0; j < EM_LANES; j++)
        scale[j] = 0.01f + 0.001f * (float)j, bias[j] = (float)j - 8;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k < DEPTH; k++) {
            x[k] = fixture_normal(&r, 2) + (float)i;
            by[k] = 0.5f + (float)(k % 7);
        }
        row[i] = level.quantize(&(em_quantize){x, by, a + i * DEEP, DEPTH});
        for (size_t k = 0; k < DEPTH; k++) {
            double y = (double)x[k] * (double)by[k];
            double stands_for = (a[i * DEEP + k] - row[i].zero) * (double)row[i].scale;
            CHECK(fabs(y - stands_for) < (double)row[i].scale * 1.01);
        }
    }
    level.gemm_int8(&(em_gemm_int8){.a = a,
                                    .a_stride = DEEP,
                                    .row = row,
                                    .b = b,
                                    .scale = scale,
                                    .bias = bias,
                                    .sum = sum,
                                    .loose = loose,
                                    .c = c,
                                    .c_stride = EM_LANES,
                                    .rows = ROWS,
                                    .depth = DEPTH,
                                    .panels = 1});
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < EM_LANES; j++) {
            double truth = 0;
            for (size_t k = 0; k < DEPTH; k++)
                truth += (double)(a[i * DEEP + k] - row[i].zero) * (double)row[i].scale *
                         (double)b[k / 4 * 4 * EM_LANES + j * 4 + k % 4] *
                         (double)scale[j];
            CHECK(fabs((double)c[i * EM_LANES + j] - truth - (double)bias[j]) <
                  1e-5 * (1 + fabs(truth)));
        }
}

/* ---- the levels ---- */

static void check_level(void)
{
    RUN(products_are_the_same_bits);
    RUN(integer_products_are_the_same_bits);
    RUN(rows_are_quantized_to_the_same_bits);
    RUN(one_spoilt_number_spoils_its_row);
    RUN(ranges_at_the_limits_are_the_same_bits);
    RUN(norms_are_the_same_bits);
    RUN(gelu_is_the_same_bits);
    RUN(softmax_is_the_same_bits);
    RUN(gelu_is_near_the_truth);
    RUN(exp_is_near_the_truth);
    RUN(norm_is_near_the_truth);
    RUN(quantized_products_are_near_the_truth);
}

typedef struct level_row {
    const char *name;
    unsigned cpu; /* bits that it is picked by */
    const char *lacking;
} level_row;

static const level_row levels[] = {
    {"scalar", 0, ""},
#if defined(__x86_64__)
    {"avx2", EM_CPU_AVX2, "this processor has no AVX2 and FMA"},
    {"avx512", EM_CPU_AVX2 | EM_CPU_AVX512,
     "this processor has no AVX-512 with BW, VL, DQ and VNNI"},
#elif defined(__aarch64__)
    {"neon", EM_CPU_NEON, "this processor has no NEON"},
    {"sdot", EM_CPU_NEON | EM_CPU_SDOT, "this processor has no SDOT"},
#endif
};

/* kernels [--level NAME] [--quick] [--roomy] [--as WHERE] [--bench]: all levels, or one
 * (which an emulator can have that this machine has not); --list names them. */
int main(int argc, char **argv)
{
    const char *only = NULL, *as = "native";
    bool timing = false, known = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--bench") == 0) timing = true;
        if (strcmp(argv[i], "--quick") == 0) every = 61;
        if (strcmp(argv[i], "--roomy") == 0) roomy = true;
        if (strcmp(argv[i], "--as") == 0 && i + 1 < argc) as = argv[++i];
        if (strcmp(argv[i], "--level") == 0 && i + 1 < argc) only = argv[++i];
        if (strcmp(argv[i], "--list") != 0) continue;
        for (size_t l = 0; l < EM_COUNT(levels); l++) puts(levels[l].name);
        return 0;
    }
    em_kernels_pick(&plain, 0);
    for (size_t o = 0; o < OPERANDS; o++) room[o] = edge_map(3 << 20);
    for (size_t l = 0; l < EM_COUNT(levels); l++) {
        if (only != NULL && strcmp(only, levels[l].name) != 0) continue;
        known = true;
        em_kernels_pick(&level, levels[l].cpu);
        if ((fixture_cpu() & levels[l].cpu) != levels[l].cpu) {
            printf("level %s: not run, %s\n", levels[l].name, levels[l].lacking);
            test_skip(levels[l].name, "%s", levels[l].lacking);
        } else if (timing) {
            bench_level(&level, levels[l].cpu);
        } else {
            printf("level %s: %s\n", levels[l].name, as);
            CHECK(strcmp(level.level, levels[l].name) == 0);
            check_level();
        }
    }
    if (!known) fprintf(stderr, "no level %s: --list names them\n", only);
    return known ? test_end() : 2;
}
