#include "client/client.h"

#include "crypto/setup.h"
#include "os/entropy.h"

enum { DEFAULT_WAIT_MS = 60 * 1000 };

static void put_word(char *to, size_t cap, const char *from)
{
    em_client_put_text(to, cap, em_view(from, strlen(from)));
}

void em_client_put_text(char *to, size_t cap, em_bytes from)
{
    size_t len = from.len < cap ? from.len : cap - 1;

    if (len > 0) memcpy(to, from.at, len);
    to[len] = 0;
}

/* Which of the four outcomes an error is. */
static int code_of(em_err err)
{
    if (err == EM_OK) return EM_CLIENT_OK;
    if (err == EM_ERR_TRUNCATED) return EM_CLIENT_TRUNCATED;
    if (err == EM_ERR_INTERRUPTED || err == EM_ERR_CANCELLED)
        return EM_CLIENT_INTERRUPTED;
    switch (err) {
    case EM_ERR_ADDRESS:
    case EM_ERR_CONNECT:
    case EM_ERR_CLOSED:
    case EM_ERR_TIMEOUT:
    case EM_ERR_IO:
    case EM_ERR_NOT_FOUND:
    case EM_ERR_DENIED:
    case EM_ERR_MEMORY:
    case EM_ERR_ARGUMENT:
    case EM_ERR_HOST_REFUSED:
    case EM_ERR_BUSY:
    case EM_ERR_STARTING:
    case EM_ERR_LIMIT:
    case EM_ERR_ENTROPY:
        return EM_CLIENT_CANNOT;
    default:
        return EM_CLIENT_REFUSED;
    }
}

int em_client_tell(const em_client *client, em_err err, em_client_error *ret_error)
{
    em_client_error e = {.code = code_of(err)};

    put_word(e.name, sizeof e.name, em_err_name(err));
    put_word(e.text, sizeof e.text, em_err_text(err));
    if (err == EM_ERR_HOST_REFUSED && client != NULL &&
        client->host_code == EM_FACE_STARTING)
        put_word(e.text, sizeof e.text, "the host has no enclave that answers (yet)");
    if (err == EM_ERR_HOST_REFUSED && client != NULL && client->host_code == EM_FACE_BUSY)
        put_word(e.text, sizeof e.text,
                 "the host has no room for another connection; try later");
    if ((err == EM_ERR_MODEL_OP || err == EM_ERR_PROMPT_UNKNOWN ||
         err == EM_ERR_MODEL_UNKNOWN) &&
        client != NULL && client->detail[0] != 0)
        put_word(e.text, sizeof e.text, client->detail);
    if (client != NULL && client->report.err == err && err != EM_OK) {
        put_word(e.check, sizeof e.check, em_report_name(client->report.failed));
        put_word(e.clause, sizeof e.clause, em_report_clause(client->report.failed));
    }
    if (ret_error != NULL) *ret_error = e;
    return e.code;
}

/* The policy is verified and remembered before anything else happens. */
static em_err take_policy(em_client *c, const em_client_options *options)
{
    em_ed25519_public signer[EM_MAX_SIGNERS];

    if (options->n_signers > EM_MAX_SIGNERS || options->policy_len > EM_MAX_POLICY)
        return EM_ERR_LIMIT;
    for (size_t i = 0; i < options->n_signers; i++)
        memcpy(signer[i].b, options->signers[i], sizeof signer[i].b);
    EM_TRY(em_map_anonymous(options->policy_len + 1, 0, &c->policy_bytes));
    memcpy(c->policy_bytes.at, options->policy, options->policy_len);
    c->policy_bytes.len = options->policy_len;
    EM_TRY(em_policy_verify(em_map_view(&c->policy_bytes), signer, options->n_signers,
                            em_clock_wall_ms(), &c->report, &c->policy));
    em_client_put_text(c->policy_id, sizeof c->policy_id, c->policy.body.id);
    return em_seen_remember(options->state, &c->policy, &c->seen);
}

/* E1 has come: judge it, and only then send anything that matters. */
static em_err take_attest(em_client *c, em_bytes e1)
{
    EM_DROP(em_x25519_secret) ephemeral = {0};

    EM_TRY(em_map_anonymous(e1.len, 0, &c->e1));
    memcpy(c->e1.at, e1.at, e1.len);
    const em_peer_ask ask = {.c1 = em_view(c->link.c1, c->link.c1_len),
                             .e1 = em_map_view(&c->e1),
                             .policy = &c->policy,
                             .when = EM_ATTEST_LIVE,
                             .at_ms = em_clock_wall_ms(),
                             .tensors = (em_tensor *)(void *)c->tensors.at};
    EM_TRY(em_peer_verify(&ask, &c->report, &c->peer));
    EM_TRY(em_entropy_fill(ephemeral.b, sizeof ephemeral.b));
    EM_TRY(em_session_client_accept(&c->link.session, &c->peer, &ephemeral,
                                    em_clock_monotonic_ms()));
    return em_link_flush(&c->link);
}

static em_err open_session(em_client *c, const em_client_options *options)
{
    em_session_event event = {0};
    em_address to;

    if (options->address == NULL || options->deployment == NULL ||
        options->state == NULL || options->policy == NULL)
        return EM_ERR_ARGUMENT;
    EM_TRY(em_address_parse(em_view(options->address, strlen(options->address)), &to));
    EM_TRY(em_map_anonymous(EM_MAX_TENSORS * sizeof(em_tensor), 0, &c->tensors));
    EM_TRY(take_policy(c, options));
    c->link.silence_ms = options->timeout_ms != 0 ? options->timeout_ms : DEFAULT_WAIT_MS;
    c->link.stop = options->stop;
    c->link.stop_arg = options->stop_arg;
    EM_TRY(em_link_open(&c->link, &to,
                        em_view(options->deployment, strlen(options->deployment))));
    em_err err = em_link_next(&c->link, &event);
    c->host_code = event.code;
    EM_TRY(err);
    return event.what == EM_SESSION_ATTEST ? take_attest(c, event.bytes)
                                           : EM_ERR_SESSION_STATE;
}

int em_client_open(const em_client_options *options, em_client **ret_client,
                   em_client_error *ret_error)
{
    em_map self = {0};
    /* before anything else in a program that is not ours: no configuration is loaded */
    em_err err = em_setup();
    if (err == EM_OK) err = em_map_anonymous(sizeof(em_client), 0, &self);
    em_client *c = (em_client *)(void *)self.at;

    if (err != EM_OK) return em_client_tell(NULL, err, ret_error);
    c->self = self;
    em_report_init(&c->report);
    err = open_session(c, options);
    int code = em_client_tell(c, err, ret_error);
    if (err == EM_OK)
        *ret_client = c;
    else
        em_client_close(c);
    return code;
}

void em_client_close(em_client *client)
{
    if (client == NULL) return;
    em_link_drop(&client->link);
    em_transcript_drop(&client->request);
    em_transcript_drop(&client->answer);
    em_map *maps[] = {&client->policy_bytes, &client->e1,       &client->tensors,
                      &client->body,         &client->texts,    &client->vectors,
                      &client->receipt,      &client->evidence, &client->words};
    for (size_t i = 0; i < EM_COUNT(maps); i++) em_map_drop(maps[i]);
    em_map self = client->self;
    em_map_drop(&self);
}

void em_client_describe(const em_client *client, em_client_peer *ret_peer)
{
    *ret_peer = (em_client_peer){
        .mode = em_roots_mode_name(client->peer.attested.mode),
        .module_id = client->peer.attested.module_id,
        .policy_id = client->policy_id,
        .policy_version = client->policy.body.version,
        .document_ms = client->peer.attested.timestamp_ms,
        .any_account = client->peer.any_account,
        .first_use = client->seen == EM_POLICY_FIRST_USE,
        .n_models = client->peer.n_models,
        .e1_len = client->e1.len,
    };
}

/* How an END that is no success reads on this side. */
static em_err refused_by(const em_end *end)
{
    static const em_err by_face[] = {[EM_FACE_BAD_REQUEST] = EM_ERR_REQUEST_MALFORMED,
                                     [EM_FACE_REFUSED] = EM_ERR_NOT_PERMITTED,
                                     [EM_FACE_BUSY] = EM_ERR_BUSY,
                                     [EM_FACE_NOT_FOUND] = EM_ERR_MODEL_UNKNOWN,
                                     [EM_FACE_STARTING] = EM_ERR_STARTING,
                                     [EM_FACE_CANCELLED] = EM_ERR_CANCELLED};

    if (end->status == EM_STATUS_STOP || end->status == EM_STATUS_LENGTH) return EM_OK;
    if (end->code >= EM_COUNT(by_face) || by_face[end->code] == EM_OK)
        return EM_ERR_ENCLAVE_FAILED;
    return by_face[end->code];
}

/* Requests ------------------------------------------------------------------------------
 */

static em_err send_request(em_client *c, em_bytes body)
{
    do {
        size_t len = body.len < EM_MAX_DATA_BODY ? body.len : EM_MAX_DATA_BODY;
        em_bytes part = em_view(body.at, len);
        bool final = len == body.len;
        EM_TRY(em_link_flush(&c->link));
        EM_TRY(em_session_client_request(&c->link.session, part, final,
                                         em_clock_monotonic_ms()));
        EM_TRY(em_transcript_add(&c->request, EM_RECORD_DATA, part));
        body = em_view(body.at + len, body.len - len);
    } while (body.len > 0);
    return em_link_flush(&c->link);
}

/* What END said, the companion says too. */
static em_err check_companion(em_client *c, const em_companion *companion)
{
    const em_evidence_record *record = em_transcript_records(&c->answer);
    em_end end;

    if (c->answer.n == 0) return EM_ERR_ANSWER_MALFORMED;
    EM_TRY(em_message_parse_end(record[c->answer.n - 1].body, &end));
    return companion->status == end.status && companion->input == end.input &&
                   companion->output == end.output &&
                   em_same(companion->parameters, end.parameters)
               ? EM_OK
               : EM_ERR_COMPANION;
}

/* The receipt belongs to this session, this request and this answer. */
static em_err take_receipt(em_client *c, em_bytes body)
{
    em_receipt_body parts;
    em_companion companion;
    em_inference inference = {
        .has_sequence = true, .has_request = true, .has_response = true};

    em_map_drop(&c->receipt);
    EM_TRY(em_map_anonymous(body.len, 0, &c->receipt));
    memcpy(c->receipt.at, body.at, body.len);
    EM_TRY(em_message_parse_receipt(em_map_view(&c->receipt), &parts));
    inference.sequence = em_session_count(&c->link.session).messages - 1;
    EM_TRY(em_session_request_hash(&c->link.session, inference.request_hash));
    EM_TRY(em_session_answer_hash(&c->link.session, inference.response_hash));
    em_report_init(&c->report);
    EM_TRY(em_peer_receipt(&c->peer, parts.receipt, &inference, &c->report, &c->facts));
    if (parts.companion.len == 0) return EM_ERR_COMPANION;
    EM_TRY(em_peer_receipt_companion(&c->peer, &c->facts, parts.companion, &c->report,
                                     &companion));
    return check_companion(c, &companion);
}

em_err em_client_exchange(em_client *client, em_bytes body, bool *ret_receipt)
{
    em_transcript_clear(&client->request);
    em_transcript_clear(&client->answer);
    *ret_receipt = false;
    EM_TRY(send_request(client, body));
    for (;;) {
        em_session_event event;
        em_err err = em_link_next(&client->link, &event);
        if (err == EM_ERR_INTERRUPTED &&
            em_session_client_cancel(&client->link.session, em_clock_monotonic_ms()) ==
                EM_OK)
            (void)(em_link_say(&client->link) == EM_OK); /* the session ends anyway */
        EM_TRY(err);
        if (event.what == EM_SESSION_DATA) {
            EM_TRY(em_transcript_add(&client->answer, EM_RECORD_DATA, event.bytes));
        } else if (event.what == EM_SESSION_END) {
            EM_TRY(em_transcript_add(&client->answer, EM_RECORD_END, event.bytes));
            EM_TRY(em_message_parse_end(event.bytes, &client->end));
            client->end.parameters = (em_bytes){0};
            if (event.final) return refused_by(&client->end);
        } else if (event.what == EM_SESSION_RECEIPT) {
            EM_TRY(take_receipt(client, event.bytes));
            *ret_receipt = true;
            return refused_by(&client->end);
        } else {
            return EM_ERR_SESSION_STATE;
        }
    }
}

em_err em_client_ask(em_client *client, em_op op, em_bytes *ret_body)
{
    uint8_t body[128];
    em_out o = EM_OUT(body);
    em_request request = {.op = op};
    bool receipt;

    EM_TRY(em_entropy_fill(request.salt, sizeof request.salt));
    em_message_put_request(&o, &request);
    EM_TRY(em_write_end(&o));
    EM_TRY(em_client_exchange(client, em_write_view(&o), &receipt));
    const em_evidence_record *record = em_transcript_records(&client->answer);
    if (receipt || client->answer.n != 2 || record[0].type != EM_RECORD_DATA)
        return EM_ERR_ANSWER_MALFORMED;
    *ret_body = record[0].body;
    return EM_OK;
}
