#include "tools/contentkey.h"

#include "base/read.h"
#include "os/file.h"
#include "wire/text.h"

#include <sys/stat.h>

EM_SECRET(em_contentkey_text, EM_CONTENTKEY_MAX_FILE);

/* What follows `word` on the next line; the line's end is taken too. */
static em_bytes take_line(em_reader *r, em_bytes word)
{
    em_bytes got = em_read_bytes(r, word.len);
    const uint8_t *end = NULL;

    if (r->left.len > 0) end = memchr(r->left.at, '\n', r->left.len);
    if (end == NULL || !em_same(got, word)) {
        em_read_fail(r, EM_ERR_FORMAT);
        return (em_bytes){0};
    }
    em_bytes rest = em_read_bytes(r, (size_t)(end - r->left.at));
    (void)em_read_u8(r);
    return rest;
}

static void take_hex(em_reader *r, em_bytes word, uint8_t *out, size_t len)
{
    size_t got = 0;
    em_bytes text = take_line(r, word);

    if (em_text_from_hex(text, out, len, &got) != EM_OK || got != len)
        em_read_fail(r, EM_ERR_FORMAT);
}

static bool is_model(em_bytes id)
{
    if (id.len == 0 || id.len > EM_MAX_MODEL_ID) return false;
    for (size_t i = 0; i < id.len; i++)
        if (id.at[i] < '!' || id.at[i] > '~') return false;
    return true;
}

em_err em_contentkey_parse(em_bytes text, em_contentkey *ret_key)
{
    EM_DROP(em_contentkey) got = {0};
    em_reader r = {.left = text};

    em_bytes version = take_line(&r, EM_STR("em-content-key "));
    em_bytes model = take_line(&r, EM_STR("model "));
    take_hex(&r, EM_STR("manifest "), got.manifest, sizeof got.manifest);
    take_hex(&r, EM_STR("key "), got.key.b, sizeof got.key.b);
    if (em_read_end(&r) != EM_OK || !em_same(version, EM_STR("1")) || !is_model(model))
        return EM_ERR_FORMAT;
    memcpy(got.model, model.at, model.len);
    *ret_key = got;
    return EM_OK;
}

void em_contentkey_put(em_out *o, const em_contentkey *key)
{
    em_bytes model = em_view(key->model, strlen(key->model));

    if (!is_model(model)) em_write_fail(o, EM_ERR_ARGUMENT);
    em_write_bytes(o, EM_STR("em-content-key 1\nmodel "));
    em_write_bytes(o, model);
    em_write_bytes(o, EM_STR("\nmanifest "));
    em_write_hex(o, EM_BYTES(key->manifest));
    em_write_bytes(o, EM_STR("\nkey "));
    em_write_hex(o, EM_BYTES(key->key.b));
    em_write_u8(o, '\n');
}

em_err em_contentkey_write(const char *path, const em_contentkey *key,
                           em_problem *problem)
{
    EM_DROP(em_contentkey_text) text = {0};
    em_out o = EM_OUT(text.b);

    em_contentkey_put(&o, key);
    em_err err = em_write_end(&o);
    if (err == EM_OK) err = em_file_create(path, em_write_view(&o), 0600);
    if (err == EM_ERR_EXISTS)
        return em_problem_set(problem, err, path, "exists; keys are never overwritten");
    if (err != EM_OK) return em_problem_err(problem, err, path);
    return EM_OK;
}

em_err em_contentkey_read(const char *path, em_problem *problem, em_contentkey *ret_key)
{
    EM_DROP(em_contentkey_text) text = {0};
    struct stat info;
    size_t len;

    em_err err = em_file_read(path, text.b, sizeof text.b, &len);
    if (err != EM_OK && err != EM_ERR_LIMIT) return em_problem_err(problem, err, path);
    if (stat(path, &info) != 0 || (info.st_mode & 077) != 0)
        return em_problem_set(problem, EM_ERR_DENIED, path,
                              "others than its owner can read this key; type: chmod 600 "
                              "%s",
                              path);
    if (err == EM_OK) err = em_contentkey_parse(em_view(text.b, len), ret_key);
    if (err != EM_OK)
        return em_problem_set(problem, EM_ERR_FORMAT, path,
                              "not a content key as em model pack --key-out writes it");
    return EM_OK;
}
