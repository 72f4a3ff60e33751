#include "cmd/demo_attack.h"

#include "bundle/bundle_head.h"
#include "os/file.h"
#include "os/map.h"
#include "trust/evidence_file.h"
#include "trust/hello.h"
#include "trust/manifest.h"

#include <stdio.h>

#define PATH(name) em_demo_stage_path(&p->stage, name)
#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

/* em verify of a file; was it refused, and for this reason? */
static em_err verify_refuses(em_demo_play *p, const char *what, const char *file,
                             const char *reason)
{
    static char out[16 << 10];
    int code = 0;

    EM_TRY(em_demo_stage_run(&p->stage, "verify-bad", ARGV("em", "verify", PATH(file)),
                             &code));
    em_demo_stage_output(&p->stage, "verify-bad", "out", out, sizeof out);
    em_demo_stage_refused(&p->stage, what, "the auditor (em verify)", reason,
                          code == EM_EXIT_REFUSED && strstr(out, reason) != NULL);
    return EM_OK;
}

static em_err flip_receipt(em_demo_play *p)
{
    EM_DROP(em_map) file = {0};
    em_evidence parts;

    EM_TRY(em_file_load(PATH("evidence.cbor"), EM_MAX_EVIDENCE, &file));
    EM_TRY(em_evidence_file_read(em_map_view(&file), &parts));
    size_t last = (size_t)(parts.receipt.at - file.at) + parts.receipt.len - 1;
    file.at[last] ^= 1;
    EM_TRY(em_file_write(PATH("flipped.cbor"), em_map_view(&file), 0600));
    return verify_refuses(p, "one bit of the receipt flipped", "flipped.cbor",
                          "SIG_FAILED");
}

static em_err foreign_document(em_demo_play *p)
{
    static uint8_t out[EM_MAX_RECEIPT + (1 << 20)];
    EM_DROP(em_map) one = {0};
    EM_DROP(em_map) two = {0};
    em_evidence a, b;
    em_out o = EM_OUT(out);

    EM_TRY(em_file_load(PATH("evidence.cbor"), EM_MAX_EVIDENCE, &one));
    EM_TRY(em_file_load(PATH("evidence-2.cbor"), EM_MAX_EVIDENCE, &two));
    EM_TRY(em_evidence_file_read(em_map_view(&one), &a));
    EM_TRY(em_evidence_file_read(em_map_view(&two), &b));
    const em_evidence_parts mixed = {.receipt = a.receipt,
                                     .companion = a.companion,
                                     .hello = b.hello,
                                     .attest = b.attest,
                                     .policy = b.policy};
    EM_TRY(em_evidence_file_write(&mixed, &o));
    EM_TRY(em_write_end(&o));
    EM_TRY(em_file_write(PATH("mixed.cbor"), em_write_view(&o), 0600));
    return verify_refuses(p, "a receipt beside another session's document", "mixed.cbor",
                          "ATTESTATION_DOC_HASH_MISMATCH");
}

/* The client dials `to`; was it refused, for this reason, with this exit code? */
static em_err client_refuses(em_demo_play *p, const em_address *to, const char *what,
                             const char *reason, int want)
{
    static char err[16 << 10];
    int code = 0;

    EM_TRY(em_demo_play_try(p, to, "demo.policy", &code, err, sizeof err));
    em_demo_stage_refused(&p->stage, what, "the client (em embed)", reason,
                          code == want && strstr(err, reason) != NULL);
    return EM_OK;
}

static em_err truncated_stream(em_demo_play *p)
{
    em_record_head e1;

    /* a little way into the answer: the session stands by then */
    EM_TRY(em_hello_read_head(p->proxy.down, &e1));
    p->proxy.cut_after = EM_RECORD_HEAD + e1.len + 100;
    em_err err = client_refuses(p, &p->proxy.listener.at, "a stream that is cut short",
                                "TRUNCATED", EM_EXIT_TRUNCATED);
    p->proxy.cut_after = 0;
    return err;
}

static em_err replayed_session(em_demo_play *p)
{
    size_t got = 1;

    EM_TRY(em_demo_proxy_replay(&p->proxy, &p->host, &got));
    bool noted = em_demo_stage_wrote(&p->stage, "enclave", "err", "RECORD_SEALED", 2000);
    em_demo_stage_refused(&p->stage, "a recorded session, replayed record by record",
                          "the enclave", "RECORD_SEALED", got == 0 && noted);
    return EM_OK;
}

/* The enclave boots against this store; was it refused with this error? */
static em_err enclave_refuses(em_demo_play *p, const char *store, const char *what,
                              const char *reason)
{
    em_demo_play_down(p);
    em_err err = em_demo_play_up(p, &p->honest, store);
    if (err != EM_OK && err != EM_ERR_CLOSED) return err;
    em_demo_stage_refused(
        &p->stage, what, "the enclave", reason,
        err == EM_ERR_CLOSED &&
            em_demo_stage_wrote(&p->stage, "enclave", "err", reason, 0));
    return EM_OK;
}

static em_err swapped_chunk(em_demo_play *p)
{
    EM_DROP(em_map) file = {0};
    EM_DROP(em_map) tensors = {0};
    em_bundle_head head;
    em_manifest_body body;
    em_bundle_span a, b;

    EM_TRY(em_file_load(PATH("store/minilm.emb"), (size_t)1 << 30, &file));
    EM_TRY(em_map_anonymous(EM_MAX_TENSORS * sizeof(em_tensor), 0, &tensors));
    EM_TRY(em_bundle_head_parse(em_view(file.at, EM_BUNDLE_HEAD_LEN), &head));
    EM_TRY(em_manifest_parse(head.manifest, (em_tensor *)(void *)tensors.at, &body));
    if (body.n_chunks < 3) return EM_ERR_INTERNAL; /* two whole chunks and a last one */
    EM_TRY(em_bundle_head_span(&body, 0, &a));
    EM_TRY(em_bundle_head_span(&body, 1, &b));
    for (size_t i = 0; i < a.sealed_len; i++) {
        uint8_t t = file.at[a.file_at + i];
        file.at[a.file_at + i] = file.at[b.file_at + i];
        file.at[b.file_at + i] = t;
    }
    EM_TRY(em_file_make_folder(PATH("store-swapped"), 0700));
    EM_TRY(em_file_write(PATH("store-swapped/minilm.emb"), em_map_view(&file), 0644));
    return enclave_refuses(p, "store-swapped",
                           "two chunks of the model swapped in the store",
                           "BUNDLE_CHUNK");
}

/* The honest image with the NSM in debug mode: first from the start, then after boot. */
static em_err debug_enclave(em_demo_play *p)
{
    em_demo_play_down(p);
    EM_TRY(em_demo_play_twin(p, &p->honest, ARGV("--debug")));
    em_err err = em_demo_play_up(p, &p->honest, "store");
    if (err != EM_OK && err != EM_ERR_CLOSED) return err;
    em_demo_stage_refused(
        &p->stage, "started in debug mode", "the enclave itself", "DEBUG_ENCLAVE",
        err == EM_ERR_CLOSED &&
            em_demo_stage_wrote(&p->stage, "enclave", "err", "DEBUG_ENCLAVE", 0));
    em_demo_play_down(p);
    EM_TRY(em_demo_play_twin(p, &p->honest, ARGV("--hostile", "debug-after=2")));
    EM_TRY(em_demo_play_up(p, &p->honest, "store"));
    return client_refuses(p, &p->host, "documents of a debug enclave", "DEBUG_ENCLAVE",
                          EM_EXIT_REFUSED);
}

/* Somebody else's CA, KMS, key, model and enclave, with the honest enclave's PCRs copied.
 */
static em_err home_made_ca(em_demo_play *p)
{
    em_demo_stage *s = &p->stage;
    em_demo_side villain = {.prefix = "v-",
                            .state = "villain",
                            .config = "villain.json",
                            .key = "villain-publisher"};
    char copied[400];

    em_demo_play_down(p);
    EM_TRY(em_demo_stage_must(s, "v-init",
                              ARGV("em-twin", "init", "--state", PATH("villain"))));
    EM_TRY(em_demo_stage_must(s, "v-key",
                              ARGV("em-twin", "key", "--state", PATH("villain"))));
    EM_TRY(em_demo_stage_must(s, "v-publisher",
                              ARGV("em", "key", "new", PATH("villain-publisher"))));
    EM_TRY(em_demo_stage_must(s, "v-model",
                              ARGV("em", "model", "synth", PATH("villain-model"))));
    EM_TRY(em_demo_play_word(p, "v-key", villain.arn, sizeof villain.arn));
    EM_TRY(
        em_demo_play_word(p, "v-publisher", villain.publisher, sizeof villain.publisher));
    EM_TRY(em_demo_play_config(p, &villain));
    snprintf(copied, sizeof copied, "pcrs=%s,%s,%s", p->pcrs[0], p->pcrs[1], p->pcrs[2]);
    EM_TRY(em_demo_play_twin(
        p, &villain, ARGV("--hostile", copied, "--hostile", "kms-trusts-anyone")));
    EM_TRY(em_file_make_folder(PATH("store-villain"), 0700));
    EM_TRY(em_demo_play_pack(p, &villain, PATH("villain-model"), 2,
                             PATH("store-villain/minilm.emb"), NULL));
    EM_TRY(em_demo_play_up(p, &villain, "store-villain"));
    return client_refuses(p, &p->host, "a home-made CA with copied PCRs", "ROOT_UNKNOWN",
                          EM_EXIT_REFUSED);
}

em_err em_demo_attack_all(em_demo_play *p)
{
    em_demo_stage_title(&p->stage, "Tampering, and who refuses it");
    EM_TRY(flip_receipt(p));
    EM_TRY(foreign_document(p));
    EM_TRY(truncated_stream(p));
    EM_TRY(replayed_session(p));
    EM_TRY(swapped_chunk(p));
    EM_TRY(enclave_refuses(p, "store-old", "an older version of the model in the store",
                           "MANIFEST_FLOOR"));
    EM_TRY(debug_enclave(p));
    return home_made_ca(p);
}
