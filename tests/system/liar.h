/* liar.h - an enclave that attests honestly and then does as a script says, and a caller
 * of the client library that meets it.
 *
 * Trust:  test code only.
 * Memory: static storage; one enclave, one session at a time.
 */
#ifndef EM_TESTS_SYSTEM_LIAR_H
#define EM_TESTS_SYSTEM_LIAR_H

#include "em/client.h"

#include "session/session_server.h"
#include "tests/system/local.h"
#include "trust/companion.h"
#include "trust/evidence.h"

enum { OUT = 1 << 20 };

/* What this enclave does; all zero is honest. */
typedef struct script {
    bool host_busy, silent, closes_at_once;
    size_t cut;      /* bytes of the answer to send; 0: all */
    bool at_record;  /* cut counts records */
    em_err outcome;  /* END says so */
    bool no_receipt; /* END is final although an inference began */
    bool no_companion, other_session_key, other_document, other_request, other_answer;
    bool other_model, other_sequence, flip_receipt, companion_status, companion_usage;
    bool end_usage, gap, twice, fewer, dim, other_dim, other_nonce;
    bool other_truncate, other_max_tokens, no_parameters;
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

/* Numbers in a row, as the manifest says. */
static uint32_t row_width(void)
{
    const em_model_shape *shape = &here.identity.served[0].manifest.body.model.shape;

    return shape->labels > 0 ? shape->labels : shape->hidden;
}

/* {truncate, max_tokens} as the request had it, and the lies about it. */
static em_bytes used_parameters(void)
{
    static uint8_t bytes[EM_MESSAGE_USED];
    em_out o = EM_OUT(bytes);
    em_used used = {.truncate = !play.other_truncate, .max_tokens = 64};

    if (play.other_max_tokens) used.max_tokens = 129;
    if (play.no_parameters) return EM_STR("\xA0");
    em_message_put_used(&o, &used);
    return em_write_view(&o);
}

static em_err send_row(size_t first, size_t n)
{
    static float vectors[64 * 65];
    static em_embed_text texts[64];
    static uint8_t bytes[EM_MAX_DATA_BODY];
    em_out o = EM_OUT(bytes);
    uint32_t dim = row_width();

    if (play.other_dim || (play.dim && first > 0)) dim++;

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
                           .parameters = used_parameters()};
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
    if (!final || play.no_receipt) end.parameters = used_parameters();
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
                          .dim = row_width(),
                          .max_tokens = 64,
                          .ops = 1u << EM_OP_EMBED};

    if (m->body.model.shape.labels > 0) card.ops = 1u << EM_OP_CLASSIFY;
    if (m->body.model.shape.labels == 1) card.ops |= 1u << EM_OP_RERANK;

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

/* ---- from beginning to end ---- */

static void liar_start(void)
{
    em_address to;

    local_start();
    snprintf(address, sizeof address, "unix:%s", folder_path("enclave.sock"));
    snprintf(state_file, sizeof state_file, "%s", folder_path("seen"));
    local_must(em_address_parse(em_view(address, strlen(address)), &to), "address");
    local_must(em_stream_listen(&to, &at), "listen");
    local_must(em_thread_start(serve, NULL, "enclave", &thread), "thread");
}

static void liar_stop(void)
{
    atomic_store(&stopping, true);
    em_thread_drop(&thread);
    em_stream_listener_drop(&at);
    local_stop();
}

#endif
