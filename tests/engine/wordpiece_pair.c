/* Pairs of texts against ids that the Python package made (mk/golden_pairs.py). */
#include "engine/wordpiece_pair.h"
#include "tests/engine/wordpiece_load.h"

static json_t *pairs;
static em_wordpiece tokenizer;

static void ids_are_the_packages_ids(void)
{
    json_t *row;
    size_t r, i, cut = 0;

    json_array_foreach(json_object_get(pairs, "rows"), r, row)
    {
        em_bytes one = load_text(json_array_get(row, 0));
        em_bytes other = load_text(json_array_get(row, 1));
        size_t most = (size_t)json_integer_value(json_array_get(row, 2));
        const json_t *ids = json_array_get(row, 5);
        em_wordpiece_pair pair;
        em_wordpiece_pair_size size;

        test_note("row %zu", r);
        size_t own = EM_WORDPIECE_MOST(one.len);
        uint32_t *first = test_alloc((own < most ? own : most) * sizeof *first);
        CHECK_OK(em_wordpiece_pair_first(&tokenizer, one, most, first, &pair));
        size_t room = EM_WORDPIECE_PAIR_MOST(&pair, other.len);
        uint32_t *got = test_alloc((room < most ? room : most) * sizeof *got);
        CHECK_OK(em_wordpiece_pair_encode(&pair, other, got, &size));
        CHECK(size.n == json_array_size(ids));
        CHECK(size.tokens == (size_t)json_integer_value(json_array_get(row, 3)));
        CHECK(size.first == (size_t)json_integer_value(json_array_get(row, 4)));
        json_array_foreach(ids, i, row)
            CHECK(i >= size.n || got[i] == (uint32_t)json_integer_value(row));
        cut += size.tokens > size.n;
    }
    test_note("%zu rows, %zu cut", r, cut);
    CHECK(r > 1400 && cut > 700);
}

/* A first text that is read once gives what reading it for every pair would. */
static void one_first_text_serves_many_pairs(void)
{
    static const char *const others[] = {"", "a", "hello hello", "the quick un", "."};
    enum { MOST = 7 };
    uint32_t kept[MOST], first[MOST], once[MOST], each[MOST];
    em_wordpiece_pair pair, again;
    em_wordpiece_pair_size size, same;
    em_bytes text = EM_STR("the quick hello");

    CHECK_OK(em_wordpiece_pair_first(&tokenizer, text, MOST, kept, &pair));
    for (size_t i = 0; i < 3 * EM_COUNT(others); i++) {
        const char *o = others[i % EM_COUNT(others)];
        em_bytes other = em_view(o, strlen(o));
        CHECK_OK(em_wordpiece_pair_encode(&pair, other, once, &size));
        CHECK_OK(em_wordpiece_pair_first(&tokenizer, text, MOST, first, &again));
        CHECK_OK(em_wordpiece_pair_encode(&again, other, each, &same));
        CHECK(size.n == same.n && size.first == same.first && size.n <= MOST);
        CHECK(memcmp(once, each, size.n * sizeof *once) == 0);
    }
}

static void refusals_leave_outputs_alone(void)
{
    uint32_t first[4] = {7, 7, 7, 7}, ids[4] = {7, 7, 7, 7};
    em_wordpiece_pair pair = {.tokens = 99};
    em_wordpiece_pair_size size = {.n = 99};

    CHECK_ERR(em_wordpiece_pair_first(&tokenizer, EM_STR("a"), 2, first, &pair),
              EM_ERR_ARGUMENT);
    CHECK_ERR(em_wordpiece_pair_first(&tokenizer, EM_STR("a\x80"), 4, first, &pair),
              EM_ERR_FORMAT);
    CHECK(pair.tokens == 99 && first[0] == 7);
    CHECK_OK(em_wordpiece_pair_first(&tokenizer, EM_STR("a"), 4, first, &pair));
    CHECK_ERR(em_wordpiece_pair_encode(&pair, EM_STR("\xC3"), ids, &size), EM_ERR_FORMAT);
    CHECK(size.n == 99 && ids[0] == 7 && ids[3] == 7);
}

int main(void)
{
    pairs = load_json("tests/golden/wordpiece_pair.json");
    if (pairs == NULL || golden() == NULL) abort();
    tokenizer = load_tokenizer(json_object_get(pairs, "tokenizer"),
                               json_object_get(golden(), "vocab"));
    RUN(ids_are_the_packages_ids);
    RUN(one_first_text_serves_many_pairs);
    RUN(refusals_leave_outputs_alone);
    json_decref(pairs);
    json_decref(golden());
    return test_end();
}
