#include "cmd/check_op.h"
#include "os/file.h"
#include "tools/tokenizer_json.h"

const char *em_check_tokenize_path(em_bytes path, em_check_answer *answer)
{
    if (memchr(path.at, 0, path.len) == NULL) return (const char *)path.at;
    em_check_answer_file(answer, EM_ERR_NOT_FOUND, "a path that contains NUL");
    return NULL;
}

json_t *em_check_tokenize_item(size_t tokens, const uint32_t *ids, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++)
        if (json_array_append_new(list, json_integer((json_int_t)ids[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return json_pack("{s:I,s:o}", "tokens", (json_int_t)tokens, "ids", list);
}

/* One text's whole ids. */
static em_err encode(const em_wordpiece *t, em_bytes text, json_t *items)
{
    EM_DROP(em_map) room = {0};
    size_t n, tokens, most = EM_WORDPIECE_MOST(text.len);

    EM_TRY(em_map_anonymous(most * sizeof(uint32_t), 0, &room));
    uint32_t *ids = (uint32_t *)(void *)room.at;
    EM_TRY(em_wordpiece_encode(t, text, most, ids, &n, &tokens));
    json_t *item = em_check_tokenize_item(tokens, ids, n);
    return json_array_append_new(items, item) == 0 ? EM_OK : EM_ERR_MEMORY;
}

static em_err tokenize(const char *path, const em_bytes *texts, size_t n,
                       em_problem *problem, json_t *items)
{
    EM_DROP(em_map) file = {0};
    EM_DROP(em_tokenizer_json) json = {0};
    EM_DROP(em_map) section = {0};
    em_wordpiece tokenizer;
    size_t len = 0;
    em_err err = em_file_load(path, EM_TOKENIZER_JSON_MAX, &file);

    if (err != EM_OK) return em_problem_err(problem, err, path);
    EM_TRY(em_tokenizer_json_read(em_map_view(&file), path, problem, &json));
    EM_TRY(em_tokenizer_json_build(&json, path, problem, &section, &len));
    EM_TRY(em_wordpiece_open(em_view(section.at, len), &tokenizer));
    for (size_t i = 0; i < n; i++) EM_TRY(encode(&tokenizer, texts[i], items));
    return EM_OK;
}

void em_check_tokenize(em_check_ask *ask, em_check_answer *answer)
{
    em_problem problem = {0};
    size_t n;
    em_bytes path = em_check_ask_text(ask, "tokenizer", EM_CHECK_NEEDED);
    const em_bytes *texts = em_check_ask_texts(ask, "texts", &n);

    if (!em_check_ask_end(ask)) return;
    const char *name = em_check_tokenize_path(path, answer);
    if (name == NULL) return;
    json_t *items = json_array();
    em_err err = tokenize(name, texts, n, &problem, items);
    if (err == EM_OK) {
        em_check_answer_accept(answer, json_pack("{s:o}", "items", items));
        return;
    }
    json_decref(items);
    em_check_answer_file(answer, err, problem.text);
}
