/* Which sequences go together: fairness, limits, cancels and late ones, in simulated
 * time. */
#include "enclave/schedule.h"
#include "tests/support/test.h"

enum { LONGEST = 64, MOST = 256, MANY = 300 };

typedef struct request {
    em_schedule_job job;
    em_schedule_account account;
    uint32_t start[1025];
    uint64_t computed; /* tokens */
    uint32_t batches;
} request;

static em_schedule s;
static request *all; /* MANY of them */

static const em_schedule_terms terms = {
    .lanes = 1, .least = 32, .first = LONGEST, .sequences = 16};

static void begin(const em_schedule_terms *how, uint32_t models)
{
    static const uint32_t most[EM_MAX_MODELS] = {MOST, MOST / 2, MOST, MOST,
                                                 MOST, MOST,     MOST, MOST};

    em_schedule_init(&s, how, most, models);
    if (all == NULL) all = test_alloc(MANY * sizeof *all);
    memset(all, 0, MANY * sizeof *all);
}

static em_schedule_job *add(request *r, unsigned model, uint32_t n, uint32_t tokens)
{
    r->job = (em_schedule_job){
        .model = model, .n = n, .start = r->start, .account = &r->account};
    for (uint32_t i = 0; i < n; i++) r->start[i + 1] = r->start[i] + tokens;
    em_schedule_add(&s, &r->job);
    return &r->job;
}

static request *request_of(em_schedule_job *job)
{
    return (request *)(void *)job; /* its first member */
}

/* What every batch must be. */
static void check_batch(const em_schedule_batch *b)
{
    uint32_t sequences = 0, tokens = 0;

    CHECK(b->parts > 0 && b->parts <= b->sequences);
    CHECK(b->sequences <= s.most_sequences && b->sequences <= EM_SCHEDULE_SEQUENCES);
    for (uint32_t i = 0; i < b->parts; i++) {
        const em_schedule_part *p = &b->part[i];
        bool again = false;
        REQUIRE(p->job != NULL && p->n > 0);
        CHECK(p->job->model == b->model && p->first + p->n <= p->job->next);
        sequences += p->n;
        tokens += p->job->start[p->first + p->n] - p->job->start[p->first];
        for (uint32_t k = 0; k < i; k++) again |= b->part[k].job == p->job;
        CHECK(p->again == again);
    }
    CHECK(sequences == b->sequences && tokens == b->tokens);
    CHECK(tokens <= s.model[b->model].most);
}

/* One batch, computed at once; its tokens, 0 where nothing waited. */
static uint32_t turn(void)
{
    static em_schedule_batch b;

    if (!em_schedule_next(&s, &b)) return 0;
    check_batch(&b);
    em_schedule_done(&s, &b);
    for (uint32_t i = 0; i < b.parts; i++) {
        request *r = request_of(b.part[i].job);
        r->computed +=
            r->start[b.part[i].first + b.part[i].n] - r->start[b.part[i].first];
        r->batches += !b.part[i].again;
    }
    return b.tokens;
}

static bool is_over(const request *r)
{
    return r->job.done == r->job.n;
}

static void a_lone_request_is_taken_at_once(void)
{
    begin(&terms, 1);
    CHECK(turn() == 0 && !em_schedule_waits(&s));
    add(&all[0], 0, 1, 9);
    CHECK(em_schedule_waits(&s) && s.fresh == 1);
    CHECK(turn() == 9 && is_over(&all[0]) && s.fresh == 0 && !em_schedule_waits(&s));
    /* one that fills batches: each as full as it may be */
    add(&all[1], 0, 16, LONGEST);
    for (uint32_t i = 0; i < 4; i++) CHECK(turn() == MOST);
    CHECK(turn() == 0 && is_over(&all[1]) && all[1].batches == 4);
}

/* The texts of everybody go in order and once each. */
static void sequences_go_once_and_in_order(void)
{
    static em_schedule_batch b;
    uint32_t seen[20] = {0};

    begin(&terms, 1);
    for (uint32_t i = 0; i < 20; i++)
        add(&all[i], 0, 1 + i * 7 % 40, 1 + i * 13 % LONGEST);
    while (em_schedule_next(&s, &b)) {
        check_batch(&b);
        for (uint32_t i = 0; i < b.parts; i++) {
            size_t k = (size_t)(request_of(b.part[i].job) - all);
            CHECK(b.part[i].first == seen[k]);
            seen[k] += b.part[i].n;
        }
        em_schedule_done(&s, &b);
    }
    for (uint32_t i = 0; i < 20; i++) CHECK(is_over(&all[i]) && seen[i] == all[i].job.n);
    CHECK(s.running == NULL && s.model[0].waiting == 0 && s.fresh == 0);
}

/* Who has a thousand long texts does not stand in the way of who has one. */
static void a_short_request_waits_for_one_batch(void)
{
    begin(&terms, 1);
    for (uint32_t i = 0; i < 50; i++) add(&all[i], 0, 1024, LONGEST);
    for (uint32_t i = 0; i < 100; i++) CHECK(turn() > 0);
    for (uint32_t i = 0; i < 100; i++) {
        request *r = &all[100 + i];
        uint32_t waited = 0;
        add(r, 0, 1, 9);
        while (!is_over(r)) {
            CHECK(turn() > 0);
            waited++;
        }
        test_note("%u: %u", i, waited);
        CHECK(waited <= 2 && r->batches == 1);
    }
}

/* And a stream of short ones does not starve the long one. */
static void short_requests_do_not_starve_a_long_one(void)
{
    uint64_t before;
    uint32_t next = 1;

    begin(&terms, 1);
    add(&all[0], 0, 1024, LONGEST);
    for (uint32_t i = 0; i < 8; i++) CHECK(turn() > 0);
    before = all[0].computed;
    for (uint32_t i = 0; i < 64; i++) {
        for (uint32_t k = 0; k < 4 && next < MANY; k++) add(&all[next++], 0, 1, LONGEST);
        CHECK(turn() > 0);
    }
    test_note("%llu tokens", (unsigned long long)(all[0].computed - before));
    CHECK(all[0].computed - before >= 30 * (uint64_t)MOST);
}

/* Long requests of unlike texts get the same number of tokens, to within two texts. */
static void tokens_are_shared_out_evenly(void)
{
    uint64_t least = UINT64_MAX, most = 0;

    begin(&terms, 1);
    for (uint32_t i = 0; i < 8; i++) add(&all[i], 0, 1024, 1 + i * 9);
    for (uint32_t i = 0; i < 30; i++) CHECK(turn() > 0);
    for (uint32_t i = 0; i < 8; i++) {
        if (all[i].computed < least) least = all[i].computed;
        if (all[i].computed > most) most = all[i].computed;
    }
    test_note("%llu..%llu", (unsigned long long)least, (unsigned long long)most);
    CHECK(most - least <= 2 * LONGEST && least > 3 * LONGEST);
}

/* Sixty sessions that ask for long texts again and again, and one that asks for a short
 * one now and then: it is among the next that are taken. */
static void who_was_given_little_goes_first(void)
{
    begin(&terms, 1);
    for (uint32_t i = 0; i < 60; i++) add(&all[i], 0, 1, LONGEST);
    for (uint32_t round = 0; round < 200; round++) {
        CHECK(turn() > 0);
        for (uint32_t i = 0; i < 60; i++)
            if (is_over(&all[i])) add(&all[i], 0, 1, LONGEST);
        if (round % 10 != 0) continue;
        add(&all[60], 0, 1, 9);
        CHECK(turn() > 0 && is_over(&all[60]));
    }
    for (uint32_t i = 0; i < 60; i++)
        CHECK(all[i].computed + 2 * LONGEST > all[0].computed &&
              all[0].computed + 2 * LONGEST > all[i].computed);
}

static void models_take_turns(void)
{
    static em_schedule_batch b;
    uint32_t got[3] = {0};

    begin(&terms, 3);
    for (uint32_t i = 0; i < 20; i++) add(&all[i], i % 5 == 0 ? 2 : 0, 64, LONGEST);
    for (uint32_t i = 0; i < 40; i++) {
        REQUIRE(em_schedule_next(&s, &b));
        check_batch(&b);
        em_schedule_done(&s, &b);
        got[b.model]++;
    }
    CHECK(got[0] == 20 && got[1] == 0 && got[2] == 20);
}

/* What is waiting is shared out among lanes, unless that would make batches too small. */
static void lanes_share(void)
{
    em_schedule_terms how = terms;
    static em_schedule_batch b[3];

    how.lanes = 2;
    begin(&how, 1);
    for (uint32_t i = 0; i < 10; i++) add(&all[i], 0, 1, 10);
    REQUIRE(em_schedule_next(&s, &b[0]) && em_schedule_next(&s, &b[1]));
    CHECK(b[0].tokens == 50 && b[1].tokens == 30 && em_schedule_waits(&s));
    REQUIRE(em_schedule_next(&s, &b[2]));
    CHECK(b[2].tokens == 20 && !em_schedule_next(&s, &b[2]));
    em_schedule_done(&s, &b[1]);
    em_schedule_done(&s, &b[0]);
    em_schedule_done(&s, &b[2]);
    CHECK(s.running == NULL);
    for (uint32_t i = 0; i < 10; i++) CHECK(is_over(&all[i]));
}

static void cancels_drop_what_is_in_no_batch(void)
{
    static em_schedule_batch b, c;

    begin(&terms, 1);
    add(&all[0], 0, 64, LONGEST);
    add(&all[1], 0, 2, LONGEST);
    REQUIRE(em_schedule_next(&s, &b));
    CHECK(b.parts == 4 && b.part[2].again && all[1].job.next == 2);
    /* one of two goes: the other is computed on */
    em_schedule_drop(&s, &all[0].job);
    CHECK(!atomic_load(&b.cancel));
    for (uint32_t i = 0; i < b.parts; i++) CHECK(b.part[i].job != &all[0].job);
    while (em_schedule_next(&s, &c)) {
        for (uint32_t i = 0; i < c.parts; i++) CHECK(c.part[i].job == &all[1].job);
        em_schedule_done(&s, &c);
    }
    /* when the last goes too, nobody wants the batch */
    em_schedule_drop(&s, &all[1].job);
    CHECK(atomic_load(&b.cancel));
    em_schedule_done(&s, &b);
    CHECK(s.running == NULL && s.model[0].waiting == 0 && s.fresh == 0);
    /* before anything of it was in a batch */
    add(&all[2], 0, 4, 9);
    em_schedule_drop(&s, &all[2].job);
    CHECK(s.fresh == 0 && !em_schedule_waits(&s) && !em_schedule_next(&s, &b));
}

static void late_ones_are_found_and_no_others(void)
{
    begin(&terms, 2);
    add(&all[0], 0, 64, LONGEST);
    all[0].job.since_ms = 1000;
    CHECK(turn() == MOST); /* begun: never late any more */
    for (uint32_t i = 1; i < 6; i++) {
        add(&all[i], i % 2, 1, 9);
        all[i].job.since_ms = 1000 * i;
    }
    CHECK(em_schedule_late(&s, 1000) == NULL);
    CHECK(em_schedule_late(&s, 3000) != NULL && em_schedule_late(&s, 3000) != NULL);
    CHECK(em_schedule_late(&s, 3000) == NULL && s.fresh == 3);
    while (turn() > 0) continue;
    CHECK(!is_over(&all[1]) && !is_over(&all[2]) && is_over(&all[0]));
    for (uint32_t i = 3; i < 6; i++) CHECK(is_over(&all[i]));
    CHECK(s.fresh == 0 && s.model[0].waiting == 0 && s.model[1].waiting == 0);
}

/* Everything at once, by dice: nothing is lost, nothing twice, no limit passed. */
static void by_dice(void)
{
    static em_schedule_batch b[4];
    em_schedule_terms how = terms;
    uint32_t dice = 12345, running = 0, next = 0, dropped = 0;
    bool used[4] = {0}, gone[MANY] = {0};

    how.lanes = 3;
    begin(&how, 4);
    for (uint32_t step = 0; step < 20000; step++) {
        dice = dice * 1664525 + 1013904223;
        uint32_t what = dice >> 24, k = (dice >> 8) % 4, who = (dice >> 12) % MANY;
        if (what < 60 && next < MANY) {
            add(&all[next], k, 1 + (dice >> 10) % 90, 1 + (dice >> 16) % LONGEST);
            next++;
        } else if (what < 64 && who < next && !gone[who] && !is_over(&all[who])) {
            em_schedule_drop(&s, &all[who].job);
            gone[who] = true;
            dropped++;
        } else if (what < 160 && !used[k]) {
            used[k] = em_schedule_next(&s, &b[k]);
            if (used[k]) check_batch(&b[k]);
            running += used[k];
        } else if (used[k]) {
            bool wanted = false;
            for (uint32_t i = 0; i < b[k].parts; i++) wanted |= b[k].part[i].job != NULL;
            CHECK(atomic_load(&b[k].cancel) == !wanted);
            for (uint32_t i = 0; i < b[k].parts; i++)
                if (b[k].part[i].job != NULL) {
                    request *r = request_of(b[k].part[i].job);
                    CHECK(!gone[r - all]);
                    r->computed += r->start[b[k].part[i].first + b[k].part[i].n] -
                                   r->start[b[k].part[i].first];
                }
            em_schedule_done(&s, &b[k]);
            used[k] = false;
        }
    }
    for (uint32_t k = 0; k < 4; k++)
        if (used[k]) em_schedule_done(&s, &b[k]);
    while (turn() > 0) continue;
    test_note("%u requests, %u batches, %u dropped", next, running, dropped);
    CHECK(next == MANY && running > 500 && dropped > 20 && s.running == NULL);
    for (uint32_t i = 0; i < next; i++) CHECK(gone[i] || is_over(&all[i]));
    for (uint32_t k = 0; k < 4; k++)
        CHECK(s.model[k].waiting == 0 && s.model[k].fresh.first == NULL &&
              s.model[k].old.first == NULL);
    CHECK(s.fresh == 0);
}

int main(void)
{
    RUN(a_lone_request_is_taken_at_once);
    RUN(sequences_go_once_and_in_order);
    RUN(a_short_request_waits_for_one_batch);
    RUN(short_requests_do_not_starve_a_long_one);
    RUN(tokens_are_shared_out_evenly);
    RUN(who_was_given_little_goes_first);
    RUN(models_take_turns);
    RUN(lanes_share);
    RUN(cancels_drop_what_is_in_no_batch);
    RUN(late_ones_are_found_and_no_others);
    RUN(by_dice);
    return test_end();
}
