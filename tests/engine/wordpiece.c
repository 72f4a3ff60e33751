/* WordPiece against ids that the Python package made, and everything hostile.
 *
 *   wordpiece                        the tests
 *   wordpiece --ids TOKENIZER MAX    frames of texts in, frames of ids out
 *   wordpiece --normal OPTIONS       frames of texts in, frames of normalised texts out
 * A frame is a u32, little-endian, and as many bytes (mk/compare_tokens.py asks). */
#include "engine/wordpiece_text.h"
#include "tests/engine/wordpiece_load.h"

#include <time.h>

static json_t *load_json(const char *path)
{
    em_bytes file = test_file(path);
    json_error_t error;

    if (file.at == NULL) return NULL;
    return json_loadb((const char *)file.at, file.len, JSON_ALLOW_NUL, &error);
}

/* Are the ids and the count of one text the wanted ones? */
static bool encodes(const em_wordpiece *t, em_bytes text, size_t max, const json_t *ids,
                    size_t tokens)
{
    uint32_t *got = test_alloc(sizeof *got * max);
    size_t n, count;

    if (em_wordpiece_encode(t, text, max, got, &n, &count) != EM_OK) return false;
    if (count != tokens || n != json_array_size(ids)) return false;
    for (size_t i = 0; i < n; i++)
        if (got[i] != (uint32_t)json_integer_value(json_array_get(ids, i))) return false;
    return true;
}

static void minilm_ids_are_the_golden_ones(void)
{
    json_t *root = load_json(test_shared("models/minilm-tokenizer/tokenizer.json"));
    REQUIRE(root != NULL);
    em_wordpiece t = load_tokenizer(root);
    json_decref(root);

    FILE *f = fopen(test_shared("vectors/minilm/golden.jsonl"), "rb");
    REQUIRE(f != NULL);
    json_t *line;
    int n = 0;
    while ((line = json_loadf(f, JSON_ALLOW_NUL | JSON_DISABLE_EOF_CHECK, NULL)) !=
           NULL) {
        em_bytes text = load_text(json_object_get(line, "text"));
        test_note("line %d", ++n);
        CHECK(encodes(&t, text, 256, json_object_get(line, "ids"),
                      load_number(line, "tokens")));
        json_decref(line);
    }
    fclose(f);
    CHECK(n == 300);
}

int main(void)
{
    if (test_shared("models/minilm-tokenizer/tokenizer.json") != NULL)
        RUN(minilm_ids_are_the_golden_ones);
    else
        test_skip("minilm_ids_are_the_golden_ones", "no shared vectors");
    return test_end();
}
