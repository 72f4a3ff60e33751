/* The two halves of quantising a matrix: multipliers and loose columns (smooth.h), bytes
 * (quantize.h). */
#include "tools/quantize.h"
#include "os/cpu.h"
#include "os/jobs.h"
#include "tests/support/test.h"
#include "tools/smooth.h"

#include <float.h>
#include <math.h>

enum { ROWS = 37, COLS = 75, TOKENS = 600, LOOSE = 4 };

static float w[ROWS * COLS], x[TOKENS * COLS], share[TOKENS], in[COLS];
static double sums[COLS * COLS];
static int8_t bytes[ROWS * COLS];
static float scale[ROWS];
static int32_t sum[ROWS], loose[LOOSE];

/* Between -1 and 1, in steps that every compiler makes alike. */
static float number(test_random *r)
{
    return (float)((int32_t)(test_random_next(r) >> 40) - (1 << 23)) / (float)(1 << 23);
}

/* Columns of x that go together, as activations do. */
static void fill(uint64_t seed)
{
    test_random r = {seed};
    float mix[5][COLS];

    for (size_t i = 0; i < 5 * COLS; i++) mix[i / COLS][i % COLS] = number(&r);
    for (size_t i = 0; i < ROWS * COLS; i++) w[i] = number(&r);
    for (size_t t = 0; t < TOKENS; t++) {
        share[t] = 1.0f / TOKENS;
        for (size_t k = 0; k < COLS; k++) x[t * COLS + k] = 0.2f * number(&r);
        for (size_t m = 0; m < 5; m++) {
            float much = number(&r);
            for (size_t k = 0; k < COLS; k++) x[t * COLS + k] += much * mix[m][k];
        }
    }
    for (size_t k = 0; k < COLS; k++) in[k] = 1;
    memset(sums, 0, sizeof sums);
}

static em_err gather(unsigned cpu, em_jobs *jobs)
{
    em_kernels kernels;

    em_kernels_pick(&kernels, cpu);
    return em_quantize_gather(&kernels, jobs, x, share, TOKENS, COLS, sums);
}

static em_err round_all(em_jobs *jobs)
{
    return em_quantize_round(&(em_quantize_matrix){w, ROWS, COLS, in, sums}, jobs, bytes,
                             scale, sum);
}

/* What is promised of any result. */
static void check_bytes(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        int32_t s = 0;
        for (size_t k = 0; k < COLS; k++) {
            s += bytes[i * COLS + k];
            CHECK(bytes[i * COLS + k] >= -127 && (in[k] > 0 || bytes[i * COLS + k] == 0));
        }
        CHECK(s == sum[i]);
        CHECK(scale[i] > 0 && scale[i] <= FLT_MAX);
    }
}

/* e H e' of row i, where a weight k is off by e[k]. */
static double loss(const double e[COLS])
{
    double all = 0;

    for (size_t a = 0; a < COLS; a++)
        for (size_t b = 0; b < COLS; b++)
            all += e[a] * e[b] * (a >= b ? sums[a * COLS + b] : sums[b * COLS + a]);
    return all;
}

static void sums_are_those_of_doubles(void)
{
    em_jobs jobs = em_jobs_inline();

    fill(1);
    for (size_t t = 0; t < TOKENS; t++) share[t] = (float)(t % 3) / TOKENS;
    for (size_t k = 1; k < COLS; k++) sums[k] = 7; /* above the diagonal: not touched */
    CHECK_OK(gather(em_cpu_detect(), &jobs));
    for (size_t a = 0; a < COLS; a++) {
        for (size_t b = 0; b <= a; b++) {
            double want = 0;
            for (size_t t = 0; t < TOKENS; t++)
                want +=
                    (double)share[t] * (double)x[t * COLS + a] * (double)x[t * COLS + b];
            CHECK(fabs(sums[a * COLS + b] - want) < 1e-6);
        }
        if (a > 0) CHECK(sums[a] == 7);
    }
}

static void where_no_column_matters_to_another_rounding_is_plain(void)
{
    em_jobs jobs = em_jobs_inline();

    fill(2);
    for (size_t k = 0; k < COLS; k++) sums[k * COLS + k] = (double)k + 1;
    CHECK_OK(round_all(&jobs));
    check_bytes();
    for (size_t i = 0; i < ROWS * COLS; i++) {
        double off = (double)bytes[i] * (double)scale[i / COLS] - (double)w[i];
        CHECK(fabs(off) <= (double)scale[i / COLS] * 0.500001);
    }
}

static void rounding_in_turn_loses_less_than_plain_rounding(void)
{
    double plain = 0, turn = 0, e[COLS], p[COLS];
    em_jobs jobs = em_jobs_inline();

    for (uint64_t seed = 3; seed < 8; seed++) {
        fill(seed);
        CHECK_OK(gather(0, &jobs));
        CHECK_OK(round_all(&jobs));
        check_bytes();
        for (size_t i = 0; i < ROWS; i++) {
            for (size_t k = 0; k < COLS; k++) {
                double s = (double)scale[i], want = (double)w[i * COLS + k];
                e[k] = (double)bytes[i * COLS + k] * s - want;
                p[k] = nearbyint(want / s) * s - want;
            }
            plain += loss(p), turn += loss(e);
        }
        test_note("seed %llu: %g against %g", (unsigned long long)seed, turn, plain);
        CHECK(turn < 0.7 * plain);
    }
    printf("  %.3g of what plain rounding loses\n", turn / plain);
}

/* FNV-1a, so that every compiler's and level's bytes are held to the same ones. */
static uint64_t digest(void)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < sizeof bytes; i++)
        h = (h ^ (uint8_t)bytes[i]) * 0x100000001b3u;
    for (size_t i = 0; i < sizeof scale; i++)
        h = (h ^ ((const uint8_t *)scale)[i]) * 0x100000001b3u;
    for (size_t i = 0; i < sizeof in; i++)
        h = (h ^ ((const uint8_t *)in)[i]) * 0x100000001b3u;
    return h;
}

static void all_of_it(unsigned cpu, em_jobs *jobs)
{
    const em_smooth s = {w, ROWS, COLS, x, COLS, TOKENS, share, LOOSE};

    fill(9);
    CHECK_OK(em_smooth_find(&s, jobs, in, loose));
    CHECK_OK(gather(cpu, jobs));
    CHECK_OK(round_all(jobs));
    check_bytes();
}

static void bytes_are_the_same_everywhere(void)
{
    EM_DROP(em_jobs_pool) pool = {0};
    em_jobs jobs = em_jobs_inline();

    all_of_it(0, &jobs);
    uint64_t first = digest();
    CHECK_OK(em_jobs_create(3, &pool));
    all_of_it(em_cpu_detect(), em_jobs_of(&pool));
    CHECK(digest() == first);
    test_note("0x%016llx", (unsigned long long)first);
    CHECK(first == 0xe3d68e79ffeb7317u); /* of every compiler */
}

/* ---- multipliers ---- */

/* The noise of bytes, as smooth.c weighs it, with some multipliers. */
static double noise(const float *by)
{
    double ranges = 0, gains = 0, reach = 0, powers = 0;

    for (size_t t = 0; t < TOKENS; t++) {
        double low = 0, high = 0;
        for (size_t k = 0; k < COLS; k++) {
            double y = (double)x[t * COLS + k] * (double)by[k];
            low = fmin(low, y), high = fmax(high, y);
            powers += (double)share[t] * y * y;
        }
        ranges += (double)share[t] * (high - low) * (high - low);
    }
    for (size_t i = 0; i < ROWS; i++) {
        double most = 0;
        for (size_t k = 0; k < COLS; k++) {
            double y = by[k] > 0 ? (double)w[i * COLS + k] / (double)by[k] : 0;
            most = fmax(most, fabs(y));
            gains += y * y;
        }
        reach += most * most;
    }
    return ranges * gains / (255 * 255) + reach * powers / (127 * 127);
}

static void check_multipliers(void)
{
    size_t zeros = 0;

    for (size_t k = 0; k < COLS; k++) {
        CHECK(in[k] >= 0 && in[k] <= FLT_MAX);
        zeros += in[k] == 0;
    }
    CHECK(zeros == LOOSE);
    for (size_t r = 0; r < LOOSE; r++) {
        CHECK(loose[r] >= 0 && loose[r] < COLS && in[loose[r]] == 0);
        if (r > 0) CHECK(loose[r] > loose[r - 1]);
    }
}

static void what_stands_out_is_loose_and_the_rest_shares_the_steps(void)
{
    const size_t out[] = {3, 17, 40, 74};
    const em_smooth s = {w, ROWS, COLS, x, COLS, TOKENS, share, LOOSE};
    em_jobs jobs = em_jobs_inline();
    float ones[COLS];

    fill(10);
    for (size_t t = 0; t < TOKENS; t++) {
        for (size_t r = 0; r < LOOSE; r++) x[t * COLS + out[r]] *= t % 7 == r ? 300 : 1;
        for (size_t k = 0; k < COLS; k++) x[t * COLS + k] *= (float)(1 + k % 9);
    }
    CHECK_OK(em_smooth_find(&s, &jobs, in, loose));
    check_multipliers();
    for (size_t r = 0; r < LOOSE; r++) CHECK((size_t)loose[r] == out[r]);
    for (size_t k = 0; k < COLS; k++) ones[k] = in[k] > 0;
    test_note("%g against %g", noise(in), noise(ones));
    CHECK(noise(in) < 0.8 * noise(ones));
}

static void any_numbers_give_usable_ones(void)
{
    const em_smooth s = {w, ROWS, COLS, x, COLS, TOKENS, share, LOOSE};
    em_jobs jobs = em_jobs_inline();

    for (unsigned kind = 0; kind < 9; kind++) {
        test_note("kind %u", kind);
        fill(20 + kind);
        for (size_t i = 0; i < ROWS * COLS; i++) {
            if (kind == 0 || (kind == 1 && i / COLS % 2 == 0)) w[i] = 0;
            if (kind == 2) w[i] *= FLT_MAX;
            if (kind == 3) w[i] *= FLT_TRUE_MIN * 100;
        }
        for (size_t i = 0; i < TOKENS * COLS; i++) {
            if (kind == 4 || (kind == 5 && i % COLS % 2 == 0)) x[i] = 0;
            if (kind == 6) x[i] *= FLT_TRUE_MIN * 100;
            if (kind == 7) x[i] *= 1e18f;
            if (kind == 8) x[i] = i % COLS == 11 ? 1e18f : 0;
        }
        CHECK_OK(em_smooth_find(&s, &jobs, in, loose));
        check_multipliers();
        CHECK_OK(gather(em_cpu_detect(), &jobs));
        CHECK_OK(round_all(&jobs));
        check_bytes();
        for (size_t i = 0; kind < 2 && i < ROWS * COLS; i++)
            if (w[i] == 0 && i / COLS % 2 == 0) CHECK(bytes[i] == 0);
    }
}

static void there_must_be_a_column_that_is_not_loose(void)
{
    em_smooth s = {w, ROWS, LOOSE, x, LOOSE, TOKENS, share, LOOSE};
    em_jobs jobs = em_jobs_inline();

    fill(30);
    CHECK_ERR(em_smooth_find(&s, &jobs, in, loose), EM_ERR_ARGUMENT);
    s.cols = COLS, s.loose = EM_SMOOTH_MAX_LOOSE + 1;
    CHECK_ERR(em_smooth_find(&s, &jobs, in, loose), EM_ERR_ARGUMENT);
    s.loose = 0;
    CHECK_OK(em_smooth_find(&s, &jobs, in, loose));
    for (size_t k = 0; k < COLS; k++) CHECK(in[k] > 0);
}

int main(void)
{
    RUN(sums_are_those_of_doubles);
    RUN(where_no_column_matters_to_another_rounding_is_plain);
    RUN(rounding_in_turn_loses_less_than_plain_rounding);
    RUN(what_stands_out_is_loose_and_the_rest_shares_the_steps);
    RUN(any_numbers_give_usable_ones);
    RUN(there_must_be_a_column_that_is_not_loose);
    RUN(bytes_are_the_same_everywhere);
    return test_end();
}
