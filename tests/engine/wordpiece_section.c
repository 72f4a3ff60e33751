/* The tokenizer section: what is built, what is refused, and that nothing hostile harms.
 */
#include "tests/engine/wordpiece_load.h"

static void building_is_repeatable(void)
{
    em_wordpiece_build_input in = golden_input(RUN_NORMALIZED), turned = in;
    em_err err;
    em_bytes a = load_section(&in, &err);
    em_wordpiece_build_word *words = test_alloc(in.words_n * sizeof *words);

    for (size_t i = 0; i < in.words_n; i++) words[i] = in.words[in.words_n - 1 - i];
    turned.words = words;
    CHECK(a.len > 0 && a.len % 64 == 0);
    CHECK(em_same(a, load_section(&in, &err)));
    CHECK(em_same(a, load_section(&turned, &err)));
}

static void bad_vocabularies_are_refused(void)
{
    static const uint8_t long_text[EM_MAX_TOKEN_BYTES + 1] = {'a'};
    em_wordpiece_build_word word[] = {{EM_STR("a"), 0}, {EM_STR("##a"), 1}};
    em_wordpiece_build_added token[] = {{EM_STR("Foo"), 2, 0}, {EM_STR("foo"), 3, 0}};
    em_wordpiece_build_input good = {.words = word,
                                     .words_n = 2,
                                     .added = token,
                                     .added_n = 2,
                                     .options = 15,
                                     .prefix = EM_STR("##"),
                                     .word_chars = 100,
                                     .pad = EM_WORDPIECE_NONE,
                                     .mask = EM_WORDPIECE_NONE};
    em_wordpiece_build_input in = good;
    em_err err;

    CHECK(load_section(&in, &err).len > 0);
    in.words_n = EM_MAX_VOCAB + 1;
    CHECK((load_section(&in, &err), err) == EM_ERR_LIMIT);
    in = good, in.word_chars = EM_MAX_WORD_CHARS + 1;
    CHECK((load_section(&in, &err), err) == EM_ERR_LIMIT);
    in = good, in.prefix = em_view(long_text, 33);
    CHECK((load_section(&in, &err), err) == EM_ERR_LIMIT);
    in = good, in.word_chars = 0;
    CHECK((load_section(&in, &err), err) == EM_ERR_MODEL_MALFORMED);
    in = good, in.unk = EM_WORDPIECE_NONE;
    CHECK((load_section(&in, &err), err) == EM_ERR_MODEL_MALFORMED);
    in = good, in.options = 16;
    CHECK((load_section(&in, &err), err) == EM_ERR_MODEL_MALFORMED);

    static const struct {
        em_bytes text;
        uint32_t id;
        em_err want;
    } words[] = {
        {EM_STR("a"), 1, EM_ERR_MODEL_MALFORMED}, /* twice */
        {EM_STR("b"), EM_MAX_VOCAB, EM_ERR_MODEL_MALFORMED},
        {EM_STR("\xFF"), 1, EM_ERR_MODEL_MALFORMED},
        {{long_text, sizeof long_text}, 1, EM_ERR_LIMIT},
        {EM_STR(""), 1, EM_OK},
        {{long_text, EM_MAX_TOKEN_BYTES}, 1, EM_OK},
    };
    for (size_t i = 0; i < EM_COUNT(words); i++) {
        word[1] = (em_wordpiece_build_word){words[i].text, words[i].id};
        test_note("word %zu", i);
        CHECK((load_section(&good, &err), err) == words[i].want);
    }
    static const struct {
        em_bytes text;
        uint32_t flags;
        em_err want;
    } tokens[] = {
        {EM_STR("Foo"), 0, EM_ERR_MODEL_MALFORMED},
        {EM_STR(""), 0, EM_ERR_MODEL_MALFORMED},
        {EM_STR("\u0301"), EM_WORDPIECE_NORMALIZED, EM_ERR_MODEL_MALFORMED},
        {EM_STR("\xC3"), 0, EM_ERR_MODEL_MALFORMED},
        {EM_STR("b"), 16, EM_ERR_MODEL_MALFORMED},
        {EM_STR("Foo"), EM_WORDPIECE_NORMALIZED, EM_OK}, /* once raw, once normalised */
    };
    for (size_t i = 0; i < EM_COUNT(tokens); i++) {
        token[1] = (em_wordpiece_build_added){tokens[i].text, 3, tokens[i].flags};
        test_note("added token %zu", i);
        CHECK((load_section(&good, &err), err) == tokens[i].want);
    }
    token[0].flags = EM_WORDPIECE_NORMALIZED; /* "Foo" and "foo" have one normal form */
    token[1] = (em_wordpiece_build_added){EM_STR("foo"), 3, EM_WORDPIECE_NORMALIZED};
    CHECK((load_section(&good, &err), err) == EM_ERR_MODEL_MALFORMED);
}

static void a_small_buffer_is_not_passed(void)
{
    em_wordpiece_build_input in = golden_input(RUN_NORMALIZED);
    size_t cap, scratch_len, len = 7;
    em_err err;
    size_t need = load_section(&in, &err).len;

    CHECK_OK(em_wordpiece_build_plan(&in, &cap, &scratch_len));
    CHECK(need <= cap);
    void *scratch = load_aligned(scratch_len);
    for (size_t room = 0; room < need; room += room < 256 ? 8 : 504) {
        void *section = load_aligned(room);
        CHECK_ERR(em_wordpiece_build(&in, scratch, scratch_len, section, room, &len),
                  EM_ERR_FULL);
    }
    void *section = load_aligned(need);
    CHECK_ERR(em_wordpiece_build(&in, scratch, scratch_len / 2, section, need, &len),
              EM_ERR_FULL);
    CHECK(len == 7);
    CHECK_OK(em_wordpiece_build(&in, scratch, scratch_len, section, need, &len));
    CHECK(len == need);
}

/* Texts that visit every step, encoded with whatever was opened. */
static void use(const em_wordpiece *t)
{
    static const char text[] =
        "[CLS] The  quick <User> ab ABABA to\u0308k \u4E2D\u0301 "
        "[MASK]\U0001D16D\u302E\u0130hello hello unaffable\xC2\x85.";
    uint32_t ids[sizeof text + 1];
    size_t n, tokens;

    CHECK_OK(em_wordpiece_encode(t, em_view(text, sizeof text - 1), EM_COUNT(ids), ids,
                                 &n, &tokens));
    CHECK(n == tokens && n <= EM_COUNT(ids));
    for (size_t i = 0; i < n; i++) CHECK(ids[i] < t->id_limit);
}

static bool opens(em_bytes section, void *arg)
{
    void *copy = NULL;
    em_wordpiece t;

    (void)arg;
    if (posix_memalign(&copy, 64, section.len > 0 ? section.len : 1) != 0) abort();
    if (section.len > 0) memcpy(copy, section.at, section.len);
    bool good = em_wordpiece_open(em_view(copy, section.len), &t) == EM_OK;
    if (good) use(&t);
    free(copy);
    return good;
}

static void cut_sections_are_refused_flipped_ones_harmless(void)
{
    em_wordpiece_build_input in = golden_input(RUN_NORMALIZED);
    in.words_n = 60;
    em_err err;
    em_bytes good = load_section(&in, &err);

    REQUIRE(opens(good, NULL));
    test_abuse_result got = test_abuse(good, opens, NULL);
    test_note("of %zu: %zu cut, %zu flipped accepted", good.len, got.cuts_accepted,
              got.flips_accepted);
    CHECK(got.cuts_accepted == 0);
    CHECK(got.flips_accepted < good.len); /* a label or base in range is a legal trie */
}

static void every_number_of_the_head_is_checked(void)
{
    em_wordpiece_build_input in = golden_input(RUN_NORMALIZED);
    em_err err;
    em_bytes good = load_section(&in, &err);
    uint8_t *at = load_aligned(good.len + 64);
    em_wordpiece t;
    static const struct {
        size_t offset;
        uint32_t value;
    } bad[] = {
        {0, 0},        {4, 0},       {8, 16},   {12, 0},          {12, 513},
        {16, 1 << 20}, {20, 100000}, {24, ~0u}, {28, 100000},     {32, 100000},
        {36, 3},       {36, ~0u},    {40, 0},   {40, 257},        {40, 0xFFFFFF00},
        {40, 256},     {44, 0},      {44, 1},   {44, 0xFFFFFF00}, {48, 0},
        {48, 4097},    {48, 1},      {48, ~0u}, {52, 256 * 256},  {56, 33},
        {56, ~0u},     {56, 1},      {64, 1},   {92, 1},          {124, 1u << 31},
    };
    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        memcpy(at, good.at, good.len);
        memcpy(at + bad[i].offset, &bad[i].value, 4);
        test_note("bad %zu", i);
        CHECK_ERR(em_wordpiece_open(em_view(at, good.len), &t), EM_ERR_MODEL_MALFORMED);
    }
    memcpy(at, good.at, good.len);
    memset(at + good.len, 0, 64);
    CHECK_OK(em_wordpiece_open(em_view(at, good.len), &t));
    CHECK_ERR(em_wordpiece_open(em_view(at, good.len + 64), &t), EM_ERR_MODEL_MALFORMED);
    memmove(at + 8, at, good.len);
    CHECK_ERR(em_wordpiece_open(em_view(at + 8, good.len), &t), EM_ERR_ARGUMENT);
}

/* Every unit of both tries, with a base, label or value out of its range. */
static void every_unit_is_checked(void)
{
    em_wordpiece_build_input in = golden_input(RUN_NORMALIZED);
    em_err err;
    em_bytes good = load_section(&in, &err);
    uint8_t *at = load_aligned(good.len);
    em_wordpiece t;
    uint32_t words, added;

    memcpy(at, good.at, good.len);
    memcpy(&words, at + 40, 4);
    memcpy(&added, at + 44, 4);
    REQUIRE(words >= 256 && added >= 256);
    for (size_t i = 0; i < words + added; i++) {
        uint64_t unit, bad[3];
        uint8_t *where = at + 128 + 8 * i;
        uint32_t n = i < words ? words : added, limit = i < words ? 300 : 20;

        memcpy(&unit, where, 8);
        bad[0] = (unit & ~(uint64_t)0xFFFFFFFF) | n;
        bad[1] = unit | (uint64_t)0x101 << 32;
        bad[2] = (unit & (((uint64_t)1 << 41) - 1)) | (uint64_t)limit << 41;
        for (size_t k = 0; k < 3; k++) {
            memcpy(where, &bad[k], 8);
            test_note("unit %zu, bad %zu", i, k);
            CHECK_ERR(em_wordpiece_open(em_view(at, good.len), &t),
                      EM_ERR_MODEL_MALFORMED);
        }
        memcpy(where, &unit, 8);
    }
    CHECK_OK(em_wordpiece_open(em_view(at, good.len), &t));
}

int main(void)
{
    RUN(building_is_repeatable);
    RUN(bad_vocabularies_are_refused);
    RUN(a_small_buffer_is_not_passed);
    RUN(cut_sections_are_refused_flipped_ones_harmless);
    RUN(every_number_of_the_head_is_checked);
    RUN(every_unit_is_checked);
    json_decref(golden());
    return test_end();
}
