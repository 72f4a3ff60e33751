#include "tools/replay.h"

#include "infer/bind.h"
#include "tools/contentkey.h"

enum { BATCH_TEXTS = 64, BATCH_TOKENS = 1024 };

void em_replay_drop(em_replay *r)
{
    em_map_drop(&r->image);
    em_map_drop(&r->inputs);
    em_map_drop(&r->body);
    em_bundlefile_drop(&r->bundle);
    memset(r, 0, sizeof *r);
}

/* ---- what was asked and answered ---- */

static em_err join_request(em_replay *r)
{
    em_evidence_walk w = em_evidence_file_walk(r->file.request);
    em_evidence_record record;
    size_t len = 0;

    /* the encoded records are longer than their bodies */
    EM_TRY(em_map_anonymous(r->file.request.len, 0, &r->body));
    EM_TRY(em_map_anonymous(EM_MAX_INPUTS * sizeof(em_bytes), 0, &r->inputs));
    while (em_evidence_file_next(&w, &record)) {
        if (record.body.len > 0)
            memcpy(r->body.at + len, record.body.at, record.body.len);
        len += record.body.len;
    }
    return em_message_parse_request(em_view(r->body.at, len),
                                    (em_bytes *)(void *)r->inputs.at, &r->request);
}

static em_err take(em_bytes evidence, em_problem *problem, em_replay *r)
{
    EM_TRY(em_evidence_file_read(evidence, &r->file));
    if (!r->file.has_request || !r->file.has_answer)
        return em_problem_set(problem, EM_ERR_REPLAY_PARTS, "evidence",
                              "it was written without its %s and cannot be replayed",
                              r->file.has_request ? "answer" : "request");
    em_err err = join_request(r);
    if (err == EM_ERR_MEMORY) return em_problem_err(problem, err, "request");
    if (err != EM_OK || r->request.n_inputs == 0)
        return em_problem_set(problem, EM_ERR_REPLAY_PARTS, "request",
                              "no inference can be read from it (%s)", em_err_name(err));
    err = em_message_parse_end(em_evidence_file_last(r->file.answer), &r->end);
    if (err != EM_OK)
        return em_problem_set(problem, EM_ERR_REPLAY_PARTS, "answer",
                              "its END cannot be read (%s)", em_err_name(err));
    if (r->end.status != EM_STATUS_STOP)
        return em_problem_set(problem, EM_ERR_REPLAY_PARTS, "answer",
                              "it ended with \"%s\": there is nothing to compute again",
                              em_message_status_name(r->end.status));
    r->n_data = em_evidence_file_walk(r->file.answer).left - 1;
    return EM_OK;
}

em_err em_replay_take(em_bytes evidence, const em_evidence_facts *facts,
                      em_problem *problem, em_replay *ret_replay)
{
    memset(ret_replay, 0, sizeof *ret_replay);
    ret_replay->facts = facts;
    em_err err = take(evidence, problem, ret_replay);
    if (err != EM_OK) em_replay_drop(ret_replay);
    return err;
}

/* ---- the model ---- */

/* The model that the receipt names, as the policy believes it; the receipt's check found
 * it too. */
static const em_peer_model *model_of(const em_evidence_facts *f)
{
    for (size_t i = 0; i < f->peer.n_models; i++)
        if (em_same(EM_BYTES(f->peer.model[i].hash), f->receipt.claims.model_hash))
            return &f->peer.model[i];
    return NULL;
}

static em_err check_bundle(const em_replay *r, const char *path, em_problem *problem)
{
    char has[65] = "", wants[65] = "";
    em_out h = em_out_over(has, 64), w = em_out_over(wants, 64);
    em_bytes hash = r->facts->receipt.claims.model_hash;

    if (em_same(EM_BYTES(r->bundle.hash), hash)) return EM_OK;
    em_write_hex(&h, EM_BYTES(r->bundle.hash));
    em_write_hex(&w, hash);
    return em_problem_set(problem, EM_ERR_MODEL_HASH_MISMATCH, path,
                          "another bundle: its manifest is %s, the receipt's model %s",
                          has, wants);
}

static em_err check_profile(const em_replay *r, em_problem *problem)
{
    em_bytes says = r->bundle.claims.profile;
    em_bytes ours = em_bert_profile(r->bundle.claims.model.shape.precision);

    if (em_same(says, ours)) return EM_OK;
    return em_problem_set(problem, EM_ERR_UNSUPPORTED, "numeric profile",
                          "the model was computed with %.*s; this build computes %.*s: "
                          "replay with the em that the enclave was built with",
                          (int)says.len, (const char *)says.at, (int)ours.len,
                          (const char *)ours.at);
}

static em_err check_key(const em_replay *r, const em_contentkey *key, const char *path,
                        em_problem *problem)
{
    if (em_same(EM_BYTES(key->manifest), EM_BYTES(r->bundle.hash))) return EM_OK;
    return em_problem_set(problem, EM_ERR_KEY_COMMITMENT, path,
                          "the key of another bundle (a packing of %s)", key->model);
}

static em_err open_bundle(em_replay *r, const char *bundle, const char *key_path,
                          em_problem *problem)
{
    EM_DROP(em_contentkey) key = {0};
    const em_peer_model *model = model_of(r->facts);

    if (model == NULL) return em_problem_err(problem, EM_ERR_INTERNAL, "receipt");
    EM_TRY(em_bundlefile_open(bundle, problem, &r->bundle));
    EM_TRY(check_bundle(r, bundle, problem));
    EM_TRY(check_profile(r, problem));
    EM_TRY(em_contentkey_read(key_path, problem, &key));
    EM_TRY(check_key(r, &key, key_path, problem));

    const em_publisher publisher = {.model = em_view(model->id, model->id_len),
                                    .key = model->publisher,
                                    .floor = model->number};
    uint64_t at_ms = r->facts->judged_at_ms;
    EM_TRY(em_bundlefile_unseal(&r->bundle, &publisher, 1, at_ms, &key.key, problem,
                                &r->image));
    em_err err = em_manifest_verify(r->bundle.head.manifest, &publisher, 1, at_ms,
                                    r->tensors, &r->manifest);
    if (err != EM_OK) return em_problem_err(problem, err, bundle);
    const em_bundle_image image = {.manifest = &r->manifest,
                                   .bytes = em_map_view(&r->image)};
    err = em_bind_image(&image, &r->bert, &r->words);
    if (err != EM_OK) return em_problem_err(problem, err, bundle);
    return EM_OK;
}

em_err em_replay_open(em_replay *r, const char *bundle, const char *key,
                      em_problem *problem)
{
    em_err err = open_bundle(r, bundle, key, problem);

    if (err != EM_OK) {
        em_map_drop(&r->image);
        em_bundlefile_drop(&r->bundle);
    }
    return err;
}

/* ---- computing and comparing ---- */

/* What one run takes. */
typedef struct run {
    em_task task;
    em_kernels kernels;
    em_jobs_pool pool;
    em_plan plan;
    em_map ids, rows, scratch, body;
} run;

static void run_drop(run *x)
{
    em_map_drop(&x->body);
    em_map_drop(&x->scratch);
    em_map_drop(&x->rows);
    em_map_drop(&x->ids);
    em_jobs_pool_drop(&x->pool);
}

static em_err prepare(em_replay *r, const em_replay_how *how, run *x)
{
    uint32_t longest = r->bert.shape.max_tokens;
    em_plan_limits limits = {.tokens = how->tokens != 0 ? how->tokens : BATCH_TOKENS,
                             .sequences = how->texts != 0 ? how->texts : BATCH_TEXTS,
                             .workers = (uint32_t)how->threads};
    size_t ids, rows;

    if (limits.tokens < longest) limits.tokens = longest;
    EM_TRY(em_task_begin(&r->bert, &r->words, &r->request, &x->task));
    EM_TRY(em_task_need(&x->task, &ids, &rows));
    EM_TRY(em_map_anonymous(ids, 0, &x->ids));
    EM_TRY(em_map_anonymous(rows, 0, &x->rows));
    em_task_lay(&x->task, x->ids.at, x->rows.at);
    EM_TRY(em_plan_bert(&r->bert.shape, limits, &x->plan));
    EM_TRY(em_map_anonymous(x->plan.scratch, 0, &x->scratch));
    EM_TRY(em_map_anonymous(EM_MAX_DATA_BODY, 0, &x->body));
    em_kernels_pick(&x->kernels, how->cpu);
    return em_jobs_create(how->threads, &x->pool);
}

/* One record as computed again, against the next of the evidence; nothing is left of that
 * where there are more of ours. */
static em_err compare_one(em_evidence_walk *claimed, size_t index, const em_out *made,
                          em_sha256 *hash, em_replay_diff *diff)
{
    em_evidence_record record = {0};

    EM_TRY(em_write_end(made));
    em_sha2_256_add(hash, em_write_view(made));
    if (claimed->left <= 1) return EM_OK; /* END stays for END */
    (void)em_evidence_file_next(claimed, &record);
    em_replay_diff_data(diff, index, record.body, em_write_view(made));
    return EM_OK;
}

static em_err compare(const em_replay *r, const run *x, em_replay_result *result)
{
    em_evidence_walk claimed = em_evidence_file_walk(r->file.answer);
    em_sha256 hash;
    size_t index = 0;

    em_sha2_256_init(&hash);
    for (uint32_t first = 0; first < x->task.n; first += em_task_rows(&x->task, first)) {
        em_out o = em_out_over(x->body.at, x->body.len);
        em_task_put_rows(&x->task, first, &o);
        EM_TRY(compare_one(&claimed, index++, &o, &hash, &result->diff));
    }
    em_replay_diff_count(&result->diff, r->n_data, index);

    em_out o = em_out_over(x->body.at, x->body.len);
    em_task_put_end(&x->task, EM_OK, r->end.salt, &o);
    EM_TRY(em_write_end(&o));
    em_sha2_256_add(&hash, em_write_view(&o));
    em_replay_diff_end(&result->diff, em_evidence_file_last(r->file.answer),
                       em_write_view(&o));
    em_sha2_256_end(&hash, result->response_hash);
    return EM_OK;
}

static em_err compute(em_replay *r, const em_replay_how *how, run *x,
                      em_replay_result *result)
{
    const em_task_engine engine = {.kernels = &x->kernels,
                                   .plan = &x->plan,
                                   .jobs = em_jobs_of(&x->pool),
                                   .scratch = x->scratch.at,
                                   .tell = how->tell,
                                   .tell_arg = how->arg};

    EM_TRY(em_task_tokenize(&x->task));
    result->tokens = x->task.n_tokens;
    EM_TRY(em_task_run(&x->task, &engine));
    return compare(r, x, result);
}

em_err em_replay_run(em_replay *r, const em_replay_how *how, em_problem *problem,
                     em_replay_result *ret_result)
{
    EM_DROP(run) x = {0};
    em_replay_result result = {.texts = (uint32_t)r->request.n_inputs};

    if (!em_same(r->request.model, r->manifest.body.id))
        return em_problem_set(problem, EM_ERR_MODEL_ID_MISMATCH, "request",
                              "it asks for another model than the receipt names");
    em_err err = prepare(r, how, &x);
    if (err != EM_OK) return em_problem_err(problem, err, "replay");
    result.level = x.kernels.level;
    err = compute(r, how, &x, &result);
    if (err == EM_ERR_REQUEST_MALFORMED)
        return em_problem_set(problem, EM_ERR_REPLAY_DIFFERS, "request",
                              "this model refuses it, and yet it was answered");
    if (err != EM_OK) return em_problem_err(problem, err, "replay");

    bool same =
        em_replay_diff_is_same(&result.diff) &&
        em_same(EM_BYTES(result.response_hash), r->facts->receipt.claims.response_hash);
    *ret_result = result;
    if (same) return EM_OK;
    return em_problem_set(problem, EM_ERR_REPLAY_DIFFERS, NULL, "%s",
                          result.diff.text[0] != 0 ? result.diff.text
                                                   : "response_hash differs");
}
