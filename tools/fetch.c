#include "tools/fetch.h"

#include "os/file.h"
#include "tools/fields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PATH = 4096, MAX_INDEX = 16 << 20, BLOCK = 256 << 10 };

/* What a model folder may have beside its weights; hf.h says what each is for. */
static const struct {
    const char *name;
    bool needed;
} usual[] = {
    {"config.json", true},
    {"tokenizer.json", false},
    {"tokenizer_config.json", false},
    {"vocab.txt", false},
    {"special_tokens_map.json", false},
    {"modules.json", false},
    {"1_Pooling/config.json", false},
    {"sentence_bert_config.json", false},
    {"config_sentence_transformers.json", false},
};
static const char weights[] = "model.safetensors",
                  index_name[] = "model.safetensors.index.json";

typedef struct fetching {
    em_fetch_http *http;
    const em_fetch_options *options;
    em_problem *problem;
    em_fetch_result *result;
    char base[EM_FETCH_HTTP_MAX_URL]; /* FROM/OWNER/NAME/resolve/COMMIT/ */
    uint64_t left;                    /* of the limit */
} fetching;

static em_err hash_file(fetching *f, const char *path, const char *name,
                        uint8_t ret_digest[EM_SHA256_LEN], uint64_t *ret_len)
{
    static uint8_t block[BLOCK];
    EM_DROP(em_sha256) h = {0};
    FILE *in = fopen(path, "rb");
    uint64_t len = 0;
    size_t n;
    bool stopped = false;

    if (in == NULL)
        return em_problem_set(f->problem, EM_ERR_IO, name, "%s", strerror(errno));
    em_sha2_256_init(&h);
    while (!stopped && (n = fread(block, 1, sizeof block, in)) > 0) {
        em_sha2_256_add(&h, em_view(block, n));
        len += n;
        stopped = f->http->stop != NULL && f->http->stop(f->http->arg);
    }
    bool bad = ferror(in) != 0;
    fclose(in);
    if (stopped) return EM_ERR_INTERRUPTED;
    if (bad) return em_problem_err(f->problem, EM_ERR_IO, name);
    em_sha2_256_end(&h, ret_digest);
    *ret_len = len;
    return EM_OK;
}

static void put_digest(const uint8_t digest[EM_SHA256_LEN],
                       char text[2 * EM_SHA256_LEN + 1])
{
    em_out o = em_out_over(text, 2 * EM_SHA256_LEN);

    em_write_hex(&o, em_view(digest, EM_SHA256_LEN));
    text[o.len] = 0;
}

static em_err check_digest(fetching *f, const em_pin *want,
                           const uint8_t got[EM_SHA256_LEN], const char *what)
{
    char is[2 * EM_SHA256_LEN + 1], must[2 * EM_SHA256_LEN + 1];

    if (em_same(em_view(got, EM_SHA256_LEN), EM_BYTES(want->sha256))) return EM_OK;
    put_digest(got, is);
    put_digest(want->sha256, must);
    return em_problem_set(f->problem, EM_ERR_PIN, want->name,
                          "%s has SHA-256 %s, but %s is pinned", what, is, must);
}

/* The folders above a file. */
static em_err make_folders(const char *path)
{
    char folder[MAX_PATH];
    const char *slash = strrchr(path, '/');

    if (slash == NULL) return EM_OK;
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    return em_file_make_folder(folder, 0755);
}

static void note(fetching *f, const em_pin *pin, const uint8_t digest[EM_SHA256_LEN],
                 uint64_t len, em_fetch_state state)
{
    em_pins *pins = &f->result->pins;

    f->result->state[pins->n] = state;
    em_pin *to = &pins->pin[pins->n++];
    *to = *pin;
    memcpy(to->sha256, digest, EM_SHA256_LEN);
    to->len = len;
    f->left -= len < f->left ? len : f->left;
}

/* The file is there under its own name. */
static em_err take_present(fetching *f, const em_pin *pin, const char *path)
{
    uint8_t digest[EM_SHA256_LEN];
    uint64_t len;

    EM_TRY(hash_file(f, path, pin->name, digest, &len));
    if (!f->options->trust)
        EM_TRY(check_digest(f, pin, digest, "the file in the folder"));
    note(f, pin, digest, len, EM_FETCH_HAD);
    return EM_OK;
}

static em_err take_part(fetching *f, const em_pin *pin, const char *path,
                        const char *part, em_fetch_state state)
{
    uint8_t digest[EM_SHA256_LEN];
    uint64_t len;

    EM_TRY(hash_file(f, part, pin->name, digest, &len));
    em_err err =
        f->options->trust ? EM_OK : check_digest(f, pin, digest, "what the server sent");
    if (err == EM_OK && rename(part, path) != 0)
        err = em_problem_set(f->problem, EM_ERR_IO, path, "%s", strerror(errno));
    if (err == EM_OK || err == EM_ERR_PIN) em_fetch_http_forget(part);
    EM_TRY(err);
    note(f, pin, digest, len, state);
    return EM_OK;
}

/* One file into the folder.  Where it is no pin's, `pin` has no digest and is not asked
 * for one. */
static em_err fetch_file(fetching *f, const em_pin *pin)
{
    char path[MAX_PATH], part[MAX_PATH], url[EM_FETCH_HTTP_MAX_URL];
    em_file_info info;
    uint64_t received;

    if (f->result->pins.n == EM_MAX_SOURCES) return EM_ERR_LIMIT;
    if (f->http->stop != NULL && f->http->stop(f->http->arg)) return EM_ERR_INTERRUPTED;
    int a = snprintf(path, sizeof path, "%s/%s", f->options->folder, pin->name);
    int b = snprintf(part, sizeof part, "%s/%s.part", f->options->folder, pin->name);
    int c = snprintf(url, sizeof url, "%s%s", f->base, pin->name);
    if (a < 0 || b < 0 || (size_t)b >= sizeof part || c < 0 || (size_t)c >= sizeof url)
        return em_problem_err(f->problem, EM_ERR_LIMIT, pin->name);
    if (em_file_stat(path, &info) == EM_OK) return take_present(f, pin, path);
    em_err err = make_folders(path);
    if (err != EM_OK) return em_problem_err(f->problem, err, path);
    bool partial = em_file_stat(part, &info) == EM_OK && info.size > 0;
    if (pin->len > f->left)
        return em_problem_set(f->problem, EM_ERR_LIMIT, pin->name,
                              "%llu bytes are more than the limit leaves",
                              (unsigned long long)pin->len);
    const em_fetch_http_file ask = {
        .url = url, .name = pin->name, .part = part, .len = pin->len, .limit = f->left};
    err = em_fetch_http_get(f->http, &ask, f->problem, &received);
    f->result->received += received;
    EM_TRY(err);
    return take_part(f, pin, path, part, partial ? EM_FETCH_RESUMED : EM_FETCH_CAME);
}

/* One file that may be missing. */
static em_err fetch_named(fetching *f, const char *name, bool needed, bool *ret_there)
{
    em_pin pin = {0};

    *ret_there = false;
    memcpy(pin.name, name, strlen(name));
    em_err err = fetch_file(f, &pin);
    if (err == EM_ERR_NOT_FOUND && !needed) return EM_OK;
    EM_TRY(err);
    *ret_there = true;
    return EM_OK;
}

/* Every shard that the index names, each once. */
static em_err fetch_shards(fetching *f)
{
    EM_DROP(em_fields) fields = {0};
    EM_DROP(em_map) file = {0};
    char path[MAX_PATH];
    json_t *map, *value;
    const char *tensor;
    bool there;

    snprintf(path, sizeof path, "%s/%s", f->options->folder, index_name);
    em_err err = em_file_load(path, MAX_INDEX, &file);
    if (err != EM_OK) return em_problem_err(f->problem, err, index_name);
    EM_TRY(em_fields_load(em_map_view(&file), MAX_INDEX, JSON_OBJECT, index_name,
                          f->problem, &fields));
    EM_TRY(em_fields_object(&fields, fields.root, "weight_map", &map));
    json_object_foreach(map, tensor, value)
    {
        const char *name = json_string_value(value);
        bool seen = false;
        if (name == NULL || !em_pins_is_file(em_view(name, strlen(name))))
            return em_problem_set(f->problem, EM_ERR_JSON_TYPE, index_name,
                                  "a shard's name is none");
        for (size_t i = 0; i < f->result->pins.n && !seen; i++)
            seen = strcmp(f->result->pins.pin[i].name, name) == 0;
        if (!seen) EM_TRY(fetch_named(f, name, true, &there));
    }
    return EM_OK;
}

static em_err fetch_usual(fetching *f)
{
    bool there, tokenizer = false;

    for (size_t i = 0; i < EM_COUNT(usual); i++) {
        EM_TRY(fetch_named(f, usual[i].name, usual[i].needed, &there));
        if (there && (strcmp(usual[i].name, "tokenizer.json") == 0 ||
                      strcmp(usual[i].name, "vocab.txt") == 0))
            tokenizer = true;
    }
    if (!tokenizer)
        return em_problem_set(f->problem, EM_ERR_NOT_FOUND, "tokenizer.json",
                              "the repository has neither this nor vocab.txt");
    EM_TRY(fetch_named(f, weights, false, &there));
    if (there) return EM_OK;
    EM_TRY(fetch_named(f, index_name, false, &there));
    if (there) return fetch_shards(f);
    return em_problem_set(f->problem, EM_ERR_NOT_FOUND, weights,
                          "the repository has no weights in this format");
}

static em_err put_base(fetching *f, const char *revision)
{
    const char *from = f->options->from != NULL ? f->options->from : EM_FETCH_FROM;
    size_t len = strlen(from);

    while (len > 0 && from[len - 1] == '/') len--;
    int n = len >= sizeof f->base
                ? -1
                : snprintf(f->base, sizeof f->base, "%.*s/%s/resolve/%s/", (int)len, from,
                           f->options->repository, revision);
    return n > 0 && (size_t)n < sizeof f->base ? EM_OK : EM_ERR_LIMIT;
}

/* Where to ask; a branch or tag becomes the commit it stands for now. */
static em_err begin(fetching *f)
{
    const em_fetch_options *o = f->options;
    char url[EM_FETCH_HTTP_MAX_URL + 16], *revision = f->result->pins.revision;
    em_bytes word = em_view(o->revision, strlen(o->revision));
    bool here;

    if (!em_pins_is_repository(em_view(o->repository, strlen(o->repository))))
        return em_problem_set(f->problem, EM_ERR_ARGUMENT, NULL,
                              "'%.80s' is not OWNER/NAME", o->repository);
    if (!em_pins_is_revision(word) && !(o->trust && em_pins_is_file(word)))
        return em_problem_set(f->problem, EM_ERR_ARGUMENT, NULL,
                              "'%.80s' is not a commit (40 hexadecimal digits)",
                              o->revision);
    memcpy(f->result->pins.repository, o->repository, strlen(o->repository) + 1);
    EM_TRY(put_base(f, o->revision));
    EM_TRY(em_fetch_http_check(f->base, true, f->problem, &here));
    if (em_pins_is_revision(word)) {
        memcpy(revision, word.at, word.len);
        return EM_OK;
    }
    snprintf(url, sizeof url, "%sconfig.json", f->base);
    EM_TRY(em_fetch_http_commit(f->http, url, f->problem, revision));
    return put_base(f, revision);
}

em_err em_fetch_run(em_fetch_http *http, const em_fetch_options *options,
                    em_problem *problem, em_fetch_result *ret_result)
{
    fetching f = {.http = http,
                  .options = options,
                  .problem = problem,
                  .result = ret_result,
                  .left = options->limit};

    *ret_result = (em_fetch_result){0};
    EM_TRY(begin(&f));
    em_err err = em_file_make_folder(options->folder, 0755);
    if (err != EM_OK) return em_problem_err(problem, err, options->folder);
    if (options->trust) return fetch_usual(&f);
    for (size_t i = 0; i < options->pins->n; i++)
        EM_TRY(fetch_file(&f, &options->pins->pin[i]));
    return EM_OK;
}
