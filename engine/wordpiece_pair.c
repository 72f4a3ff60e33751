#include "engine/wordpiece_pair.h"

enum { SPECIAL = 3 }; /* [CLS], and a [SEP] behind each */

em_err em_wordpiece_pair_first(const em_wordpiece *tokenizer, em_bytes utf8,
                               size_t max_tokens, uint32_t *ids,
                               em_wordpiece_pair *ret_pair)
{
    size_t n, whole;

    if (max_tokens < SPECIAL) return EM_ERR_ARGUMENT;
    EM_TRY(em_wordpiece_encode(tokenizer, utf8, max_tokens, ids, &n, &whole));
    /* behind [CLS], without [SEP]: one more than a pair can take */
    *ret_pair = (em_wordpiece_pair){.tokenizer = tokenizer,
                                    .ids = ids + 1,
                                    .tokens = whole - 2,
                                    .max_tokens = max_tokens};
    return EM_OK;
}

/* How much `room` leaves of the shorter of two texts. */
static size_t left_of_shorter(size_t shorter, size_t room)
{
    return shorter <= room / 2 ? shorter : room / 2;
}

/* What stays of both. */
static void cut(size_t *first, size_t *second, size_t room)
{
    if (*first + *second <= room) return;
    if (*first <= *second) {
        *first = left_of_shorter(*first, room);
        *second = room - *first;
    } else {
        *second = left_of_shorter(*second, room);
        *first = room - *second;
    }
}

em_err em_wordpiece_pair_encode(const em_wordpiece_pair *pair, em_bytes utf8,
                                uint32_t *ret_ids, em_wordpiece_pair_size *ret_size)
{
    const em_wordpiece *t = pair->tokenizer;
    size_t first = pair->tokens, second, n, whole;

    /* the second text's own [CLS] comes to stand at 1, its tokens at 2, and they move up
     * once it is known how many there are: no other room is needed */
    EM_TRY(em_wordpiece_encode(t, utf8, pair->max_tokens - 1, ret_ids + 1, &n, &whole));
    second = whole - 2;
    cut(&first, &second, pair->max_tokens - SPECIAL);
    if (second > 0) memmove(ret_ids + 2 + first, ret_ids + 2, second * sizeof *ret_ids);
    ret_ids[0] = t->cls;
    if (first > 0) memcpy(ret_ids + 1, pair->ids, first * sizeof *ret_ids);
    ret_ids[1 + first] = t->sep;
    ret_ids[2 + first + second] = t->sep;
    *ret_size = (em_wordpiece_pair_size){.n = first + second + SPECIAL,
                                         .first = first + 2,
                                         .tokens = pair->tokens + whole + 1};
    return EM_OK;
}
