#include "enclave/guest.h"

#include "enclave/receipt_maker.h"
#include "os/entropy.h"

size_t em_guest_pages(const em_identity *id)
{
    size_t e1 = EM_RECORD_HEAD + 64 + EM_MAX_DOCUMENT;

    for (size_t i = 0; i < id->n_served; i++) e1 += id->served[i].signed_manifest.len + 8;
    return EM_WORK_SMALL + EM_SESSION_SERVER_IN + EM_SESSION_SERVER_OUT + e1;
}

em_err em_guest_start(em_guest *g, const em_identity *id, uint8_t *body,
                      em_work_budget *budget)
{
    EM_DROP(em_map) pages = {0};
    size_t len = em_guest_pages(id);
    const em_config_text *deployment = &id->config->deployment;

    EM_TRY(em_map_anonymous(len, 0, &pages));
    uint8_t *in = pages.at + EM_WORK_SMALL, *out = in + EM_SESSION_SERVER_IN;
    const em_session_buffers room = {.in = in,
                                     .in_cap = EM_SESSION_SERVER_IN,
                                     .out = out,
                                     .out_cap = (size_t)(pages.at + len - out)};
    memset(g, 0, sizeof *g);
    EM_TRY(em_session_server_start(&g->session, &room,
                                   em_view(deployment->at, deployment->len),
                                   em_clock_monotonic_ms()));
    g->id = id;
    g->body = body;
    g->work.budget = budget;
    g->work.account = &g->account;
    g->work.small = pages.at;
    g->pages = EM_TAKE(pages);
    return EM_OK;
}

void em_guest_end(em_guest *g)
{
    em_session_drop(&g->session);
    em_work_drop(&g->work);
    em_map_drop(&g->pages);
    em_guest_drop(g);
}

/* C1 has come: draw this session's key and say what the document is to carry. */
static em_err hello(em_guest *g, em_bytes c1_record)
{
    em_hello_c1 c1;

    EM_TRY(em_hello_parse_c1(c1_record, &c1));
    memcpy(g->c1_nonce, c1.nonce, sizeof g->c1_nonce);
    em_hello_nonce(c1_record, g->nonce);
    g->models = em_identity_in_date(g->id);
    if (g->models == 0) return EM_ERR_MANIFEST_EXPIRED;
    EM_TRY(em_identity_user_data(g->id, g->models, g->user_data, &g->user_data_len));
    EM_TRY(em_entropy_fill(g->secret.b, sizeof g->secret.b));
    return em_x25519_public_of(&g->secret, &g->public);
}

void em_guest_attest(em_guest *g, em_attestor *attestor)
{
    g->attest_err = em_attestor_document(
        attestor, EM_BYTES(g->nonce), em_view(g->user_data, g->user_data_len),
        EM_BYTES(g->public.b), g->document, &g->document_len);
}

em_err em_guest_attested(em_guest *g)
{
    em_bytes document = em_view(g->document, g->document_len);
    em_hello_e1 e1;
    size_t len;

    EM_TRY(g->attest_err);
    EM_TRY(em_document_parse(document, &g->claims));
    g->document_time = em_time_anchor(g->claims.timestamp_ms);
    em_sha2_256(document, g->document_sha256);
    em_identity_e1(g->id, g->models, document, &e1);
    EM_TRY(em_hello_e1_len(&e1, &len));
    /* the session's own output buffer is copied into; this one is made for the call */
    EM_DROP(em_map) record = {0};
    EM_TRY(em_map_anonymous(len, 0, &record));
    em_out o = em_out_over(record.at, len);
    em_hello_put_e1(&o, &e1);
    EM_TRY(em_write_end(&o));
    EM_TRY(em_session_server_attest(&g->session, em_write_view(&o), &g->secret,
                                    &g->public, em_clock_monotonic_ms()));
    em_wipe(&g->secret, sizeof g->secret);
    return EM_OK;
}

/* What a whole request asks for, or why it will not be done. */
static em_err judge(em_guest *g, em_guest_wish *ret_wish)
{
    em_work *w = &g->work;

    EM_TRY(em_work_parse(w));
    if (w->request.op == EM_OP_MODELS || w->request.op == EM_OP_STATUS) return EM_OK;
    if (w->request.op == EM_OP_GENERATE) return EM_ERR_UNSUPPORTED;
    const em_served *served = em_identity_find(g->id, g->models, w->request.model);
    if (served == NULL) return EM_ERR_MODEL_UNKNOWN;
    EM_TRY(em_work_reserve(w, served, (unsigned)(served - g->id->served)));
    *ret_wish = EM_GUEST_WORK;
    return EM_OK;
}

/* The next part of a request.  What is refused half-way is held no longer, and answered
 * once it is whole. */
static em_err take_part(em_guest *g, const em_session_event *e, em_guest_wish *ret_wish)
{
    if (g->refused == EM_OK) g->refused = em_work_append(&g->work, e->bytes);
    if (e->final) {
        EM_TRY(em_entropy_fill(g->salt, sizeof g->salt));
        if (g->refused == EM_OK) g->refused = judge(g, ret_wish);
        g->answering = *ret_wish != EM_GUEST_WORK;
    }
    if (g->refused != EM_OK) em_work_drop(&g->work);
    return EM_OK;
}

static em_err take_event(em_guest *g, const em_session_event *e, em_guest_wish *ret_wish)
{
    switch (e->what) {
    case EM_SESSION_HELLO:
        EM_TRY(hello(g, e->bytes));
        *ret_wish = EM_GUEST_ATTEST;
        return EM_OK;
    case EM_SESSION_OPENED:
        g->open = true;
        return EM_OK;
    case EM_SESSION_REQUEST:
        return take_part(g, e, ret_wish);
    case EM_SESSION_CANCEL:
        atomic_store(&g->work.cancel, true);
        return EM_OK;
    default:
        return EM_ERR_INTERNAL;
    }
}

em_err em_guest_feed(em_guest *g, em_bytes in, em_guest_wish *ret_wish)
{
    *ret_wish = EM_GUEST_NOTHING;
    while (in.len > 0) {
        size_t before = in.len;
        bool told = false;
        EM_TRY(em_session_feed(&g->session, &in, em_clock_monotonic_ms()));
        for (;;) {
            em_session_event e = em_session_next(&g->session);
            if (e.what == EM_SESSION_NONE) break;
            told = true;
            EM_TRY(take_event(g, &e, ret_wish));
        }
        /* nothing may follow C1 before E1 has gone */
        if (in.len == before && !told) return EM_ERR_SESSION_STATE;
    }
    return EM_OK;
}

void em_guest_worked(em_guest *g)
{
    g->answering = true;
}

void em_guest_refuse(em_guest *g, em_err err)
{
    em_work_drop(&g->work);
    g->refused = err;
    g->answering = true;
}

/* What we write ourselves fits by its limits; EM_ERR_FULL is the session's word for "send
 * first", and nothing else may say it. */
static em_err built(em_err err)
{
    return err == EM_ERR_FULL ? EM_ERR_INTERNAL : err;
}

/* The next DATA of an inference's answer. */
static em_err send_rows(em_guest *g)
{
    uint32_t first = (uint32_t)g->sent_rows, n = em_task_rows(&g->work.task, first);
    em_out o = em_out_over(g->body, EM_MAX_DATA_BODY);

    em_task_put_rows(&g->work.task, first, &o);
    EM_TRY(built(em_write_end(&o)));
    EM_TRY(
        em_session_server_data(&g->session, em_write_view(&o), em_clock_monotonic_ms()));
    g->sent_rows += n;
    return EM_OK;
}

static void put_cards(const em_guest *g, em_out *o)
{
    em_model_card cards[EM_MAX_MODELS];
    size_t n = 0;

    for (size_t i = 0; i < g->id->n_served; i++) {
        const em_manifest *m = &g->id->served[i].manifest;
        if (!(g->models >> i & 1)) continue;
        cards[n] = (em_model_card){.id = m->body.id,
                                   .version = m->body.version,
                                   .profile = m->body.profile,
                                   .number = m->body.number,
                                   .not_after_ms = m->body.not_after_ms,
                                   .dim = em_bert_width(&m->body.model.shape),
                                   .max_tokens = m->body.model.shape.max_tokens,
                                   .ops = em_task_ops(&m->body.model.shape)};
        memcpy(cards[n++].manifest, m->hash, sizeof m->hash);
    }
    em_answer_put_models(o, cards, n);
}

static void put_status(const em_guest *g, em_out *o)
{
    const em_config *config = g->id->config;
    em_session_counts counts = em_session_count(&g->session);
    const char *mode = em_roots_mode_name(g->id->mode);
    uint64_t now_ms = em_clock_monotonic_ms();
    const em_status_body status = {
        .mode = em_view(mode, strlen(mode)),
        .software = EM_STR(EM_VERSION),
        .deployment = em_view(config->deployment.at, config->deployment.len),
        .configuration = em_view(config->version.at, config->version.len),
        .models = (uint64_t)__builtin_popcount(g->models),
        .uptime_ms = now_ms - g->id->started_ms,
        .age_ms = now_ms - counts.opened_ms,
        .left_ms = counts.life_until_ms - now_ms,
        .messages = counts.messages,
        .bytes_in = counts.bytes_in,
        .bytes_out = counts.bytes_out,
        .tokens = g->tokens};

    em_answer_put_status(o, &status);
}

/* The one DATA of `models` and `status`. */
static em_err send_facts(em_guest *g)
{
    em_out o = em_out_over(g->body, EM_MAX_DATA_BODY);

    if (g->work.request.op == EM_OP_MODELS)
        put_cards(g, &o);
    else
        put_status(g, &o);
    EM_TRY(built(em_write_end(&o)));
    EM_TRY(
        em_session_server_data(&g->session, em_write_view(&o), em_clock_monotonic_ms()));
    g->sent_rows = 1;
    return EM_OK;
}

static em_err outcome_of(const em_guest *g)
{
    return g->refused != EM_OK ? g->refused : g->work.outcome;
}

/* END of what touched no model. */
static void put_plain_end(const em_guest *g, em_out *o)
{
    em_end end = {0};

    end.status = em_message_status_of(outcome_of(g), &end.code);
    memcpy(end.salt, g->salt, sizeof end.salt);
    em_message_put_end(o, &end);
}

static em_err send_end(em_guest *g)
{
    const em_work *w = &g->work;
    em_out o = em_out_over(g->body, EM_MAX_END_BODY);

    if (w->began)
        em_task_put_end(&w->task, outcome_of(g), g->salt, &o);
    else
        put_plain_end(g, &o);
    EM_TRY(built(em_write_end(&o)));
    EM_TRY(em_session_server_end(&g->session, em_write_view(&o), !w->began,
                                 em_clock_monotonic_ms()));
    g->sent_end = true;
    return EM_OK;
}

static em_err send_receipt(em_guest *g)
{
    em_out o = em_out_over(g->body, EM_MAX_RECEIPT_BODY);

    EM_TRY(built(em_receipt_maker_put(g, outcome_of(g), &o)));
    return em_session_server_receipt(&g->session, em_write_view(&o),
                                     em_clock_monotonic_ms());
}

/* One record of the answer; *ret_done after the last. */
static em_err send_next(em_guest *g, bool *ret_done)
{
    const em_work *w = &g->work;
    bool good = outcome_of(g) == EM_OK;

    *ret_done = false;
    if (!g->sent_end) {
        bool infers = w->served != NULL;
        if (good && infers && g->sent_rows < w->task.n) return send_rows(g);
        if (good && !infers && g->sent_rows == 0) return send_facts(g);
        EM_TRY(send_end(g));
        *ret_done = !w->began;
        return EM_OK;
    }
    EM_TRY(send_receipt(g));
    *ret_done = true;
    return EM_OK;
}

em_err em_guest_answer(em_guest *g)
{
    while (g->answering) {
        bool done;
        em_err err = send_next(g, &done);
        if (err == EM_ERR_FULL) return EM_OK; /* when output has been sent, again */
        EM_TRY(err);
        if (!done) continue;
        if (g->work.began) g->tokens += g->work.task.n_tokens;
        em_work_drop(&g->work);
        g->answering = g->sent_end = false;
        g->sent_rows = 0;
        g->refused = EM_OK;
    }
    return EM_OK;
}
