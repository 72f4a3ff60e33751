#include "tools/replay_diff.h"

#include "trust/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Only the first difference is put into words. */
__attribute__((format(printf, 2, 3))) static void say(em_replay_diff *d, const char *text,
                                                      ...)
{
    va_list args;

    if (d->text[0] != 0) return;
    va_start(args, text);
    vsnprintf(d->text, sizeof d->text, text, args);
    va_end(args);
}

bool em_replay_diff_is_same(const em_replay_diff *diff)
{
    return diff->bad_records == 0 && diff->text[0] == 0;
}

void em_replay_diff_count(em_replay_diff *diff, size_t claimed, size_t made)
{
    if (claimed != made)
        say(diff, "%zu DATA records in the evidence, %zu computed again", claimed, made);
}

/* ---- DATA ---- */

typedef struct side {
    em_embed_text text[EM_MAX_INPUTS];
    em_embed_part part;
} side;

static uint32_t bits_at(em_bytes vectors, size_t i)
{
    const uint8_t *p = vectors.at + 4 * i;

    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static double value_of(uint32_t bits)
{
    float f;

    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

/* Bit by bit: 0 and -0 differ, and so do two NaNs. */
static void compare_numbers(em_replay_diff *d, size_t index, const side *claimed,
                            const side *made)
{
    const em_embed_part *p = &made->part;

    for (size_t i = 0; i < p->n * p->dim; i++) {
        uint32_t x = bits_at(claimed->part.vectors, i), y = bits_at(p->vectors, i);
        d->numbers++;
        if (x == y) continue;
        double a = value_of(x), b = value_of(y), apart = a > b ? a - b : b - a;
        d->bad_numbers++;
        if (apart > d->most && __builtin_isfinite(apart)) d->most = apart;
        say(d,
            "DATA %zu: text %zu, number %zu: %.9g (bits %08x) in the evidence, %.9g "
            "(bits %08x) computed again, %.3g apart",
            index, p->first + i / p->dim, i % p->dim, a, x, b, y, apart);
    }
}

static const char *word(bool is)
{
    return is ? "true" : "false";
}

static void compare_texts(em_replay_diff *d, size_t index, const side *claimed,
                          const side *made)
{
    for (size_t i = 0; i < made->part.n; i++) {
        const em_embed_text *x = &claimed->text[i], *y = &made->text[i];
        size_t text = made->part.first + i;
        if (x->tokens != y->tokens)
            say(d, "DATA %zu: text %zu: %u tokens in the evidence, %u computed again",
                index, text, x->tokens, y->tokens);
        if (x->truncated != y->truncated)
            say(d, "DATA %zu: text %zu: truncated is %s in the evidence, %s here", index,
                text, word(x->truncated), word(y->truncated));
    }
}

static void explain_data(em_replay_diff *d, size_t index, em_bytes claimed, em_bytes made,
                         side *x, side *y)
{
    em_err err = em_answer_parse_embed(claimed, x->text, &x->part);

    if (err != EM_OK) {
        say(d, "DATA %zu: the record in the evidence is not well formed (%s)", index,
            em_err_name(err));
        return;
    }
    if (em_answer_parse_embed(made, y->text, &y->part) != EM_OK) {
        say(d, "DATA %zu: what was computed again is not well formed", index);
        return;
    }
    const em_embed_part *a = &x->part, *b = &y->part;
    if (a->dim != b->dim || a->first != b->first || a->n != b->n) {
        say(d,
            "DATA %zu: %zu rows of %u numbers from text %zu on in the evidence, %zu of "
            "%u from %zu on computed again",
            index, a->n, a->dim, a->first, b->n, b->dim, b->first);
        return;
    }
    compare_texts(d, index, x, y);
    compare_numbers(d, index, x, y);
}

/* The numbers of a record whose bytes are the same. */
static void count_numbers(em_replay_diff *d, em_bytes made, side *y)
{
    if (em_answer_parse_embed(made, y->text, &y->part) == EM_OK)
        d->numbers += (uint64_t)y->part.n * y->part.dim;
}

void em_replay_diff_data(em_replay_diff *diff, size_t index, em_bytes claimed,
                         em_bytes made)
{
    side *both = calloc(2, sizeof *both);
    bool same = em_same(claimed, made);

    diff->records++;
    diff->bad_records += !same;
    if (both != NULL && same) count_numbers(diff, made, &both[0]);
    if (both != NULL && !same)
        explain_data(diff, index, claimed, made, &both[0], &both[1]);
    if (!same) say(diff, "DATA %zu: the bytes differ", index);
    free(both);
}

/* ---- END ---- */

static void explain_end(em_replay_diff *d, const em_end *a, const em_end *b)
{
    if (a->status != b->status || a->code != b->code)
        say(d, "END: status %s (code %u) in the evidence, %s (code %u) computed again",
            em_message_status_name(a->status), a->code, em_message_status_name(b->status),
            b->code);
    if (a->input != b->input || a->output != b->output)
        say(d,
            "END: usage of %llu and %llu tokens in the evidence, %llu and %llu computed "
            "again",
            (unsigned long long)a->input, (unsigned long long)a->output,
            (unsigned long long)b->input, (unsigned long long)b->output);
    if (!em_same(a->parameters, b->parameters)) {
        em_used x = {0}, y = {0};
        if (em_message_parse_used(a->parameters, &x) == EM_OK &&
            em_message_parse_used(b->parameters, &y) == EM_OK)
            say(d,
                "END: parameters truncate %s, max_tokens %u in the evidence, %s, %u "
                "computed again",
                word(x.truncate), x.max_tokens, word(y.truncate), y.max_tokens);
        say(d, "END: the parameters differ");
    }
    if (memcmp(a->salt, b->salt, sizeof a->salt) != 0) say(d, "END: the salt differs");
}

void em_replay_diff_end(em_replay_diff *diff, em_bytes claimed, em_bytes made)
{
    em_end a, b;

    diff->records++;
    if (em_same(claimed, made)) return;
    diff->bad_records++;
    if (em_message_parse_end(claimed, &a) == EM_OK &&
        em_message_parse_end(made, &b) == EM_OK)
        explain_end(diff, &a, &b);
    say(diff, "END: the bytes differ");
}
