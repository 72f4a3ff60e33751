/* The way from the processor to the kernels: what os/ detects and engine/ picks for it is
 * what the processor, asked in another way, has, and every slot of it can be executed.
 * `level NAME` says which it must be (tests/system/isa.sh, under emulators). */
#include "base/cpu.h"
#include "engine/kernels.h"
#include "os/cpu.h"
#include "tests/engine/fixture.h"

enum { ROWS = 7, DEPTH = 22, DEEP = 24, COLS = 2 * EM_LANES };

typedef struct results {
    float gemm[ROWS * COLS], bf16[ROWS * COLS], int8[ROWS * COLS];
    float norm[COLS], gelu[COLS], softmax[COLS], inverse;
    uint8_t quantized[ROWS * DEEP];
    em_quant row[ROWS];
} results;

/* Something through every slot. */
static void run(const em_kernels *k, results *r)
{
    static float a[ROWS * DEPTH], b[DEPTH * COLS], one[COLS], zero[COLS];
    static uint16_t half[DEPTH * COLS];
    static int8_t bytes[DEEP * COLS];
    static int32_t sum[COLS];
    _Static_assert(EM_COUNT(b) >= 2 * EM_LOOSE * EM_LANES, "b serves as loose too");
    test_random random = {1};

    for (size_t i = 0; i < EM_COUNT(a); i++) a[i] = fixture_normal(&random, 1);
    for (size_t i = 0; i < EM_COUNT(b); i++) b[i] = fixture_normal(&random, 1);
    for (size_t i = 0; i < EM_COUNT(half); i++) half[i] = (uint16_t)(0x3F00 + i % 99);
    test_random_fill(&random, bytes, sizeof bytes);
    for (size_t i = 0; i < COLS; i++) one[i] = 1.0f, sum[i] = (int32_t)i;

    memset(r, 0, sizeof *r);
    em_gemm g = {a, DEPTH, b, NULL, r->gemm, COLS, ROWS, DEPTH, 2, NULL};
    k->gemm(&g);
    g.b = half, g.c = r->bf16;
    k->gemm_bf16(&g);
    for (size_t i = 0; i < ROWS; i++)
        r->row[i] = k->quantize(
            &(em_quantize){a + i * DEPTH, one, r->quantized + i * DEEP, DEPTH});
    k->gemm_int8(&(em_gemm_int8){.a = r->quantized,
                                 .a_stride = DEEP,
                                 .row = r->row,
                                 .b = bytes,
                                 .scale = one,
                                 .bias = zero,
                                 .sum = sum,
                                 .loose = b,
                                 .c = r->int8,
                                 .c_stride = COLS,
                                 .rows = ROWS,
                                 .depth = DEPTH,
                                 .panels = 2});
    k->norm(&(em_norm){r->gemm, r->bf16, one, zero, r->norm, COLS, 1e-5f});
    memcpy(r->gelu, r->gemm, sizeof r->gelu);
    k->gelu(r->gelu, COLS, 1, COLS - 1);
    memcpy(r->softmax, r->gemm, sizeof r->softmax);
    k->softmax(r->softmax, COLS, 1, COLS - 1, 0.5f, &r->inverse);
}

static const char *wanted;

static void dispatch_finds_what_the_processor_has(void)
{
    static results plain, got;
    em_kernels k;

    CHECK(em_cpu_detect() == fixture_cpu());
    em_kernels_pick(&k, 0);
    CHECK(strcmp(k.level, "scalar") == 0);
    run(&k, &plain);
    em_kernels_pick(&k, em_cpu_detect());
    printf("dispatch: %s\n", k.level);
    test_note("picked %s", k.level);
    CHECK(wanted == NULL || strcmp(k.level, wanted) == 0);
    run(&k, &got);
    CHECK(memcmp(&plain, &got, sizeof got) == 0);
}

int main(int argc, char **argv)
{
    if (argc > 1) wanted = argv[1];
    RUN(dispatch_finds_what_the_processor_has);
    return test_end();
}
