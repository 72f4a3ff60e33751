/* A packed model, an answer made with it, and everything in evidence, bundle and key that
 * could be another: what is the same replays, at every level, with every number of
 * threads and in every batch; what is not is told by name. */
#include "tools/replay.h"

#include "crypto/setup.h"
#include "infer/bind.h"
#include "os/cpu.h"
#include "tests/tools/folder.h"
#include "tools/contentkey.h"
#include "tools/keys.h"
#include "tools/pack_bundle.h"
#include "tools/synth.h"

#include <fcntl.h>

#define NOW_MS ((uint64_t)1800000000000)

enum { TEXTS = 300, MAX_RECORDS = 8, DIM = 64, SAMPLE_TEXTS = 7 };

static em_ed25519_secret secret;
static em_ed25519_public publisher;
static em_content_key key;
static char bundle_path[600], key_path[600];
static em_evidence_facts facts;
static em_replay replay;
static em_replay_result result;

static em_err keep(void *arg, const em_content_key *k, const em_manifest_body *body,
                   const uint8_t *hash, em_out *wrapped)
{
    (void)arg, (void)body, (void)hash;
    key = *k;
    em_write_bytes(wrapped, EM_STR("wrapped"));
    return EM_OK;
}

static void must(em_err err, const char *what)
{
    if (err == EM_OK) return;
    fprintf(stderr, "  %s: %s: %s\n", what, em_err_name(err), problem.text);
    abort();
}

/* A bundle, its key file, and the facts of a receipt for it. */
static void make_bundle(const char *name)
{
    const em_synth plain = {.hidden = DIM, .layers = 1, .intermediate = 32};
    em_pack_terms terms = {.id = EM_STR("small"),
                           .version = EM_STR("1"),
                           .number = 4,
                           .not_after_ms = NOW_MS + 1000,
                           .licence = EM_STR("CC0-1.0"),
                           .kms_key = EM_STR("arn:aws:kms:x:1:key/2"),
                           .chunk_len = EM_CHUNK_MIN,
                           .key_out = key_path};
    em_peer_model *m = &facts.peer.model[0];
    em_pack *pack;

    snprintf(bundle_path, sizeof bundle_path, "%s", folder_path("%s.emb", name));
    snprintf(key_path, sizeof key_path, "%s", folder_path("%s.key", name));
    must(em_synth_write(folder_path("model"), &plain, &problem), "synth");
    must(em_pack_folder(folder_path("model"), NULL, &problem, &pack), "pack");
    must(em_pack_bundle(pack, &terms, &secret, keep, NULL, bundle_path, NULL, &problem,
                        m->hash),
         "seal");
    em_pack_free(pack);
    facts.peer.n_models = 1;
    facts.judged_at_ms = NOW_MS;
    facts.receipt.claims.model_hash = EM_BYTES(m->hash);
    m->publisher = publisher;
    m->number = 4;
    m->id_len = 5;
    memcpy(m->id, "small", 6);
}

/* ---- an inference as evidence ---- */

typedef struct inference {
    em_evidence_record request[2], answer[MAX_RECORDS];
    size_t n_request, n_answer;
} inference;

static em_bytes text(size_t i)
{
    char *at = test_alloc(2048);
    int len = snprintf(at, 2048, "text %zu of item %zu", i, i * 7919 % 1000);

    /* one is empty, one is far too long for the model */
    if (i == 3) len = 0;
    if (i == 5)
        for (len = 0; len < 2000; len += 4) memcpy(at + len, "cut ", 4);
    return em_view(at, (size_t)len);
}

static em_bytes request_of(size_t n, const char *model, bool truncate)
{
    em_out o = em_out_over(test_alloc(64 << 10), 64 << 10);
    em_bytes *input = test_alloc(n * sizeof *input);
    em_request q = {.op = EM_OP_EMBED,
                    .model = em_view(model, strlen(model)),
                    .n_inputs = n,
                    .input = input,
                    .truncate = truncate};

    for (size_t i = 0; i < n; i++) input[i] = text(i);
    em_message_put_request(&o, &q);
    must(em_write_end(&o), "request");
    return em_write_view(&o);
}

static void put_record(inference *f, em_record_type type, const em_out *o)
{
    must(em_write_end(o), "record");
    f->answer[f->n_answer++] = (em_evidence_record){type, em_write_view(o)};
}

/* What the enclave makes, by plain C, one sequence at a time. */
static void answer(inference *f, em_bytes body, em_bytes image)
{
    static em_bytes inputs[EM_MAX_INPUTS];
    static em_bundlefile file;
    static em_tensor tensors[EM_MAX_TENSORS];
    em_manifest manifest;
    em_publisher by = {.model = EM_STR("small"), .key = publisher};
    em_bert bert;
    em_wordpiece words;
    em_request q;
    em_task task;
    em_plan plan;
    em_kernels kernels;
    em_jobs jobs = em_jobs_inline();
    size_t ids, rows;

    must(em_bundlefile_open(bundle_path, &problem, &file), "open");
    must(em_manifest_verify(file.head.manifest, &by, 1, NOW_MS, tensors, &manifest),
         "manifest");
    const em_bundle_image whole = {.manifest = &manifest, .bytes = image};
    must(em_bind_image(&whole, &bert, &words), "bind");
    must(em_message_parse_request(body, inputs, &q), "parse");
    must(em_task_begin(&bert, &words, &q, &task), "begin");
    must(em_task_need(&task, &ids, &rows), "need");
    em_task_lay(&task, test_alloc(ids), test_alloc(rows));
    em_plan_limits limits = {
        .tokens = bert.shape.max_tokens, .sequences = 1, .workers = 1};
    must(em_plan_bert(&bert.shape, limits, &plan), "plan");
    em_kernels_pick(&kernels, 0);
    void *scratch = aligned_alloc(64, plan.scratch + (64 - plan.scratch % 64) % 64);
    const em_task_engine engine = {
        .kernels = &kernels, .jobs = &jobs, .plan = &plan, .scratch = scratch};
    must(em_task_tokenize(&task), "tokenize");
    must(em_task_run(&task, &engine), "run");
    free(scratch);

    uint8_t salt[EM_SALT_LEN] = {7, 8, 9};
    for (uint32_t first = 0; first < task.n; first += em_task_rows(&task, first)) {
        em_out o = em_out_over(test_alloc(EM_MAX_DATA_BODY), EM_MAX_DATA_BODY);
        em_task_put_rows(&task, first, &o);
        put_record(f, EM_RECORD_DATA, &o);
    }
    em_out o = em_out_over(test_alloc(EM_MAX_END_BODY), EM_MAX_END_BODY);
    em_task_put_end(&task, EM_OK, salt, &o);
    put_record(f, EM_RECORD_END, &o);
    em_bundlefile_drop(&file);
}

static em_map image;

static inference infer(size_t n, bool truncate)
{
    inference f = {.n_request = 2};
    em_bytes body = request_of(n, "small", truncate);
    size_t half = body.len / 2;

    f.request[0] = (em_evidence_record){EM_RECORD_DATA, em_view(body.at, half)};
    f.request[1] =
        (em_evidence_record){EM_RECORD_DATA, em_view(body.at + half, body.len - half)};
    answer(&f, body, em_map_view(&image));
    return f;
}

/* The file, and the receipt's response_hash with it: what is signed is what is in it. */
static em_bytes evidence_of(const inference *f)
{
    static uint8_t hash[EM_SHA256_LEN];
    const em_evidence_parts parts = {.receipt = EM_STR("receipt"),
                                     .hello = EM_STR("hello"),
                                     .attest = EM_STR("attest"),
                                     .policy = EM_STR("policy"),
                                     .request = f->request,
                                     .n_request = f->n_request,
                                     .answer = f->answer,
                                     .n_answer = f->n_answer};
    em_sha256 h;
    size_t len;

    em_sha2_256_init(&h);
    for (size_t i = 0; i < f->n_answer; i++) em_sha2_256_add(&h, f->answer[i].body);
    em_sha2_256_end(&h, hash);
    facts.receipt.claims.response_hash = EM_BYTES(hash);
    must(em_evidence_file_len(&parts, &len), "evidence");
    em_out o = em_out_over(test_alloc(len), len);
    must(em_evidence_file_write(&parts, &o), "evidence");
    return em_write_view(&o);
}

static em_err run_as(const inference *f, const em_replay_how *how)
{
    memset(&result, 0, sizeof result);
    em_err err = em_replay_take(evidence_of(f), &facts, &problem, &replay);
    if (err == EM_OK) err = em_replay_open(&replay, bundle_path, key_path, &problem);
    if (err == EM_OK) err = em_replay_run(&replay, how, &problem, &result);
    em_replay_drop(&replay);
    return err;
}

static em_err run(const inference *f)
{
    return run_as(f, &(em_replay_how){.cpu = em_cpu_detect(), .threads = 2});
}

/* ---- the same ---- */

static void an_answer_replays_however_it_is_computed(void)
{
    inference f = infer(TEXTS, true);
    const unsigned all = em_cpu_detect();
    const unsigned cpus[] = {all, all & EM_CPU_AVX2, all & EM_CPU_NEON, 0};
    const uint32_t batches[] = {0, 1, 5, 300};

    CHECK(f.n_answer == 3); /* two DATA */
    CHECK_OK(em_replay_take(evidence_of(&f), &facts, &problem, &replay));
    CHECK_OK(em_replay_open(&replay, bundle_path, key_path, &problem));
    for (size_t c = 0; c < EM_COUNT(cpus); c++)
        for (size_t i = 0; i < 16; i++) {
            const em_replay_how how = {.cpu = cpus[c],
                                       .threads = i % 4 + 1,
                                       .texts = batches[(i + i / 4) % 4],
                                       .tokens = i % 2 ? 4096 : 0};
            if (cpus[c] == 0 && i >= 4) break; /* plain C takes its time */
            test_note("cpu %x, %zu threads, batch %u", cpus[c], how.threads, how.texts);
            CHECK_OK(em_replay_run(&replay, &how, &problem, &result));
            CHECK(result.texts == TEXTS && result.diff.records == 3);
            CHECK(result.diff.numbers == (uint64_t)TEXTS * DIM);
            CHECK(result.tokens > TEXTS);
        }
    em_replay_drop(&replay);
}

static uint32_t told, told_of;

static void tell(void *arg, uint32_t done, uint32_t n)
{
    CHECK(arg == &told && done > told && done <= n);
    told = done, told_of = n;
}

static void progress_is_told(void)
{
    inference f = infer(SAMPLE_TEXTS, true);
    const em_replay_how how = {.threads = 1, .texts = 2, .tell = tell, .arg = &told};

    CHECK_OK(run_as(&f, &how));
    CHECK(told == SAMPLE_TEXTS && told_of == SAMPLE_TEXTS);
}

/* ---- not the same ---- */

static em_bytes altered(em_bytes body, size_t at, uint8_t bit)
{
    uint8_t *copy = test_alloc(body.len);

    memcpy(copy, body.at, body.len);
    copy[at] ^= bit;
    return em_view(copy, body.len);
}

static void differs(const inference *f, const char *words)
{
    CHECK_ERR(run(f), EM_ERR_REPLAY_DIFFERS);
    CHECK(problem_says(words));
}

/* The receipt is for these very records: only computing again can tell. */
static void an_answer_that_is_another_is_told(void)
{
    const inference good = infer(SAMPLE_TEXTS, true);
    em_bytes data = good.answer[0].body;
    inference f = good;
    static em_embed_text texts[EM_MAX_INPUTS];
    em_embed_part part;

    CHECK_OK(run(&good));
    CHECK_OK(em_answer_parse_embed(data, texts, &part));
    size_t vectors = (size_t)(part.vectors.at - data.at);
    f.answer[0].body = altered(data, vectors + 4 * (2 * DIM + 9), 1);
    differs(&f, "DATA 0: text 2, number 9: ");
    CHECK(result.diff.bad_records == 1 && result.diff.bad_numbers == 1);
    CHECK(result.diff.most > 0 && result.diff.most < 1e-6);

    part.first = 1; /* not what an enclave sends */
    em_out o = em_out_over(test_alloc(EM_MAX_DATA_BODY), EM_MAX_DATA_BODY);
    em_answer_put_embed(&o, &part);
    f.answer[0].body = em_write_view(&o);
    differs(&f, "from text 1 on in the evidence");
    part.first = 0, part.text = memcpy(test_alloc(sizeof texts), texts, sizeof texts);
    texts[4].truncated = true;
    part.text = texts;
    o = em_out_over(test_alloc(EM_MAX_DATA_BODY), EM_MAX_DATA_BODY);
    em_answer_put_embed(&o, &part);
    f.answer[0].body = em_write_view(&o);
    differs(&f, "text 4: truncated is true in the evidence, false here");

    f = good; /* a record twice, a record too few */
    f.answer[2] = f.answer[1], f.answer[1] = f.answer[0], f.n_answer = 3;
    differs(&f, "2 DATA records in the evidence, 1 computed again");
    f = good, f.answer[0] = f.answer[1], f.n_answer = 1;
    differs(&f, "0 DATA records in the evidence, 1 computed again");

    f = good;
    em_end end;
    CHECK_OK(em_message_parse_end(good.answer[1].body, &end));
    end.input++;
    o = em_out_over(test_alloc(EM_MAX_END_BODY), EM_MAX_END_BODY);
    em_message_put_end(&o, &end);
    f.answer[1].body = em_write_view(&o);
    differs(&f, "END: usage of ");
}

static void a_request_that_would_be_refused_differs(void)
{
    inference f = infer(SAMPLE_TEXTS, true);
    em_bytes body = request_of(SAMPLE_TEXTS, "small", false); /* text 5 is too long */

    f.request[0].body = body, f.n_request = 1;
    differs(&f, "this model refuses it");
}

static void a_request_for_another_model_is_refused(void)
{
    inference f = infer(SAMPLE_TEXTS, true);

    f.request[0].body = request_of(SAMPLE_TEXTS, "other", true), f.n_request = 1;
    CHECK_PROBLEM(run(&f), EM_ERR_MODEL_ID_MISMATCH, "asks for another model");
}

/* response_hash is checked by itself too */
static void another_response_hash_differs(void)
{
    inference f = infer(SAMPLE_TEXTS, true);
    uint8_t other[EM_SHA256_LEN] = {1};
    em_bytes file = evidence_of(&f);

    facts.receipt.claims.response_hash = EM_BYTES(other);
    CHECK_OK(em_replay_take(file, &facts, &problem, &replay));
    CHECK_OK(em_replay_open(&replay, bundle_path, key_path, &problem));
    CHECK_PROBLEM(
        em_replay_run(&replay, &(em_replay_how){.threads = 1}, &problem, &result),
        EM_ERR_REPLAY_DIFFERS, "response_hash differs");
    CHECK(em_replay_diff_is_same(&result.diff));
    em_replay_drop(&replay);
}

/* ---- nothing to replay ---- */

static void parts_that_are_missing_are_said(void)
{
    const inference good = infer(SAMPLE_TEXTS, true);
    inference f = good;

    f.n_request = 0;
    CHECK_PROBLEM(run(&f), EM_ERR_REPLAY_PARTS, "without its request");
    f = good, f.n_answer = 0;
    CHECK_PROBLEM(run(&f), EM_ERR_REPLAY_PARTS, "without its answer");
    f = good, f.n_request = 1;
    CHECK_PROBLEM(run(&f), EM_ERR_REPLAY_PARTS, "no inference can be read");

    em_out o = em_out_over(test_alloc(64), 64);
    em_message_put_request(&o, &(em_request){.op = EM_OP_STATUS});
    f = good, f.request[0].body = em_write_view(&o), f.n_request = 1;
    CHECK_PROBLEM(run(&f), EM_ERR_REPLAY_PARTS, "no inference can be read");

    em_end end;
    CHECK_OK(em_message_parse_end(good.answer[1].body, &end));
    end.status = EM_STATUS_CANCELLED, end.code = EM_FACE_CANCELLED;
    o = em_out_over(test_alloc(EM_MAX_END_BODY), EM_MAX_END_BODY);
    em_message_put_end(&o, &end);
    f = good, f.answer[1].body = em_write_view(&o);
    CHECK_PROBLEM(run(&f), EM_ERR_REPLAY_PARTS, "it ended with \"cancelled\"");
    f = good, f.answer[1].body = EM_STR("x");
    CHECK_PROBLEM(run(&f), EM_ERR_REPLAY_PARTS, "its END cannot be read");
}

static void an_op_that_is_not_this_models_is_unsupported(void)
{
    static const em_bytes one[] = {EM_STR("a")};
    inference f = infer(SAMPLE_TEXTS, true);
    em_out o = em_out_over(test_alloc(256), 256);
    const em_request q = {.op = EM_OP_CLASSIFY,
                          .model = EM_STR("small"),
                          .n_inputs = 1,
                          .input = one,
                          .truncate = true};

    em_message_put_request(&o, &q);
    f.request[0].body = em_write_view(&o), f.n_request = 1;
    CHECK_ERR(run(&f), EM_ERR_UNSUPPORTED);
}

/* ---- another bundle, another key ---- */

static void copy_file(const char *from, const char *to, size_t cut, size_t flip_at)
{
    em_bytes f = test_file(from);
    uint8_t *copy = test_alloc(f.len);

    memcpy(copy, f.at, f.len);
    if (flip_at != SIZE_MAX) copy[flip_at] ^= 4;
    must(em_file_write(to, em_view(copy, f.len - cut), 0600), "copy");
}

static em_err open_with(const char *bundle, const char *kept)
{
    inference f = infer(1, true);

    em_err err = em_replay_take(evidence_of(&f), &facts, &problem, &replay);
    if (err == EM_OK) err = em_replay_open(&replay, bundle, kept, &problem);
    em_replay_drop(&replay);
    return err;
}

static void only_the_receipts_bundle_opens(void)
{
    char bad[600];
    size_t len = test_file(bundle_path).len;

    snprintf(bad, sizeof bad, "%s", folder_path("bad.emb"));
    CHECK_OK(open_with(bundle_path, key_path));
    copy_file(bundle_path, bad, 0, len - 1);
    CHECK_PROBLEM(open_with(bad, key_path), EM_ERR_BUNDLE_CHUNK, "chunk ");
    copy_file(bundle_path, bad, 0, EM_BUNDLE_HEAD_LEN);
    CHECK_PROBLEM(open_with(bad, key_path), EM_ERR_BUNDLE_CHUNK, "chunk 0 of");
    copy_file(bundle_path, bad, 1, SIZE_MAX);
    CHECK_PROBLEM(open_with(bad, key_path), EM_ERR_BUNDLE_COUNT, "bytes where its");
    copy_file(bundle_path, bad, len - 100, SIZE_MAX);
    CHECK_PROBLEM(open_with(bad, key_path), EM_ERR_SHORT, "too short to be a bundle");
    copy_file(bundle_path, bad, 0, 0);
    CHECK_PROBLEM(open_with(bad, key_path), EM_ERR_BUNDLE_MALFORMED, "does not begin");
    CHECK_PROBLEM(open_with(folder_path("none.emb"), key_path), EM_ERR_NOT_FOUND,
                  "none.emb");
    /* the signature over the manifest: its last bytes */
    em_bytes f = test_file(bundle_path);
    size_t manifest = (size_t)f.at[10] << 8 | f.at[11];
    copy_file(bundle_path, bad, 0, 16 + manifest - 1);
    CHECK_PROBLEM(open_with(bad, key_path), EM_ERR_MANIFEST_KEY, "manifest");
}

static void only_its_key_opens_it(void)
{
    em_contentkey kept;
    char bad[600];

    CHECK_OK(em_contentkey_read(key_path, &problem, &kept));
    kept.key.b[31] ^= 1;
    snprintf(bad, sizeof bad, "%s", folder_path("bad.key"));
    CHECK_OK(em_contentkey_write(bad, &kept, &problem));
    CHECK_PROBLEM(open_with(bundle_path, bad), EM_ERR_KEY_COMMITMENT, "content key");
    CHECK_PROBLEM(open_with(bundle_path, bundle_path), EM_ERR_DENIED, "chmod 600");
    CHECK_PROBLEM(open_with(bundle_path, folder_path("none.key")), EM_ERR_NOT_FOUND,
                  "none.key");
    memcpy(&kept.key, &key, sizeof key);
    kept.manifest[0] ^= 1;
    CHECK_OK(em_file_remove(bad));
    CHECK_OK(em_contentkey_write(bad, &kept, &problem));
    CHECK_PROBLEM(open_with(bundle_path, bad), EM_ERR_KEY_COMMITMENT,
                  "the key of another bundle (a packing of small)");
}

static void another_packing_of_the_same_model_is_another_bundle(void)
{
    const em_evidence_facts first = facts;
    char first_bundle[600], first_key[600];
    inference f = infer(1, true);

    snprintf(first_bundle, sizeof first_bundle, "%s", bundle_path);
    snprintf(first_key, sizeof first_key, "%s", key_path);
    make_bundle("second");
    char second_key[600];
    snprintf(second_key, sizeof second_key, "%s", key_path);
    CHECK_OK(run(&f)); /* the same weights, under a receipt for the second */
    facts = first;
    facts.receipt.claims.model_hash = EM_BYTES(facts.peer.model[0].hash);
    CHECK_PROBLEM(run(&f), EM_ERR_MODEL_HASH_MISMATCH, "another bundle: its manifest is");
    snprintf(bundle_path, sizeof bundle_path, "%s", first_bundle);
    CHECK_PROBLEM(open_with(bundle_path, second_key), EM_ERR_KEY_COMMITMENT,
                  "the key of another bundle");
    snprintf(key_path, sizeof key_path, "%s", first_key);
    CHECK_OK(run(&f));
}

/* A manifest as a later build might sign it: the same but for the profile's version. */
static void a_profile_of_another_build_is_unsupported(void)
{
    static em_bundlefile file;
    uint8_t buf[EM_MAX_MANIFEST];
    em_out body = EM_OUT(buf),
           cose = em_out_over(test_alloc(EM_MAX_MANIFEST), EM_MAX_MANIFEST);
    em_out head = em_out_over(test_alloc(EM_BUNDLE_HEAD_LEN), EM_BUNDLE_HEAD_LEN);
    const em_evidence_facts before = facts;
    em_bytes whole = test_file(bundle_path);
    uint8_t *later = test_alloc(whole.len);
    inference f = infer(1, true);

    must(em_bundlefile_open(bundle_path, &problem, &file), "open");
    em_manifest_body b = file.claims;
    b.profile = EM_STR("em-bert-f32/99");
    must(em_manifest_body_encode(&b, &body), "body");
    must(em_manifest_sign(em_write_view(&body), &secret, &cose), "sign");
    must(em_bundle_head_write(em_write_view(&cose), EM_STR("wrapped"), &head), "head");
    memcpy(later, whole.at, whole.len);
    memcpy(later, head.at, head.len);
    must(em_file_write(folder_path("later.emb"), em_view(later, whole.len), 0600), "w");
    em_sha2_256(em_write_view(&body), facts.peer.model[0].hash);
    em_bundlefile_drop(&file);

    CHECK_OK(em_replay_take(evidence_of(&f), &facts, &problem, &replay));
    CHECK_PROBLEM(em_replay_open(&replay, folder_path("later.emb"), key_path, &problem),
                  EM_ERR_UNSUPPORTED, "em-bert-f32/99", "this build computes",
                  "em-bert-f32/");
    em_replay_drop(&replay);

    /* and an enclave does not serve it */
    static em_tensor tensors[EM_MAX_TENSORS];
    em_publisher by = {.model = EM_STR("small"), .key = publisher};
    em_manifest manifest;
    em_bert bert;
    em_wordpiece words;
    must(em_manifest_verify(em_write_view(&cose), &by, 1, NOW_MS, tensors, &manifest),
         "manifest");
    const em_bundle_image img = {.manifest = &manifest, .bytes = em_map_view(&image)};
    CHECK_ERR(em_bind_image(&img, &bert, &words), EM_ERR_UNSUPPORTED);
    facts = before;
    facts.receipt.claims.model_hash = EM_BYTES(facts.peer.model[0].hash);
    CHECK_OK(run(&f));
}

int main(void)
{
    static em_bundlefile file;
    uint8_t seed[32] = {5};

    if (em_setup() != EM_OK || em_ed25519_from_seed(seed, &secret, &publisher) != EM_OK)
        return 1;
    folder_begin();
    make_bundle("first");
    em_publisher by = {.model = EM_STR("small"), .key = publisher};
    must(em_bundlefile_open(bundle_path, &problem, &file), "open");
    must(em_bundlefile_unseal(&file, &by, 1, NOW_MS, &key, &problem, &image), "unseal");
    em_bundlefile_drop(&file);
    RUN(an_answer_replays_however_it_is_computed);
    RUN(progress_is_told);
    RUN(an_answer_that_is_another_is_told);
    RUN(a_request_that_would_be_refused_differs);
    RUN(a_request_for_another_model_is_refused);
    RUN(another_response_hash_differs);
    RUN(parts_that_are_missing_are_said);
    RUN(an_op_that_is_not_this_models_is_unsupported);
    RUN(only_the_receipts_bundle_opens);
    RUN(only_its_key_opens_it);
    RUN(another_packing_of_the_same_model_is_another_bundle);
    RUN(a_profile_of_another_build_is_unsupported);
    em_map_drop(&image);
    return test_end();
}
