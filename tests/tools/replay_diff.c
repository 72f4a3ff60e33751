/* What differs between two answers is said in words, and nothing that differs passes. */
#include "tools/replay_diff.h"

#include "tests/support/test.h"
#include "trust/answer.h"

enum { ROWS = 3, DIM = 4 };

typedef struct sample {
    em_embed_text text[ROWS];
    float row[ROWS * DIM];
    size_t first, n;
    uint32_t dim;
} sample;

static sample good(void)
{
    sample s = {.first = 5, .n = ROWS, .dim = DIM};

    for (size_t i = 0; i < ROWS; i++) s.text[i].tokens = (uint32_t)(7 + i);
    for (size_t i = 0; i < ROWS * DIM; i++) s.row[i] = (float)i / 8;
    return s;
}

static em_bytes data_of(const sample *s)
{
    em_out o = em_out_over(test_alloc(4096), 4096);
    const em_embed_part part = {
        .first = s->first,
        .n = s->n,
        .dim = s->dim,
        .text = s->text,
        .vectors = em_view(s->row, s->n * s->dim * sizeof(float)),
    };

    em_answer_put_embed(&o, &part);
    CHECK_OK(em_write_end(&o));
    return em_write_view(&o);
}

static em_bytes end_of(em_end end)
{
    em_out o = em_out_over(test_alloc(512), 512);

    em_message_put_end(&o, &end);
    CHECK_OK(em_write_end(&o));
    return em_write_view(&o);
}

static em_bytes used(bool truncate, uint32_t max_tokens)
{
    em_out o = em_out_over(test_alloc(EM_MESSAGE_USED), EM_MESSAGE_USED);

    em_message_put_used(&o, &(em_used){truncate, max_tokens});
    return em_write_view(&o);
}

static bool says(const em_replay_diff *d, const char *words)
{
    if (strstr(d->text, words) != NULL) return true;
    printf("  \"%s\" does not say \"%s\"\n", d->text, words);
    return false;
}

static void the_same_bytes_are_the_same(void)
{
    const sample s = good();
    em_end end = {.status = EM_STATUS_STOP, .input = 24, .parameters = used(true, 64)};
    em_replay_diff d = {0};

    em_replay_diff_data(&d, 0, data_of(&s), data_of(&s));
    em_replay_diff_data(&d, 1, data_of(&s), data_of(&s));
    em_replay_diff_count(&d, 2, 2);
    em_replay_diff_end(&d, end_of(end), end_of(end));
    CHECK(em_replay_diff_is_same(&d));
    CHECK(d.records == 3 && d.bad_records == 0);
    CHECK(d.numbers == 2 * ROWS * DIM && d.bad_numbers == 0 && d.most == 0);
}

static void numbers_that_differ_are_named_and_counted(void)
{
    const sample s = good();
    sample t = s;
    em_replay_diff d = {0};

    t.row[1 * DIM + 2] += 0.5f; /* 0.75 becomes 1.25 */
    t.row[2 * DIM + 0] -= 0.125f;
    em_replay_diff_data(&d, 3, data_of(&s), data_of(&t));
    CHECK(!em_replay_diff_is_same(&d));
    CHECK(says(&d, "DATA 3: text 6, number 2: 0.75 (bits 3f400000) in the evidence, 1.25 "
                   "(bits 3fa00000) computed again, 0.5 apart"));
    CHECK(d.bad_records == 1 && d.numbers == ROWS * DIM && d.bad_numbers == 2);
    CHECK(d.most == 0.5);
}

/* One bit anywhere is a difference: -0, and one NaN for another, too. */
static void numbers_are_compared_by_their_bits(void)
{
    const sample s = good();
    sample t = s;

    for (unsigned bit = 0; bit < 32; bit++) {
        em_replay_diff d = {0};
        uint32_t word;
        t = s;
        memcpy(&word, &t.row[3], sizeof word);
        word ^= UINT32_C(1) << bit;
        memcpy(&t.row[3], &word, sizeof word);
        em_replay_diff_data(&d, 0, data_of(&s), data_of(&t));
        test_note("bit %u", bit);
        CHECK(d.bad_numbers == 1 && says(&d, "text 5, number 3"));
    }
    em_replay_diff d = {0};
    sample nan1 = s, nan2 = s;
    memcpy(&nan1.row[0], &(uint32_t){0x7FC00000}, 4);
    memcpy(&nan2.row[0], &(uint32_t){0x7FC00001}, 4);
    em_replay_diff_data(&d, 0, data_of(&nan1), data_of(&nan2));
    CHECK(d.bad_numbers == 1 && d.most == 0 && says(&d, "7fc00001"));
    d = (em_replay_diff){0};
    em_replay_diff_data(&d, 0, data_of(&nan1), data_of(&nan1));
    CHECK(em_replay_diff_is_same(&d) && d.numbers == ROWS * DIM);
}

static void texts_and_shapes_that_differ_are_named(void)
{
    const sample s = good();
    sample t = s;
    em_replay_diff d = {0};

    t.text[1].tokens = 9;
    em_replay_diff_data(&d, 0, data_of(&s), data_of(&t));
    CHECK(says(&d, "text 6: 8 tokens in the evidence, 9 computed again"));
    CHECK(d.bad_records == 1 && d.bad_numbers == 0);
    t = s, t.text[2].truncated = true, d = (em_replay_diff){0};
    em_replay_diff_data(&d, 0, data_of(&s), data_of(&t));
    CHECK(says(&d, "text 7: truncated is false in the evidence, true here"));
    t = s, t.n = 2, d = (em_replay_diff){0};
    em_replay_diff_data(&d, 0, data_of(&s), data_of(&t));
    CHECK(says(&d, "3 rows of 4 numbers from text 5 on in the evidence, 2 of 4 from 5"));
    t = s, t.first = 6, d = (em_replay_diff){0};
    em_replay_diff_data(&d, 0, data_of(&s), data_of(&t));
    CHECK(says(&d, "from text 5 on in the evidence, 3 of 4 from 6"));
    t = s, t.dim = 3, d = (em_replay_diff){0};
    em_replay_diff_data(&d, 0, data_of(&s), data_of(&t));
    CHECK(says(&d, "of 4 numbers") && !em_replay_diff_is_same(&d));
}

static void a_record_that_is_none_is_said(void)
{
    const sample s = good();
    em_bytes whole = data_of(&s);
    em_replay_diff d = {0};

    em_replay_diff_data(&d, 2, em_view(whole.at, whole.len - 1), whole);
    CHECK(says(&d, "DATA 2: the record in the evidence is not well formed"));
    d = (em_replay_diff){0};
    em_replay_diff_data(&d, 2, (em_bytes){0}, whole);
    CHECK(!em_replay_diff_is_same(&d));
    d = (em_replay_diff){0};
    em_replay_diff_end(&d, EM_STR("x"), end_of((em_end){.status = EM_STATUS_STOP}));
    CHECK(says(&d, "END: the bytes differ") && d.bad_records == 1);
}

static void another_number_of_records_differs(void)
{
    em_replay_diff d = {0};

    em_replay_diff_count(&d, 3, 2);
    CHECK(!em_replay_diff_is_same(&d));
    CHECK(says(&d, "3 DATA records in the evidence, 2 computed again"));
}

static void fields_of_end_are_named(void)
{
    const em_end end = {
        .status = EM_STATUS_STOP, .input = 24, .parameters = used(true, 64)};
    em_end other[5];
    static const char *const words[] = {
        "END: status stop (code 0) in the evidence, error (code 5)",
        "END: usage of 24 and 0 tokens in the evidence, 25 and 0",
        "END: parameters truncate true, max_tokens 64 in the evidence, true, 65",
        "END: the parameters differ",
        "END: the salt differs",
    };

    for (size_t i = 0; i < EM_COUNT(other); i++) other[i] = end;
    other[0].status = EM_STATUS_ERROR, other[0].code = EM_FACE_BROKEN;
    other[1].input = 25;
    other[2].parameters = used(true, 65);
    other[3].parameters = (em_bytes){0};
    other[4].salt[15] = 1;
    for (size_t i = 0; i < EM_COUNT(other); i++) {
        em_replay_diff d = {0};
        em_replay_diff_end(&d, end_of(end), end_of(other[i]));
        CHECK(says(&d, words[i]) && !em_replay_diff_is_same(&d));
    }
}

static void only_the_first_difference_is_put_into_words(void)
{
    const sample s = good();
    sample t = s;
    em_replay_diff d = {0};

    t.row[0] = 9;
    em_replay_diff_data(&d, 0, data_of(&s), data_of(&t));
    t.row[0] = 17;
    em_replay_diff_data(&d, 1, data_of(&s), data_of(&t));
    CHECK(says(&d, "DATA 0: text 5, number 0: 0 "));
    CHECK(d.bad_records == 2 && d.bad_numbers == 2 && d.most == 17);
}

/* Every cut and flipped copy of a record is told from the record. */
static bool is_same(em_bytes input, void *arg)
{
    const sample *s = arg;
    em_replay_diff d = {0};

    em_replay_diff_data(&d, 0, input, data_of(s));
    return em_replay_diff_is_same(&d);
}

static void nothing_altered_passes(void)
{
    sample s = good();
    test_abuse_result r = test_abuse(data_of(&s), is_same, &s);

    CHECK(r.cuts_accepted == 0 && r.flips_accepted == 0);
}

int main(void)
{
    RUN(the_same_bytes_are_the_same);
    RUN(numbers_that_differ_are_named_and_counted);
    RUN(numbers_are_compared_by_their_bits);
    RUN(texts_and_shapes_that_differ_are_named);
    RUN(a_record_that_is_none_is_said);
    RUN(another_number_of_records_differs);
    RUN(fields_of_end_are_named);
    RUN(only_the_first_difference_is_put_into_words);
    RUN(nothing_altered_passes);
    return test_end();
}
