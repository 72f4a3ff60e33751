/* The enclave's sessions in memory: a real client session on the other side, real
 * documents, a real (small) model, and every way in which a guest may misbehave. */
#include "session/session_client.h"
#include "tests/system/local.h"
#include "trust/peer_receipt.h"

enum { MANY = 64, ROOM = 256 };

/* A guest and its client, each with what it keeps. */
typedef struct pair {
    em_guest g;
    em_session c;
    em_map pages;
    em_bytes c1, e1;
    em_peer peer;
    em_guest_wish wish; /* the last that was not nothing */
} pair;

/* What came back for one request. */
typedef struct answer {
    size_t n_rows, n_data;
    float vector[8][64];
    em_embed_text text[8];
    em_end end;
    bool ended, final, has_receipt;
    em_bytes data; /* the last DATA's body */
    em_receipt receipt;
    em_companion companion;
    em_err verified;
} answer;

static uint8_t body[EM_MAX_DATA_BODY];
static em_work_budget budget;
static em_policy policy;
static em_tensor tensors[EM_MAX_TENSORS];

static em_bytes kept(em_bytes bytes)
{
    uint8_t *at = test_alloc(bytes.len + 1);

    if (bytes.len > 0) memcpy(at, bytes.at, bytes.len);
    return em_view(at, bytes.len);
}

static void pair_end(pair *p)
{
    em_guest_end(&p->g);
    em_session_drop(&p->c);
    em_map_drop(&p->pages);
}

static void pair_begin(pair *p, const char *deployment)
{
    uint8_t nonce[EM_HELLO_NONCE_LEN];

    memset(p, 0, sizeof *p);
    local_must(em_guest_start(&p->g, &here.identity, body, &budget), "guest");
    local_must(
        em_map_anonymous(EM_SESSION_CLIENT_IN + EM_SESSION_CLIENT_OUT, 0, &p->pages),
        "pages");
    const em_session_buffers room = {.in = p->pages.at,
                                     .in_cap = EM_SESSION_CLIENT_IN,
                                     .out = p->pages.at + EM_SESSION_CLIENT_IN,
                                     .out_cap = EM_SESSION_CLIENT_OUT};
    local_must(em_entropy_fill(nonce, sizeof nonce), "nonce");
    local_must(em_session_client_start(&p->c, &room,
                                       em_view(deployment, strlen(deployment)), nonce,
                                       em_clock_monotonic_ms()),
               "client");
    p->c1 = kept(em_session_pending(&p->c));
}

/* The client's pending bytes into the guest. */
static em_err to_guest(pair *p)
{
    em_bytes pending = em_session_pending(&p->c);
    em_guest_wish wish;
    em_err err = em_guest_feed(&p->g, pending, &wish);

    em_session_sent(&p->c, pending.len);
    if (err == EM_OK && wish != EM_GUEST_NOTHING) p->wish = wish;
    return err;
}

static em_err accept(pair *p, em_bytes e1)
{
    EM_DROP(em_x25519_secret) ephemeral = {0};

    p->e1 = kept(e1);
    const em_peer_ask ask = {.c1 = p->c1,
                             .e1 = p->e1,
                             .policy = &policy,
                             .when = EM_ATTEST_LIVE,
                             .at_ms = em_clock_wall_ms(),
                             .tensors = tensors};
    EM_TRY(em_peer_verify(&ask, NULL, &p->peer));
    EM_TRY(em_entropy_fill(ephemeral.b, sizeof ephemeral.b));
    return em_session_client_accept(&p->c, &p->peer, &ephemeral, em_clock_monotonic_ms());
}

static em_err handshake(pair *p)
{
    em_session_event e;

    EM_TRY(to_guest(p));
    if (p->wish != EM_GUEST_ATTEST) return EM_ERR_SESSION_STATE;
    p->wish = EM_GUEST_NOTHING;
    em_guest_attest(&p->g, &here.attestor);
    EM_TRY(em_guest_attested(&p->g));
    em_bytes pending = em_session_pending(&p->g.session), in = pending;
    EM_TRY(em_session_feed(&p->c, &in, em_clock_monotonic_ms()));
    em_session_sent(&p->g.session, pending.len);
    e = em_session_next(&p->c);
    if (e.what != EM_SESSION_ATTEST) return EM_ERR_SESSION_STATE;
    EM_TRY(accept(p, e.bytes));
    EM_TRY(to_guest(p));
    return p->g.open ? EM_OK : EM_ERR_SESSION_STATE;
}

static void opened(pair *p)
{
    pair_begin(p, "here");
    local_must(handshake(p), "handshake");
}

/* ---- requests ---- */

static em_bytes request_of(em_op op, const char *model, const char *const *texts,
                           size_t n, bool truncate)
{
    em_out o = em_out_over(test_alloc(EM_MAX_DATA_BODY), EM_MAX_DATA_BODY);
    em_bytes input[8];
    em_request r = {.op = op,
                    .model = em_view(model, strlen(model)),
                    .n_inputs = n,
                    .input = input,
                    .truncate = truncate};

    for (size_t i = 0; i < n; i++) input[i] = em_view(texts[i], strlen(texts[i]));
    memset(r.salt, 9, sizeof r.salt);
    em_message_put_request(&o, &r);
    local_must(em_write_end(&o), "request");
    return em_write_view(&o);
}

static em_err ask(pair *p, em_bytes request)
{
    p->wish = EM_GUEST_NOTHING;
    EM_TRY(em_session_client_request(&p->c, request, true, em_clock_monotonic_ms()));
    return to_guest(p);
}

static void take_rows(answer *a, em_bytes bytes)
{
    static em_embed_text texts[EM_MAX_INPUTS];
    em_embed_part part;

    a->n_data++;
    a->data = kept(bytes);
    if (em_answer_parse_embed(bytes, texts, &part) != EM_OK) return;
    CHECK(part.first == a->n_rows && part.dim == 64);
    for (size_t i = 0; i < part.n && a->n_rows < EM_COUNT(a->vector); i++) {
        memcpy(a->vector[a->n_rows], part.vectors.at + i * 256, 256);
        a->text[a->n_rows++] = texts[i];
    }
}

static void take_receipt(pair *p, answer *a, em_bytes bytes)
{
    em_receipt_body parts;
    em_inference inference = {
        .has_sequence = true, .has_request = true, .has_response = true};

    a->has_receipt = true;
    CHECK_OK(em_message_parse_receipt(kept(bytes), &parts));
    inference.sequence = em_session_count(&p->c).messages - 1;
    CHECK_OK(em_session_request_hash(&p->c, inference.request_hash));
    CHECK_OK(em_session_answer_hash(&p->c, inference.response_hash));
    a->verified = em_peer_receipt(&p->peer, parts.receipt, &inference, NULL, &a->receipt);
    if (a->verified == EM_OK)
        a->verified = em_peer_receipt_companion(&p->peer, &a->receipt, parts.companion,
                                                NULL, &a->companion);
}

/* Reads the whole answer, as the loop would have it sent. */
static em_err collect(pair *p, answer *a)
{
    memset(a, 0, sizeof *a);
    for (unsigned round = 0; round < 1000; round++) {
        EM_TRY(em_guest_answer(&p->g));
        em_bytes pending = em_session_pending(&p->g.session), in = pending;
        if (pending.len == 0) return EM_OK;
        while (in.len > 0) {
            em_session_event e;
            EM_TRY(em_session_feed(&p->c, &in, em_clock_monotonic_ms()));
            while ((e = em_session_next(&p->c)).what != EM_SESSION_NONE) {
                if (e.what == EM_SESSION_DATA) take_rows(a, e.bytes);
                if (e.what == EM_SESSION_END) {
                    a->ended = true, a->final = e.final;
                    CHECK_OK(em_message_parse_end(kept(e.bytes), &a->end));
                }
                if (e.what == EM_SESSION_RECEIPT) take_receipt(p, a, e.bytes);
            }
        }
        em_session_sent(&p->g.session, pending.len);
    }
    return EM_ERR_LIMIT;
}

/* What the loop and the runner do. */
static void compute(pair *p)
{
    REQUIRE(p->wish == EM_GUEST_WORK);
    CHECK_OK(em_runner_submit(&here.runner, &p->g.work));
    if (atomic_load(&p->g.work.cancel)) em_runner_cancel(&here.runner, &p->g.work);
    while (em_runner_step(&here.runner)) continue;
    REQUIRE(atomic_load(&p->g.work.over));
    em_guest_worked(&p->g);
}

static em_err whole(pair *p, em_bytes request, answer *a)
{
    EM_TRY(ask(p, request));
    if (p->wish == EM_GUEST_WORK) compute(p);
    return collect(p, a);
}

static bool is_clean(const pair *p)
{
    return em_work_memory(&p->g.work) == 0 && p->g.work.charged == 0 &&
           budget.left == here.config.limits.memory;
}

/* ---- what is tested ---- */

static const char *const two_texts[] = {"a first text", "and a second, longer text"};

static void an_inference_has_a_receipt_that_holds(void)
{
    static pair p;
    static answer a, b;

    opened(&p);
    CHECK_OK(whole(&p, request_of(EM_OP_EMBED, "small", two_texts, 2, true), &a));
    CHECK(a.n_rows == 2 && a.ended && !a.final && a.has_receipt);
    CHECK_OK(a.verified);
    CHECK(a.end.status == EM_STATUS_STOP && a.end.code == 0);
    CHECK(a.end.input == a.text[0].tokens + a.text[1].tokens && a.end.input > 4);
    CHECK(a.companion.input == a.end.input);
    CHECK(a.receipt.claims.sequence_number == 0);
    CHECK(em_same(a.receipt.claims.model_id, EM_STR("small")));
    CHECK(em_same(a.receipt.claims.iss, EM_STR("here")));
    CHECK(em_same(a.receipt.claims.policy_version, EM_STR("cfg-1")));
    CHECK(em_same(a.receipt.claims.security_mode, EM_STR("evaluation")));
    CHECK(!em_all_zero(EM_BYTES(a.end.salt)));
    CHECK(is_clean(&p));

    CHECK_OK(whole(&p, request_of(EM_OP_EMBED, "small", two_texts + 1, 1, true), &b));
    CHECK_OK(b.verified);
    CHECK(b.receipt.claims.sequence_number == 1);
    CHECK(memcmp(a.vector[1], b.vector[0], sizeof b.vector[0]) == 0);
    CHECK(memcmp(a.end.salt, b.end.salt, sizeof b.end.salt) != 0);
    CHECK(!em_same(a.receipt.claims.cti, b.receipt.claims.cti));
    pair_end(&p);
}

static void the_scratch_is_wiped_as_far_as_it_was_used(void)
{
    static pair p;
    static answer a;
    em_bytes left = em_map_view(&here.runner.lane[0].batch.pages);

    opened(&p);
    CHECK_OK(ask(&p, request_of(EM_OP_EMBED, "small", two_texts, 2, true)));
    compute(&p);
    CHECK(em_all_zero(left));
    CHECK_OK(collect(&p, &a));
    /* several batches: eight texts of the longest length */
    static char longest[2000];
    const char *texts[8];
    for (size_t i = 0; i + 2 < sizeof longest; i += 2) memcpy(longest + i, "a ", 2);
    for (size_t i = 0; i < 8; i++) texts[i] = longest;
    CHECK_OK(ask(&p, request_of(EM_OP_EMBED, "small", texts, 8, true)));
    compute(&p);
    CHECK(em_all_zero(left));
    CHECK_OK(collect(&p, &a));
    CHECK(a.n_rows == 8 && a.text[7].tokens == 64 && a.text[7].truncated);
    CHECK(a.end.input == 8 * 64);
    CHECK_OK(a.verified);
    pair_end(&p);
}

static void models_and_status_have_none(void)
{
    static pair p;
    static answer a;
    em_model_card cards[EM_MAX_MODELS];
    em_status_body status;
    size_t n = 0;

    opened(&p);
    CHECK_OK(whole(&p, request_of(EM_OP_MODELS, "", NULL, 0, true), &a));
    CHECK(a.final && !a.has_receipt && a.n_data == 1 && a.end.status == EM_STATUS_STOP);
    CHECK_OK(em_answer_parse_models(a.data, cards, &n));
    CHECK(n == 1 && cards[0].dim == 64 && cards[0].max_tokens == 64);
    CHECK(memcmp(cards[0].manifest, here.identity.served[0].manifest.hash, 32) == 0);
    CHECK_OK(whole(&p, request_of(EM_OP_STATUS, "", NULL, 0, true), &a));
    CHECK(a.final && !a.has_receipt && a.n_data == 1);
    CHECK_OK(em_answer_parse_status(a.data, &status));
    CHECK(status.messages == 2 && status.models == 1 && status.tokens == 0);
    CHECK(em_same(status.mode, EM_STR("evaluation")) && status.bytes_in > 0);
    CHECK(status.left_ms <= EM_SESSION_LIFE_MS && status.age_ms < 60000);
    CHECK(is_clean(&p));
    pair_end(&p);
}

/* A request that ends without a model being touched. */
static void refused(pair *p, em_bytes request, em_status status, em_face code)
{
    static answer a;

    CHECK_OK(whole(p, request, &a));
    CHECK(a.ended && a.final && !a.has_receipt && a.n_data == 0);
    CHECK(a.end.status == status && a.end.code == (unsigned)code && a.end.input == 0);
    CHECK(!em_all_zero(EM_BYTES(a.end.salt)));
    CHECK(is_clean(p));
}

static void what_is_refused_is_answered_and_forgotten(void)
{
    static pair p;
    static answer a;
    static char longest[2000];
    const char *too_long = longest;

    for (size_t i = 0; i + 2 < sizeof longest; i += 2) memcpy(longest + i, "a ", 2);
    opened(&p);
    refused(&p, request_of(EM_OP_EMBED, "other", two_texts, 2, true), EM_STATUS_ERROR,
            EM_FACE_NOT_FOUND);
    refused(&p, request_of(EM_OP_CLASSIFY, "small", two_texts, 2, true), EM_STATUS_ERROR,
            EM_FACE_UNSUPPORTED);
    refused(&p, request_of(EM_OP_GENERATE, "small", two_texts, 2, true), EM_STATUS_ERROR,
            EM_FACE_UNSUPPORTED);
    refused(&p, EM_STR("no CBOR"), EM_STATUS_ERROR, EM_FACE_BAD_REQUEST);
    refused(&p, EM_STR("\xA0"), EM_STATUS_ERROR, EM_FACE_BAD_REQUEST);
    refused(&p, (em_bytes){0}, EM_STATUS_ERROR, EM_FACE_BAD_REQUEST);
    refused(&p, request_of(EM_OP_EMBED, "small", &too_long, 1, false), EM_STATUS_ERROR,
            EM_FACE_BAD_REQUEST);
    /* and the session goes on */
    CHECK_OK(whole(&p, request_of(EM_OP_EMBED, "small", two_texts, 2, true), &a));
    CHECK_OK(a.verified);
    CHECK(a.receipt.claims.sequence_number == 7);
    pair_end(&p);
}

static void a_request_that_is_too_large_ends_the_session(void)
{
    static pair p;
    static uint8_t part[EM_MAX_DATA_BODY];
    em_err err = EM_OK;
    size_t sent = 0;

    opened(&p);
    while (err == EM_OK && sent < 2 * EM_MAX_REQUEST) {
        err = em_session_client_request(&p.c, EM_BYTES(part), false,
                                        em_clock_monotonic_ms());
        if (err == EM_ERR_LIMIT) break; /* our own client would not */
        if (err == EM_OK) err = to_guest(&p);
        sent += sizeof part;
    }
    CHECK_ERR(err, EM_ERR_LIMIT);
    CHECK(p.g.work.body_len <= EM_MAX_REQUEST);
    CHECK(budget.left < here.config.limits.memory);
    pair_end(&p);
    CHECK(budget.left == here.config.limits.memory);
}

/* Requests that nobody finishes may together hold what the budget has, and no more. */
static void unfinished_requests_share_one_budget(void)
{
    static pair p[ROOM];
    static uint8_t part[EM_MAX_DATA_BODY];
    static answer a;
    size_t n = 0, busy = 0;

    while (n < ROOM && busy == 0) {
        opened(&p[n]);
        for (size_t sent = 0; sent < 4 * (size_t)1048576; sent += sizeof part) {
            CHECK_OK(em_session_client_request(&p[n].c, EM_BYTES(part), false,
                                               em_clock_monotonic_ms()));
            CHECK_OK(to_guest(&p[n]));
        }
        busy += p[n].g.refused == EM_ERR_BUSY;
        n++;
    }
    CHECK(busy == 1 && n <= 1 + EM_CONFIG_MEMORY / (4 * 1048576));
    CHECK(em_work_memory(&p[n - 1].g.work) == 0); /* held no longer */
    /* it is told when its request is whole; others are served */
    CHECK_OK(whole(&p[n - 1], (em_bytes){0}, &a));
    CHECK(a.end.status == EM_STATUS_BUSY && a.end.code == EM_FACE_BUSY && a.final);
    for (size_t i = 0; i < n; i++) pair_end(&p[i]);
    CHECK(budget.left == here.config.limits.memory);
}

static void a_full_queue_says_busy(void)
{
    static pair p;
    static answer a;

    opened(&p);
    CHECK_OK(ask(&p, request_of(EM_OP_EMBED, "small", two_texts, 2, true)));
    CHECK(p.wish == EM_GUEST_WORK);
    em_guest_refuse(&p.g, EM_ERR_BUSY);
    CHECK_OK(collect(&p, &a));
    CHECK(a.end.status == EM_STATUS_BUSY && a.final && !a.has_receipt && is_clean(&p));
    CHECK_OK(whole(&p, request_of(EM_OP_EMBED, "small", two_texts, 2, true), &a));
    CHECK_OK(a.verified);
    pair_end(&p);
}

static void cancel_before_and_after(void)
{
    static pair p;
    static answer a;

    opened(&p);
    /* before the engine has begun: nothing was touched */
    CHECK_OK(ask(&p, request_of(EM_OP_EMBED, "small", two_texts, 2, true)));
    CHECK_OK(em_session_client_cancel(&p.c, em_clock_monotonic_ms()));
    em_guest_wish kept_wish = p.wish;
    CHECK_OK(to_guest(&p));
    p.wish = kept_wish;
    compute(&p);
    CHECK_OK(collect(&p, &a));
    CHECK(a.end.status == EM_STATUS_CANCELLED && a.end.code == EM_FACE_CANCELLED);
    CHECK(a.final && !a.has_receipt && a.n_rows == 0 && is_clean(&p));
    /* after: the answer comes whole, and the next request is not cancelled with it */
    CHECK_OK(ask(&p, request_of(EM_OP_EMBED, "small", two_texts, 2, true)));
    compute(&p);
    CHECK_OK(em_session_client_cancel(&p.c, em_clock_monotonic_ms()));
    CHECK_OK(to_guest(&p));
    CHECK_OK(collect(&p, &a));
    CHECK(a.end.status == EM_STATUS_STOP && a.n_rows == 2);
    CHECK_OK(a.verified);
    CHECK_OK(whole(&p, request_of(EM_OP_EMBED, "small", two_texts, 2, true), &a));
    CHECK(a.end.status == EM_STATUS_STOP);
    pair_end(&p);
}

/* Cancelled between two of its batches: END says so, and a receipt stands beside it. */
static void a_cancelled_inference_has_a_receipt(void)
{
    static pair p;
    static answer a;
    static char longest[2000];
    const char *texts[8];

    for (size_t i = 0; i + 2 < sizeof longest; i += 2) memcpy(longest + i, "a ", 2);
    for (size_t i = 0; i < 8; i++) texts[i] = longest;
    opened(&p);
    CHECK_OK(ask(&p, request_of(EM_OP_EMBED, "small", texts, 8, true)));
    CHECK_OK(em_runner_submit(&here.runner, &p.g.work));
    CHECK(em_runner_step(&here.runner) && !atomic_load(&p.g.work.over));
    em_runner_cancel(&here.runner, &p.g.work);
    CHECK(atomic_load(&p.g.work.over) && !em_runner_step(&here.runner));
    em_guest_worked(&p.g);
    CHECK_OK(collect(&p, &a));
    CHECK(a.end.status == EM_STATUS_CANCELLED && !a.final && a.has_receipt);
    CHECK(a.n_rows == 0 && a.companion.status == EM_STATUS_CANCELLED);
    /* the tokens of the one batch that there was */
    CHECK(a.end.input == 2 * 64 && a.companion.input == a.end.input);
    CHECK_OK(a.verified);
    CHECK(is_clean(&p));
    pair_end(&p);
}

static void nobody_speaks_out_of_turn(void)
{
    static pair p;
    em_guest_wish wish;

    /* the wrong deployment: the NSM is not asked */
    unsigned documents = atomic_load(&here.documents);
    pair_begin(&p, "there");
    CHECK_ERR(handshake(&p), EM_ERR_DEPLOYMENT);
    pair_end(&p);
    /* noise, and another type of record */
    pair_begin(&p, "here");
    CHECK(em_guest_feed(&p.g, EM_STR("GET / HTTP/1.1\r\n\r\n"), &wish) != EM_OK);
    pair_end(&p);
    pair_begin(&p, "here");
    CHECK_ERR(em_guest_feed(&p.g, EM_STR("\x04\x01\0\0\x01\x10"), &wish),
              EM_ERR_SESSION_STATE);
    pair_end(&p);
    /* anything behind C1 before E1 has gone */
    pair_begin(&p, "here");
    CHECK_OK(to_guest(&p));
    CHECK(p.wish == EM_GUEST_ATTEST);
    CHECK_ERR(em_guest_feed(&p.g, EM_STR("\x03"), &wish), EM_ERR_SESSION_STATE);
    pair_end(&p);
    CHECK(atomic_load(&here.documents) == documents);
    /* a second request before the answer */
    opened(&p);
    CHECK_OK(ask(&p, request_of(EM_OP_EMBED, "small", two_texts, 2, true)));
    CHECK_ERR(em_guest_feed(&p.g, EM_STR("\x04\x01\0\0\x01\x10"), &wish),
              EM_ERR_SESSION_STATE);
    pair_end(&p);
    CHECK(budget.left == here.config.limits.memory);
}

static void a_manifest_that_has_expired_is_not_attested(void)
{
    static pair p;
    em_time kept_time = here.identity.time;

    pair_begin(&p, "here");
    here.identity.time.attested_ms += 2 * (uint64_t)LOCAL_DAY_MS;
    CHECK_ERR(handshake(&p), EM_ERR_MANIFEST_EXPIRED);
    here.identity.time = kept_time;
    pair_end(&p);
}

static void a_broken_nsm_ends_the_handshake_only(void)
{
    static pair p;
    em_nsm_state kept_state = here.nsm;

    /* the villain's NSM answers another nonce: the client refuses, not the guest */
    here.nsm.debug_after = 1;
    pair_begin(&p, "here");
    CHECK_ERR(handshake(&p), EM_ERR_DEBUG_ENCLAVE);
    pair_end(&p);
    kept_state.documents = here.nsm.documents;
    here.nsm = kept_state;
    /* no NSM at all */
    EM_DROP(em_attestor) none = {0};
    pair_begin(&p, "here");
    CHECK_OK(to_guest(&p));
    em_guest_attest(&p.g, &none);
    CHECK(em_guest_attested(&p.g) != EM_OK);
    pair_end(&p);
    opened(&p);
    pair_end(&p);
}

/* Byte by byte, and all sessions in each other's way. */
static void many_guests_each_get_their_own(void)
{
    static pair p[MANY], alone;
    static answer truth[MANY], a;
    static char text[MANY][64];

    opened(&alone);
    for (size_t i = 0; i < MANY; i++) {
        const char *one = text[i];
        snprintf(text[i], sizeof text[i], "text %zu speaks of %zu", i, i * 7919 % 1000);
        local_must(
            whole(&alone, request_of(EM_OP_EMBED, "small", &one, 1, true), &truth[i]),
            "truth");
    }
    pair_end(&alone);
    for (size_t i = 0; i < MANY; i++) opened(&p[i]);
    for (size_t i = 0; i < MANY; i++) {
        const char *one = text[i];
        em_bytes r = request_of(EM_OP_EMBED, "small", &one, 1, true);
        CHECK_OK(em_session_client_request(&p[i].c, r, true, em_clock_monotonic_ms()));
    }
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < MANY; i++) {
            em_bytes pending = em_session_pending(&p[i].c);
            size_t len = pending.len < 1 + i % 40 ? pending.len : 1 + i % 40;
            em_guest_wish wish;
            if (len == 0) continue;
            moved = true;
            CHECK_OK(em_guest_feed(&p[i].g, em_view(pending.at, len), &wish));
            if (wish != EM_GUEST_NOTHING) p[i].wish = wish;
            em_session_sent(&p[i].c, len);
        }
    }
    /* together, and not in the order in which they came */
    for (size_t i = 0; i < MANY; i++)
        CHECK_OK(em_runner_submit(&here.runner, &p[MANY - 1 - i].g.work));
    while (em_runner_step(&here.runner)) continue;
    for (size_t i = 0; i < MANY; i++) {
        CHECK(p[i].wish == EM_GUEST_WORK && atomic_load(&p[i].g.work.over));
        em_guest_worked(&p[i].g);
    }
    for (size_t i = 0; i < MANY; i++) {
        size_t k = i * 37 % MANY;
        test_note("%zu", k);
        CHECK_OK(collect(&p[k], &a));
        CHECK_OK(a.verified);
        CHECK(a.n_rows == 1 &&
              memcmp(a.vector[0], truth[k].vector[0], sizeof a.vector[0]) == 0);
        CHECK(em_same(a.receipt.claims.attestation_doc_hash,
                      EM_BYTES(p[k].peer.attested.document_sha256)));
    }
    test_note("%s", "");
    for (size_t i = 0; i < MANY; i++) pair_end(&p[i]);
    CHECK(budget.left == here.config.limits.memory);
}

static void nothing_stays_in_a_slot(void)
{
    static pair p;
    static answer a;

    opened(&p);
    CHECK_OK(whole(&p, request_of(EM_OP_EMBED, "small", two_texts, 2, true), &a));
    CHECK(em_all_zero(EM_BYTES(p.g.secret.b)));
    CHECK_OK(ask(&p, request_of(EM_OP_EMBED, "small", two_texts, 2, true)));
    compute(&p);
    em_guest_end(&p.g);
    CHECK(em_all_zero(em_view(&p.g, sizeof p.g)));
    em_session_drop(&p.c);
    em_map_drop(&p.pages);
    CHECK(budget.left == here.config.limits.memory);
}

int main(void)
{
    local_start();
    budget.left = here.config.limits.memory;
    local_must(
        em_policy_verify(here.policy, &here.signer, 1, em_clock_wall_ms(), NULL, &policy),
        "policy");
    RUN(an_inference_has_a_receipt_that_holds);
    RUN(the_scratch_is_wiped_as_far_as_it_was_used);
    RUN(models_and_status_have_none);
    RUN(what_is_refused_is_answered_and_forgotten);
    RUN(a_request_that_is_too_large_ends_the_session);
    RUN(unfinished_requests_share_one_budget);
    RUN(a_full_queue_says_busy);
    RUN(cancel_before_and_after);
    RUN(a_cancelled_inference_has_a_receipt);
    RUN(nobody_speaks_out_of_turn);
    RUN(a_manifest_that_has_expired_is_not_attested);
    RUN(a_broken_nsm_ends_the_handshake_only);
    RUN(many_guests_each_get_their_own);
    RUN(nothing_stays_in_a_slot);
    local_stop();
    return test_end();
}
