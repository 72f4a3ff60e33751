/* encoder pack FOLDER f32|bf16|int8 FILE
 * encoder serve FILE THREADS [avx2|scalar]
 *
 * Our side of make bench-encoder.  `pack` writes a model folder as an image that `serve`
 * reads back at once; `serve` answers lines, as every peer's process does
 * (bench/encoder/side.py):
 *     use PATH TOKENS TEXTS    ids to embed: u32 little-endian, TEXTS rows of TOKENS
 *     run TIMES                "ns A B ...", one number a run, after a warm-up
 *     once                     the same of one run, without
 *     out                      "out HEX": the vectors of the last run, f32 little-endian
 * A file holds one machine's structures as they lie in memory: nothing to keep. */
#include "bench/bench.h"
#include "engine/bert.h"
#include "os/cpu.h"
#include "os/jobs.h"
#include "os/map.h"
#include "tools/pack.h"

#include <errno.h>
#include <inttypes.h>

typedef struct tensor_name {
    char at[32];
} tensor_name;

/* ---- packing ---- */

static void write_all(FILE *f, const void *at, size_t len)
{
    if (len > 0 && fwrite(at, 1, len, f) == len) return;
    fprintf(stderr, "bench: cannot write the packed model\n");
    exit(1);
}

static em_precision precision_of(const char *name)
{
    if (strcmp(name, "f32") == 0) return EM_PRECISION_F32;
    if (strcmp(name, "bf16") == 0) return EM_PRECISION_BF16;
    if (strcmp(name, "int8") == 0) return EM_PRECISION_INT8;
    fprintf(stderr, "bench: no precision is called %s\n", name);
    exit(2);
}

static int pack(const char *folder, const char *precision, const char *path)
{
    em_problem problem = {0};
    em_pack *p = NULL;
    em_pack_options options = {.precision = precision_of(precision),
                               .workers = em_cpu_count()};
    em_err err = em_pack_folder(folder, &options, &problem, &p);

    if (err != EM_OK) {
        printf("%s: %s\n", em_err_name(err), problem.text);
        return 1;
    }
    em_model m = *em_pack_model(p);
    em_bytes image = em_pack_image(p);
    FILE *f = fopen(path, "wb");
    if (f == NULL) {
        printf("%s: %s\n", path, strerror(errno));
        return 1;
    }
    write_all(f, &m, sizeof m);
    write_all(f, m.tensor, m.n * sizeof *m.tensor);
    for (uint32_t i = 0; i < m.n; i++) {
        tensor_name name = {{0}};
        memcpy(name.at, m.tensor[i].name.at, m.tensor[i].name.len);
        write_all(f, &name, sizeof name);
    }
    write_all(f, image.at, image.len);
    em_pack_free(p);
    return fclose(f) == 0 ? 0 : 1;
}

/* ---- the packed model, in memory of its own ---- */

typedef struct packed {
    em_model model;
    em_tensor tensor[EM_MAX_TENSORS];
    tensor_name name[EM_MAX_TENSORS];
    em_map image;
    em_bert bert;
} packed;

static void read_all(FILE *f, void *at, size_t len)
{
    if (fread(at, 1, len, f) == len) return;
    fprintf(stderr, "bench: the packed model is cut short\n");
    exit(1);
}

static void load(const char *path, packed *p)
{
    FILE *f = fopen(path, "rb");

    if (f == NULL) {
        fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    setvbuf(f, NULL, _IONBF, 0);
    read_all(f, &p->model, sizeof p->model);
    if (p->model.n == 0 || p->model.n > EM_MAX_TENSORS) exit(1);
    read_all(f, p->tensor, p->model.n * sizeof *p->tensor);
    read_all(f, p->name, p->model.n * sizeof *p->name);
    for (uint32_t i = 0; i < p->model.n; i++)
        p->tensor[i].name = em_view(p->name[i].at, strlen(p->name[i].at));
    p->model.tensor = p->tensor;
    const em_tensor *last = &p->tensor[p->model.n - 1];
    /* as the enclave's loader takes it: large pages, read once */
    bench_must(
        em_map_anonymous((size_t)(last->offset + last->len), EM_MAP_HUGE, &p->image),
        "memory of the model");
    read_all(f, p->image.at, p->image.len);
    fclose(f);
    p->model.shape.max_tokens = p->model.shape.positions; /* rows of 512 tokens */
    bench_must(em_bert_bind(&p->model, em_map_view(&p->image), &p->bert), "bind");
}

/* ---- serving ---- */

typedef struct served {
    packed packed;
    em_kernels kernels;
    em_jobs_pool pool;
    em_plan plan;
    em_map ids, start, out, scratch;
    uint32_t tokens, texts;
    double took_ns; /* of the last run of this shape */
} served;

static void room(size_t len, em_map *map)
{
    em_map_drop(map);
    bench_must(em_map_anonymous(len, EM_MAP_HUGE, map), "memory");
}

static void use(served *s, const char *path, uint32_t tokens, uint32_t texts)
{
    size_t all = (size_t)tokens * texts;
    em_plan_limits limits = {(uint32_t)all, texts,
                             (uint32_t)em_jobs_of(&s->pool)->workers};

    bench_must(em_plan_bert(&s->packed.model.shape, limits, &s->plan), "plan");
    room(s->plan.scratch, &s->scratch);
    room(all * sizeof(uint32_t), &s->ids);
    room((texts + 1) * sizeof(uint32_t), &s->start);
    room((size_t)texts * s->packed.model.shape.hidden * sizeof(float), &s->out);
    FILE *f = fopen(path, "rb");
    if (f == NULL) exit(1);
    read_all(f, s->ids.at, all * sizeof(uint32_t));
    fclose(f);
    for (uint32_t i = 0; i <= texts; i++)
        ((uint32_t *)(void *)s->start.at)[i] = i * tokens;
    s->tokens = tokens, s->texts = texts, s->took_ns = 0;
    printf("ok\n");
}

static double embed(served *s)
{
    em_bert_batch batch = {.ids = (const uint32_t *)(const void *)s->ids.at,
                           .start = (const uint32_t *)(const void *)s->start.at,
                           .n = s->texts};
    double started = bench_now_us();

    bench_must(em_bert_embed(&s->packed.bert, &s->kernels, em_jobs_of(&s->pool), &s->plan,
                             s->scratch.at, &batch, (float *)(void *)s->out.at),
               "embed");
    return s->took_ns = (bench_now_us() - started) * 1e3;
}

/* The warm-up of every side: ten milliseconds, none where one run is far longer. */
static void run(served *s, int times)
{
    double started = bench_now_us();

    while (s->took_ns < 1e8 && bench_now_us() - started < 1e4) embed(s);
    printf("ns");
    for (int i = 0; i < times; i++) printf(" %.0f", embed(s));
    printf("\n");
}

static void out(const served *s)
{
    printf("out ");
    for (size_t i = 0; i < s->out.len; i++) printf("%02x", s->out.at[i]);
    printf("\n");
}

static bool served_line(served *s, const char *line)
{
    char path[4096];
    uint32_t tokens, texts;
    int times;

    if (sscanf(line, "use %4095s %" SCNu32 " %" SCNu32, path, &tokens, &texts) == 3)
        use(s, path, tokens, texts);
    else if (sscanf(line, "run %d", &times) == 1)
        run(s, times);
    else if (strcmp(line, "once\n") == 0)
        printf("ns %.0f\n", embed(s));
    else if (strcmp(line, "out\n") == 0)
        out(s);
    else
        return false;
    fflush(stdout);
    return true;
}

static int serve(const char *path, size_t threads, const char *isa)
{
    static served s;
    unsigned cpu = em_cpu_detect();
    char line[8192];

    if (strcmp(isa, "avx2") == 0) cpu &= EM_CPU_AVX2;
    if (strcmp(isa, "scalar") == 0) cpu = 0;
    load(path, &s.packed);
    em_kernels_pick(&s.kernels, cpu);
    bench_must(em_jobs_create(threads, &s.pool), "threads");
    printf("ready level %s, %zu bytes\n", s.kernels.level, s.packed.image.len);
    fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL)
        if (!served_line(&s, line)) return 2;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "pack") == 0) return pack(argv[2], argv[3], argv[4]);
    if (argc >= 4 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2], strtoul(argv[3], NULL, 10), argc > 4 ? argv[4] : "");
    fprintf(stderr, "encoder pack FOLDER PRECISION FILE | serve FILE THREADS [ISA]\n");
    return 2;
}
