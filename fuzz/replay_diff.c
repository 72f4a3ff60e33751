/* covers: tools/replay_diff.c
 *
 * A record out of an evidence file against one of our own: whatever the bytes, they are
 * the same or there is a difference in words. */
#include "tools/replay_diff.h"
#include "trust/answer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the seeds are near to. */
static em_bytes made(uint8_t *buf, size_t cap)
{
    static const em_embed_text text[2] = {{.tokens = 5},
                                          {.tokens = 9, .truncated = true}};
    static const float row[2][3] = {{0.25f, -1.5f, 3}, {0, 1e-9f, -7}};
    const em_embed_part part = {.n = 2, .dim = 3, .text = text, .vectors = EM_BYTES(row)};
    em_out o = em_out_over(buf, cap);

    em_answer_put_embed(&o, &part);
    if (em_write_end(&o) != EM_OK) abort();
    return em_write_view(&o);
}

static em_bytes made_end(uint8_t *buf, size_t cap)
{
    uint8_t parameters[EM_MESSAGE_USED];
    em_out p = EM_OUT(parameters), o = em_out_over(buf, cap);

    em_message_put_used(&p, &(em_used){true, 64});
    em_message_put_end(&o, &(em_end){.status = EM_STATUS_STOP,
                                     .input = 14,
                                     .parameters = em_write_view(&p)});
    if (em_write_end(&o) != EM_OK) abort();
    return em_write_view(&o);
}

static void check(const em_replay_diff *d, bool same)
{
    if (em_replay_diff_is_same(d) != same || (d->text[0] == 0) != same) abort();
    if (d->bad_numbers > d->numbers || d->bad_records != !same) abort();
    if (memchr(d->text, 0, sizeof d->text) == NULL) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t buf[512];
    em_bytes claimed = em_view(data, size), ours = made(buf, sizeof buf);
    em_replay_diff d = {0};

    em_replay_diff_data(&d, 0, claimed, ours);
    check(&d, em_same(claimed, ours));
    d = (em_replay_diff){0};
    ours = made_end(buf, sizeof buf);
    em_replay_diff_end(&d, claimed, ours);
    check(&d, em_same(claimed, ours));
    return 0;
}
