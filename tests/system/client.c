/* The client library against an enclave that lies after its handshake: whatever it says
 * wrong, leaves out or cuts off, the caller is told so and gets no vector. */
#include "em/client.h"

#include "session/session_server.h"
#include "tests/system/local.h"
#include "trust/companion.h"
#include "trust/evidence.h"

enum { DIM = 4, OUT = 1 << 20 };

/* What this enclave does; all zero is honest. */
typedef struct script {
    bool host_busy, silent, closes_at_once;
    size_t cut;      /* bytes of the answer to send; 0: all */
    bool at_record;  /* cut counts records */
    em_err outcome;  /* END says so */
    bool no_receipt; /* END is final although an inference began */
    bool no_companion, other_session_key, other_document, other_request, other_answer;
    bool other_model, other_sequence, flip_receipt, companion_status, companion_usage;
    bool end_usage, gap, twice, fewer, dim, other_nonce;
    bool card_hash, two_cards_body, receipt_for_models;
} script;

static script play;
static em_stream_listener at;
static em_thread thread;
static atomic_bool stopping;
static char address[600], state_file[600];
static size_t answer_records, answer_bytes; /* of the last whole answer */
static size_t record_end[64];

/* ---- the enclave ---- */

typedef struct enclave {
    em_session s;
    uint8_t in[EM_SESSION_SERVER_IN], out[OUT];
    em_x25519_secret secret;
    em_x25519_public public;
    uint8_t document[EM_MAX_DOCUMENT], request[EM_MAX_DATA_BODY], nonce[32];
    size_t document_len, request_len;
    em_document claims;
} enclave;

static enclave e;

static em_err attest(em_bytes c1)
{
    uint8_t nonce[32], data[EM_MAX_USER_DATA];
    em_out o = em_out_over(test_alloc(EM_MAX_ATTEST), EM_MAX_ATTEST);
    em_hello_c1 hello;
    em_hello_e1 e1;
    size_t len;

    EM_TRY(em_hello_parse_c1(c1, &hello));
    memcpy(e.nonce, hello.nonce, sizeof e.nonce);
    em_hello_nonce(c1, nonce);
    EM_TRY(em_identity_user_data(&here.identity, 1, data, &len));
    EM_TRY(em_entropy_fill(e.secret.b, sizeof e.secret.b));
    EM_TRY(em_x25519_public_of(&e.secret, &e.public));
    EM_TRY(em_attestor_document(&here.attestor, EM_BYTES(nonce), em_view(data, len),
                                EM_BYTES(e.public.b), e.document, &e.document_len));
    EM_TRY(em_document_parse(em_view(e.document, e.document_len), &e.claims));
    em_identity_e1(&here.identity, 1, em_view(e.document, e.document_len), &e1);
    em_hello_put_e1(&o, &e1);
    EM_TRY(em_write_end(&o));
    return em_session_server_attest(&e.s, em_write_view(&o), &e.secret, &e.public,
                                    em_clock_monotonic_ms());
}

static em_err send_row(size_t first, size_t n)
{
    static float vectors[64 * DIM];
    static em_embed_text texts[64];
    static uint8_t bytes[EM_MAX_DATA_BODY];
    em_out o = EM_OUT(bytes);
    uint32_t dim = play.dim && first > 0 ? DIM + 1 : DIM;

    for (size_t i = 0; i < n; i++) texts[i] = (em_embed_text){.tokens = 3};
    for (size_t i = 0; i < n * dim; i++) vectors[i] = (float)(first * 100 + i);
    const em_embed_part part = {.first = first,
                                .n = n,
                                .dim = dim,
                                .text = texts,
                                .vectors = em_view(vectors, n * dim * sizeof(float))};
    em_answer_put_embed(&o, &part);
    EM_TRY(em_write_end(&o));
    return em_session_server_data(&e.s, em_write_view(&o), em_clock_monotonic_ms());
}

static void fill(em_bytes *field, bool lie, uint8_t bytes[32])
{
    static uint8_t wrong[8][32];
    static size_t turn;

    if (lie) {
        turn = (turn + 1) % EM_COUNT(wrong);
        memset(wrong[turn], 0xEE, 32);
        *field = EM_BYTES(wrong[turn]);
    } else {
        *field = em_view(bytes, 32);
    }
}

static em_err send_receipt(uint64_t tokens)
{
    static uint8_t receipt[4096], companion[4096], bytes[EM_MAX_RECEIPT_BODY];
    uint8_t request[32], answer[32], document[32], hash[32], cti[16] = {1};
    const em_manifest *m = &here.identity.served[0].manifest;
    const em_document *d = &e.claims;
    em_out r = EM_OUT(receipt), c = EM_OUT(companion), o = EM_OUT(bytes);
    EM_DROP(em_ed25519_secret) stranger = {0};
    em_ed25519_public unused;
    unsigned code;

    stranger = local_key(77, &unused);
    EM_TRY(em_session_request_hash(&e.s, request));
    EM_TRY(em_session_answer_hash(&e.s, answer));
    em_sha2_256(em_view(e.document, e.document_len), document);
    memcpy(hash, m->hash, 32);
    em_receipt_claims claims = {
        .iss = EM_STR("here"),
        .iat = e.claims.timestamp_ms / 1000,
        .cti = EM_BYTES(cti),
        .model_id = m->body.id,
        .model_version = m->body.version,
        .measurements = {.type = EM_STR(EM_RECEIPT_NITRO),
                         .pcr0 = em_view(d->pcr[0], EM_PCR_LEN),
                         .pcr1 = em_view(d->pcr[1], EM_PCR_LEN),
                         .pcr2 = em_view(d->pcr[2], EM_PCR_LEN),
                         .pcr3 = em_view(d->pcr[3], EM_PCR_LEN),
                         .pcr4 = em_view(d->pcr[4], EM_PCR_LEN),
                         .pcr8 = em_view(d->pcr[8], EM_PCR_LEN)},
        .policy_version = EM_STR("cfg-1"),
        .sequence_number =
            em_session_count(&e.s).messages - 1 + (play.other_sequence ? 1 : 0),
        .security_mode = EM_STR("evaluation"),
        .model_hash_scheme = EM_STR(EM_RECEIPT_SCHEME),
    };
    fill(&claims.eat_nonce, play.other_nonce, e.nonce);
    fill(&claims.model_hash, play.other_model, hash);
    fill(&claims.request_hash, play.other_request, request);
    fill(&claims.response_hash, play.other_answer, answer);
    fill(&claims.attestation_doc_hash, play.other_document, document);
    const em_ed25519_secret *secret =
        play.other_session_key ? &stranger : &here.identity.receipt_secret;
    EM_TRY(em_receipt_sign(&claims, secret, &r));
    em_companion beside = {.status = em_message_status_of(play.outcome, &code),
                           .input = tokens + (play.companion_usage ? 1 : 0),
                           .numeric = m->body.profile,
                           .tokenizer = EM_BYTES(m->body.tokenizer_sha256),
                           .parameters =
                               EM_STR("\xA2\x68truncate\xF5\x6Amax_tokens\x18\x40")};
    if (play.companion_status) beside.status = EM_STATUS_LENGTH;
    em_sha2_256(em_write_view(&r), beside.receipt);
    EM_TRY(em_companion_sign(&beside, secret, &c));
    if (play.flip_receipt) receipt[r.len - 1] ^= 1;
    em_receipt_body both = {.receipt = em_write_view(&r), .companion = em_write_view(&c)};
    if (play.no_companion) both.companion = (em_bytes){0};
    em_message_put_receipt(&o, &both);
    EM_TRY(em_write_end(&o));
    return em_session_server_receipt(&e.s, em_write_view(&o), em_clock_monotonic_ms());
}

static em_err send_end(bool final, uint64_t tokens)
{
    uint8_t bytes[EM_MAX_END_BODY];
    em_out o = EM_OUT(bytes);
    em_end end = {.input = tokens + (play.end_usage ? 1 : 0)};

    end.status = em_message_status_of(play.outcome, &end.code);
    if (!final || play.no_receipt)
        end.parameters = EM_STR("\xA2\x68truncate\xF5\x6Amax_tokens\x18\x40");
    em_message_put_end(&o, &end);
    EM_TRY(em_write_end(&o));
    return em_session_server_end(&e.s, em_write_view(&o), final, em_clock_monotonic_ms());
}

static em_err answer_models(void)
{
    static uint8_t bytes[4096];
    em_out o = EM_OUT(bytes);
    const em_manifest *m = &here.identity.served[0].manifest;
    em_model_card card = {.id = m->body.id,
                          .version = m->body.version,
                          .profile = m->body.profile,
                          .number = m->body.number,
                          .not_after_ms = m->body.not_after_ms,
                          .dim = 64,
                          .max_tokens = 64,
                          .ops = 1u << EM_OP_EMBED};

    memcpy(card.manifest, m->hash, 32);
    if (play.card_hash) card.manifest[0] ^= 1;
    em_answer_put_models(&o, &card, 1);
    EM_TRY(em_write_end(&o));
    EM_TRY(em_session_server_data(&e.s, em_write_view(&o), em_clock_monotonic_ms()));
    if (play.two_cards_body)
        EM_TRY(em_session_server_data(&e.s, em_write_view(&o), em_clock_monotonic_ms()));
    EM_TRY(send_end(!play.receipt_for_models, 0));
    return play.receipt_for_models ? send_receipt(0) : EM_OK;
}

/* Notes where each record of the answer ends. */
static void mark(void)
{
    record_end[answer_records++] = em_session_pending(&e.s).len;
}

static em_err answer(void)
{
    static em_bytes inputs[EM_MAX_INPUTS];
    em_request q;

    EM_TRY(em_message_parse_request(em_view(e.request, e.request_len), inputs, &q));
    e.request_len = 0;
    answer_records = 0;
    if (q.op == EM_OP_MODELS) return answer_models();
    bool good = play.outcome == EM_OK;
    size_t n = good ? q.n_inputs : 0;
    for (size_t i = 0; i < n; i++) {
        if ((play.gap && i == 1) || (play.fewer && i == n - 1)) continue;
        EM_TRY(send_row(play.twice && i == 1 ? 0 : i, 1));
        mark();
    }
    bool refused = play.outcome == EM_ERR_BUSY || play.outcome == EM_ERR_MODEL_UNKNOWN;
    EM_TRY(send_end(refused || play.no_receipt, 3 * n));
    mark();
    if (refused || play.no_receipt) return EM_OK;
    EM_TRY(send_receipt(3 * n));
    mark();
    return EM_OK;
}

/* Sends what is pending, or the beginning of it; false where the stream is to end. */
static bool send_all(em_stream *s, bool is_answer)
{
    em_bytes pending = em_session_pending(&e.s);
    size_t len = pending.len;

    if (is_answer) {
        answer_bytes = pending.len;
        if (play.silent) return true;
        if (play.cut > 0) {
            len = play.at_record ? record_end[play.cut - 1] : play.cut;
            if (len > pending.len) len = pending.len;
        }
    }
    if (em_stream_write_full(s, em_view(pending.at, len), em_clock_deadline(5000)) !=
        EM_OK)
        return false;
    em_session_sent(&e.s, pending.len);
    return len == pending.len;
}

static em_err react(const em_session_event *event, bool *ret_answer)
{
    if (event->what == EM_SESSION_HELLO) return attest(event->bytes);
    if (event->what != EM_SESSION_REQUEST) return EM_OK;
    memcpy(e.request + e.request_len, event->bytes.at, event->bytes.len);
    e.request_len += event->bytes.len;
    if (!event->final) return EM_OK;
    *ret_answer = true;
    return answer();
}

static void talk(em_stream *s)
{
    static uint8_t bytes[64 << 10];
    const em_session_buffers room = {e.in, sizeof e.in, e.out, sizeof e.out};

    e.request_len = 0;
    if (em_session_server_start(&e.s, &room, EM_STR("here"), em_clock_monotonic_ms()) !=
        EM_OK)
        return;
    while (!atomic_load(&stopping)) {
        size_t len;
        bool is_answer = false;
        em_err err = em_stream_read(s, bytes, sizeof bytes, em_clock_deadline(100), &len);
        if (err == EM_ERR_TIMEOUT) continue;
        if (err != EM_OK) break;
        for (em_bytes in = em_view(bytes, len); in.len > 0;) {
            em_session_event event;
            if (em_session_feed(&e.s, &in, em_clock_monotonic_ms()) != EM_OK) return;
            while ((event = em_session_next(&e.s)).what != EM_SESSION_NONE)
                if ((err = react(&event, &is_answer)) != EM_OK) {
                    printf("  the script itself: %s\n", em_err_name(err));
                    return;
                }
        }
        if (!send_all(s, is_answer)) break;
    }
    em_session_drop(&e.s);
}

static void serve(void *arg)
{
    (void)arg;
    while (!atomic_load(&stopping)) {
        EM_DROP(em_stream) s = {0};
        if (em_stream_accept(&at, em_clock_deadline(100), &s, NULL) != EM_OK) continue;
        if (play.host_busy) {
            uint8_t bytes[16];
            em_out o = EM_OUT(bytes);
            em_hello_put_host(&o, EM_FACE_BUSY);
            (void)!em_stream_write_full(&s, em_write_view(&o), em_clock_deadline(1000));
        } else if (!play.closes_at_once) {
            talk(&s);
        }
    }
}

/* ---- the caller ---- */

static em_client_error why;

static em_client_options options(void)
{
    static unsigned char signers[1][32];

    memcpy(signers[0], here.signer.b, 32);
    return (em_client_options){.address = address,
                               .deployment = "here",
                               .policy = here.policy.at,
                               .policy_len = here.policy.len,
                               .signers = (const unsigned char(*)[32])signers,
                               .n_signers = 1,
                               .state = state_file,
                               .timeout_ms = 5000};
}

static em_client *opened(const script *s)
{
    em_client_options o = options();
    em_client *c = NULL;

    play = *s;
    if (em_client_open(&o, &c, &why) != EM_CLIENT_OK) {
        printf("  open: %s (%s)\n", why.text, why.name);
        abort();
    }
    return c;
}

static const em_client_text three[] = {{"one", 3}, {"two", 3}, {"three", 5}};

static int embed(em_client *c, em_client_vectors *ret)
{
    const em_client_embed_request request = {
        .text = three, .n = EM_COUNT(three), .evidence = 1};

    return em_client_embed(c, &request, ret, &why);
}

/* The script makes embed fail with this code and name, and nothing is given out. */
static void fails(const script *s, int code, const char *name)
{
    em_client *c = opened(s);
    em_client_vectors v = {.n = 99};

    int got = embed(c, &v);
    if (got != code || strcmp(why.name, name) != 0)
        printf("  got %d %s, not %d %s\n", got, why.name, code, name);
    CHECK(got == code && why.code == code && strcmp(why.name, name) == 0);
    CHECK(v.n == 99 && v.vector == NULL);
    em_client_close(c);
}

/* ---- what is tested ---- */

static void an_honest_one_is_believed(void)
{
    em_client *c = opened(&(script){0});
    em_client_vectors v;
    em_client_peer peer;

    em_client_describe(c, &peer);
    CHECK(strcmp(peer.mode, "evaluation") == 0 &&
          strcmp(peer.policy_id, "local policy") == 0);
    CHECK(peer.policy_version == 5 && peer.n_models == 1 && !peer.any_account);
    CHECK(embed(c, &v) == EM_CLIENT_OK);
    CHECK(v.n == 3 && v.dim == DIM && v.vector[DIM] == 100 && v.total_tokens == 9);
    CHECK(v.tokens[2] == 3 && strcmp(v.model, "small") == 0 && v.sequence == 0);
    CHECK(embed(c, &v) == EM_CLIENT_OK && v.sequence == 1);
    em_client_close(c);
}

static void evidence_verifies(void)
{
    static em_evidence_facts facts;
    static em_tensor tensors[EM_MAX_TENSORS];
    em_client *c = opened(&(script){0});
    em_client_vectors v;
    em_report report;

    REQUIRE(embed(c, &v) == EM_CLIENT_OK && v.evidence != NULL);
    const em_evidence_ask ask = {
        .signers = &here.signer, .n_signers = 1, .tensors = tensors};
    em_report_init(&report);
    CHECK_OK(
        em_evidence_verify(em_view(v.evidence, v.evidence_len), &ask, &report, &facts));
    CHECK(facts.has_companion && facts.companion.input == 9);
    uint8_t *bad = test_alloc(v.evidence_len);
    memcpy(bad, v.evidence, v.evidence_len);
    bad[v.evidence_len / 2] ^= 1;
    em_report_init(&report);
    CHECK(em_evidence_verify(em_view(bad, v.evidence_len), &ask, &report, &facts) !=
          EM_OK);
    em_client_close(c);
}

static void a_stream_that_ends_early_is_truncated(void)
{
    em_client *c = opened(&(script){0});
    em_client_vectors v;

    REQUIRE(embed(c, &v) == EM_CLIENT_OK);
    em_client_close(c);
    size_t records = answer_records, bytes = answer_bytes;
    REQUIRE(records == 5);
    for (size_t i = 1; i < records; i++) {
        test_note("record %zu", i);
        fails(&(script){.cut = i, .at_record = true}, EM_CLIENT_TRUNCATED, "TRUNCATED");
    }
    for (size_t i = 1; i < bytes; i += bytes / 23) {
        test_note("byte %zu", i);
        fails(&(script){.cut = i}, EM_CLIENT_TRUNCATED, "TRUNCATED");
    }
    test_note("last byte%s", "");
    fails(&(script){.cut = bytes - 1}, EM_CLIENT_TRUNCATED, "TRUNCATED");
    test_note("%s", "");
}

static void receipts_of_something_else(void)
{
    enum { REFUSED = EM_CLIENT_REFUSED };

    fails(&(script){.other_session_key = true}, REFUSED, "SIG_FAILED");
    fails(&(script){.flip_receipt = true}, REFUSED, "SIG_FAILED");
    fails(&(script){.other_document = true}, REFUSED, "ATTESTATION_DOC_HASH_MISMATCH");
    fails(&(script){.other_nonce = true}, REFUSED, "NONCE_MISMATCH");
    fails(&(script){.other_model = true}, REFUSED, "MODEL_HASH_MISMATCH");
    fails(&(script){.other_sequence = true}, REFUSED, "RECEIPT_SEQUENCE");
    fails(&(script){.other_request = true}, REFUSED, "REQUEST_HASH_MISMATCH");
    CHECK(strcmp(why.check, "RECEIPT_REQUEST") == 0 && why.clause[0] != 0);
    fails(&(script){.other_answer = true}, REFUSED, "RESPONSE_HASH_MISMATCH");
    fails(&(script){.no_companion = true}, REFUSED, "COMPANION");
    fails(&(script){.companion_status = true}, REFUSED, "COMPANION");
    fails(&(script){.companion_usage = true}, REFUSED, "COMPANION");
    fails(&(script){.no_receipt = true}, REFUSED, "ANSWER_MALFORMED");
}

static void rows_that_do_not_fit(void)
{
    enum { REFUSED = EM_CLIENT_REFUSED };

    fails(&(script){.gap = true}, REFUSED, "ANSWER_MALFORMED");
    fails(&(script){.twice = true}, REFUSED, "ANSWER_MALFORMED");
    fails(&(script){.fewer = true}, REFUSED, "ANSWER_MALFORMED");
    fails(&(script){.dim = true}, REFUSED, "ANSWER_MALFORMED");
    /* the sum of the rows' tokens is not END's */
    fails(&(script){.end_usage = true, .companion_usage = true}, REFUSED,
          "ANSWER_MALFORMED");
}

static void ends_that_are_no_success(void)
{
    fails(&(script){.outcome = EM_ERR_BUSY}, EM_CLIENT_CANNOT, "BUSY");
    fails(&(script){.outcome = EM_ERR_MODEL_UNKNOWN}, EM_CLIENT_REFUSED, "MODEL_UNKNOWN");
    fails(&(script){.outcome = EM_ERR_CANCELLED}, EM_CLIENT_INTERRUPTED, "CANCELLED");
    fails(&(script){.outcome = EM_ERR_INTERNAL}, EM_CLIENT_REFUSED, "ENCLAVE_FAILED");
    fails(&(script){.outcome = EM_ERR_REQUEST_MALFORMED}, EM_CLIENT_REFUSED,
          "REQUEST_MALFORMED");
    fails(&(script){.outcome = EM_ERR_NOT_PERMITTED}, EM_CLIENT_REFUSED, "NOT_PERMITTED");
    /* a failed inference has a receipt, and a false one is not overlooked */
    fails(&(script){.outcome = EM_ERR_INTERNAL, .other_answer = true}, EM_CLIENT_REFUSED,
          "RESPONSE_HASH_MISMATCH");
}

static void models_say_what_was_attested(void)
{
    em_client_model models[8];
    size_t n = 0;
    em_client *c = opened(&(script){0});

    CHECK(em_client_models(c, models, &n, &why) == EM_CLIENT_OK && n == 1);
    CHECK(strcmp(models[0].id, "small") == 0 && models[0].dim == 64);
    em_client_close(c);
    c = opened(&(script){.card_hash = true});
    CHECK(em_client_models(c, models, &n, &why) == EM_CLIENT_REFUSED);
    CHECK(strcmp(why.name, "MODEL_HASH_MISMATCH") == 0);
    em_client_close(c);
    c = opened(&(script){.two_cards_body = true});
    CHECK(em_client_models(c, models, &n, &why) == EM_CLIENT_REFUSED);
    em_client_close(c);
    c = opened(&(script){.receipt_for_models = true});
    CHECK(em_client_models(c, models, &n, &why) == EM_CLIENT_REFUSED);
    em_client_close(c);
}

static int open_fails(em_client_options o)
{
    em_client *c = (em_client *)(uintptr_t)64;
    int code = em_client_open(&o, &c, &why);

    CHECK(c == (em_client *)(uintptr_t)64 || code == EM_CLIENT_OK);
    return code;
}

static int at_once(void *arg)
{
    (void)arg;
    return 1;
}

static void opening_refuses_before_a_byte_of_the_caller_s(void)
{
    em_client_options o = options();
    static unsigned char stranger[1][32] = {{7}};

    play = (script){.host_busy = true};
    CHECK(open_fails(o) == EM_CLIENT_CANNOT && strcmp(why.name, "HOST_REFUSED") == 0);
    CHECK(strstr(why.text, "no room") != NULL);
    play = (script){.closes_at_once = true};
    CHECK(open_fails(o) == EM_CLIENT_CANNOT);
    play = (script){0};
    o.deployment = "there";
    CHECK(open_fails(o) != EM_CLIENT_OK);
    o = options();
    o.signers = (const unsigned char(*)[32])stranger;
    CHECK(open_fails(o) == EM_CLIENT_REFUSED && strcmp(why.name, "POLICY_SIGNER") == 0);
    o = options();
    o.policy_len--;
    CHECK(open_fails(o) == EM_CLIENT_REFUSED);
    o = options();
    o.state = NULL;
    CHECK(open_fails(o) == EM_CLIENT_CANNOT && strcmp(why.name, "ARGUMENT") == 0);
    o = options();
    o.address = "nowhere";
    CHECK(open_fails(o) == EM_CLIENT_CANNOT && strcmp(why.name, "ADDRESS") == 0);
    o = options();
    o.address = "unix:/nowhere/at/all";
    CHECK(open_fails(o) == EM_CLIENT_CANNOT);
    o = options();
    o.stop = at_once;
    CHECK(open_fails(o) == EM_CLIENT_INTERRUPTED);
    folder_write(state_file, EM_STR("damaged"));
    CHECK(open_fails(options()) == EM_CLIENT_REFUSED &&
          strcmp(why.name, "POLICY_STATE") == 0);
    unlink(state_file);
    em_client *c = opened(&(script){0});
    em_client_peer peer;
    em_client_describe(c, &peer);
    CHECK(peer.first_use);
    em_client_close(c);
}

static void silence_has_an_end(void)
{
    em_client_options o = options();
    em_client_vectors v;
    em_client *c = NULL;

    play = (script){.silent = true};
    o.timeout_ms = 600;
    REQUIRE(em_client_open(&o, &c, &why) == EM_CLIENT_OK);
    uint64_t from = em_clock_monotonic_ms();
    CHECK(embed(c, &v) == EM_CLIENT_CANNOT && strcmp(why.name, "TIMEOUT") == 0);
    CHECK(em_clock_monotonic_ms() - from < 5000);
    em_client_close(c);
}

static void what_the_caller_may_not_ask(void)
{
    em_client *c = opened(&(script){0});
    em_client_vectors v = {.n = 99};
    static char big[EM_MAX_REQUEST];
    const em_client_text bad = {"\xFF", 1}, nul = {"a\0b", 3}, huge = {big, sizeof big};
    const em_client_text *each[] = {&bad, &nul, &huge};
    em_client_embed_request r = {.text = three, .n = 0};

    CHECK(em_client_embed(c, &r, &v, &why) == EM_CLIENT_CANNOT);
    r.n = EM_MAX_INPUTS + 1;
    CHECK(em_client_embed(c, &r, &v, &why) == EM_CLIENT_CANNOT);
    memset(big, 'a', sizeof big);
    for (size_t i = 0; i < EM_COUNT(each); i++) {
        r = (em_client_embed_request){.text = each[i], .n = 1};
        CHECK(em_client_embed(c, &r, &v, &why) == EM_CLIENT_CANNOT);
    }
    r = (em_client_embed_request){.text = three, .n = 1, .model = "other"};
    CHECK(em_client_embed(c, &r, &v, &why) == EM_CLIENT_REFUSED);
    CHECK(v.n == 99);
    /* none of that went out: the session is as good as new */
    CHECK(embed(c, &v) == EM_CLIENT_OK && v.sequence == 0);
    em_client_close(c);
    em_client_close(NULL);
}

int main(void)
{
    em_address to;

    local_start();
    snprintf(address, sizeof address, "unix:%s", folder_path("enclave.sock"));
    snprintf(state_file, sizeof state_file, "%s", folder_path("seen"));
    local_must(em_address_parse(em_view(address, strlen(address)), &to), "address");
    local_must(em_stream_listen(&to, &at), "listen");
    local_must(em_thread_start(serve, NULL, "enclave", &thread), "thread");
    RUN(an_honest_one_is_believed);
    RUN(evidence_verifies);
    RUN(a_stream_that_ends_early_is_truncated);
    RUN(receipts_of_something_else);
    RUN(rows_that_do_not_fit);
    RUN(ends_that_are_no_success);
    RUN(models_say_what_was_attested);
    RUN(opening_refuses_before_a_byte_of_the_caller_s);
    RUN(silence_has_an_end);
    RUN(what_the_caller_may_not_ask);
    atomic_store(&stopping, true);
    em_thread_drop(&thread);
    em_stream_listener_drop(&at);
    local_stop();
    return test_end();
}
