#include "tools/pack_bundle.h"

#include "bundle/bundle_head.h"
#include "bundle/bundle_seal.h"
#include "engine/bert.h"
#include "os/entropy.h"
#include "os/file.h"
#include "tools/contentkey.h"
#include "tools/hf.h"
#include "tools/pack_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file while it grows: beside its final place, gone again unless it is finished. */
typedef struct growing {
    int fd;
    bool open;
    char path[EM_HF_MAX_PATH];
} growing;

static void growing_drop(growing *g)
{
    if (!g->open) return;
    (void)close(g->fd);
    (void)unlink(g->path);
    g->open = false;
}

static em_err begin_file(const char *path, em_problem *problem, growing *g)
{
    int n = snprintf(g->path, sizeof g->path, "%s.XXXXXX", path);

    if (n < 0 || (size_t)n >= sizeof g->path)
        return em_problem_set(problem, EM_ERR_LIMIT, path, "the path is too long");
    if ((g->fd = mkostemp(g->path, O_CLOEXEC)) < 0)
        return em_problem_set(problem, errno == EACCES ? EM_ERR_DENIED : EM_ERR_IO, path,
                              "cannot be made: %s", strerror(errno));
    g->open = true;
    return EM_OK;
}

static em_err put(const growing *g, uint64_t at, em_bytes bytes, em_problem *problem)
{
    while (bytes.len > 0) {
        ssize_t n = pwrite(g->fd, bytes.at, bytes.len, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0)
            return em_problem_set(problem, EM_ERR_IO, g->path, "cannot be written: %s",
                                  n < 0 ? strerror(errno) : "disk full");
        bytes = em_view(bytes.at + n, bytes.len - (size_t)n);
        at += (uint64_t)n;
    }
    return EM_OK;
}

static em_err finish_file(growing *g, const char *path, em_problem *problem)
{
    if (fchmod(g->fd, 0644) != 0 || fsync(g->fd) != 0 || rename(g->path, path) != 0)
        return em_problem_set(problem, EM_ERR_IO, path, "cannot be written: %s",
                              strerror(errno));
    (void)close(g->fd);
    g->open = false;
    return EM_OK;
}

static em_bytes text_of(const char *text)
{
    return em_view(text, strlen(text));
}

/* Everything of the body but what sealing gives. */
static em_err begin_body(em_pack *p, const em_pack_terms *terms, em_problem *problem,
                         em_manifest_body *b)
{
    EM_TRY(em_hf_hash_sources(&p->hf, problem));
    *b = (em_manifest_body){.id = terms->id,
                            .version = terms->version,
                            .number = terms->number,
                            .not_after_ms = terms->not_after_ms,
                            .profile = em_bert_profile(p->model.shape.precision),
                            .licence = terms->licence,
                            .kms_key = terms->kms_key,
                            .model = p->model,
                            .n_sources = p->hf.n_sources};
    memcpy(b->source, p->hf.source, sizeof b->source);
    for (uint32_t i = 0; i < p->model.shape.labels; i++)
        b->label[i] = text_of(p->hf.head.label[i]);
    for (size_t i = 0; i < terms->n_prompts; i++)
        EM_TRY(em_hf_head_add_prompt(&p->hf.prompts, terms->prompt[i].name,
                                     terms->prompt[i].text, "prompts", problem));
    b->n_prompts = p->hf.prompts.n;
    for (uint32_t i = 0; i < b->n_prompts; i++)
        b->prompt[i] = (em_prompt){text_of(p->hf.prompts.at[i].name),
                                   text_of(p->hf.prompts.at[i].text)};
    em_sha2_256(em_pack_tokenizer(p), b->tokenizer_sha256);
    return EM_OK;
}

/* Would a manifest with these terms be one?  Asked before the long part of the work. */
static em_err check_terms(em_manifest_body b, const em_bundle_seal *seal,
                          em_problem *problem)
{
    uint8_t buf[EM_MAX_MANIFEST];
    em_out o = EM_OUT(buf);

    b.chunk_len = seal->chunk_len;
    b.n_chunks = seal->n_chunks;
    b.image_len = seal->image_len;
    em_err err = em_manifest_body_encode(&b, &o);
    if (err != EM_OK)
        return em_problem_set(problem, err, "manifest",
                              "id, version, licence or key ARN is empty, too long or not "
                              "printable ASCII, or the model has too many tensors");
    return EM_OK;
}

static em_err seal_chunks(const em_pack *p, em_bundle_seal *seal, const growing *g,
                          const em_pack_progress *progress, em_problem *problem)
{
    uint64_t at = 0, file_at = EM_BUNDLE_HEAD_LEN;
    em_err err = EM_OK;
    uint32_t len;

    uint8_t *sealed = malloc((size_t)seal->chunk_len + EM_AEAD_TAG_LEN);
    if (sealed == NULL) return em_problem_err(problem, EM_ERR_MEMORY, g->path);
    while (err == EM_OK && (len = em_bundle_seal_want(seal)) > 0) {
        err = em_bundle_seal_next(seal, em_view(p->image.at + at, len), sealed);
        if (err == EM_OK)
            err = put(g, file_at, em_view(sealed, len + EM_AEAD_TAG_LEN), problem);
        at += len;
        file_at += len + EM_AEAD_TAG_LEN;
        pack_tell(progress, "seal", at, seal->image_len);
    }
    free(sealed);
    return err;
}

/* Manifest and wrapped key, in front of the chunks. */
static em_err put_head(const em_manifest_body *b, const em_content_key *key,
                       const em_ed25519_secret *publisher, em_pack_wrap *wrap,
                       void *wrap_arg, const growing *g, em_problem *problem,
                       uint8_t hash[EM_MANIFEST_HASH_LEN])
{
    uint8_t body[EM_MAX_MANIFEST], manifest[EM_MAX_MANIFEST];
    uint8_t wrapped_key[EM_MAX_WRAPPED_KEY];
    em_out encoded = EM_OUT(body), signed_body = EM_OUT(manifest);
    em_out wrapped = EM_OUT(wrapped_key);

    EM_TRY(em_manifest_body_encode(b, &encoded));
    em_sha2_256(em_write_view(&encoded), hash);
    EM_TRY(em_manifest_sign(em_write_view(&encoded), publisher, &signed_body));
    em_err err = wrap(wrap_arg, key, b, hash, &wrapped);
    if (err == EM_OK) err = em_write_end(&wrapped);
    if (err != EM_OK)
        return em_problem_set(problem, err, "wrapping the content key", "%s",
                              em_err_text(err));

    uint8_t *head = malloc(EM_BUNDLE_HEAD_LEN);
    if (head == NULL) return em_problem_err(problem, EM_ERR_MEMORY, g->path);
    em_out o = em_out_over(head, EM_BUNDLE_HEAD_LEN);
    err = em_bundle_head_write(em_write_view(&signed_body), em_write_view(&wrapped), &o);
    if (err == EM_OK) err = put(g, 0, em_write_view(&o), problem);
    free(head);
    return err;
}

/* Asked before the long part of the work, and made sure of when the file is written. */
static em_err check_key_out(const char *key_out, em_problem *problem)
{
    if (key_out != NULL && em_file_exists(key_out))
        return em_problem_set(problem, EM_ERR_EXISTS, key_out,
                              "exists; keys are never overwritten");
    return EM_OK;
}

static em_err keep_key(const char *key_out, const em_content_key *key,
                       const em_manifest_body *body, const uint8_t *hash,
                       em_problem *problem)
{
    EM_DROP(em_contentkey) kept = {.key = *key};

    memcpy(kept.manifest, hash, sizeof kept.manifest);
    memcpy(kept.model, body->id.at, body->id.len);
    return em_contentkey_write(key_out, &kept, problem);
}

/* Two names of one file? */
static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;

    return lstat(a, &x) == 0 && lstat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/* The bundle gets its name when its key has been kept; where it gets none, neither is. */
static em_err finish_pair(growing *g, const char *path, const em_pack_terms *terms,
                          const em_content_key *key, const em_manifest_body *body,
                          const uint8_t *hash, em_problem *problem)
{
    const char *key_out = terms->key_out;
    em_err err;

    if (key_out == NULL) return finish_file(g, path, problem);
    EM_TRY(keep_key(key_out, key, body, hash, problem));
    if (is_same_file(key_out, path))
        err = em_problem_set(problem, EM_ERR_EXISTS, key_out,
                             "the bundle and its key cannot be one file");
    else
        err = finish_file(g, path, problem);
    if (err != EM_OK) (void)unlink(key_out);
    return err;
}

em_err em_pack_bundle(em_pack *pack, const em_pack_terms *terms,
                      const em_ed25519_secret *publisher, em_pack_wrap *wrap,
                      void *wrap_arg, const char *path, const em_pack_progress *progress,
                      em_problem *problem, uint8_t ret_hash[EM_MANIFEST_HASH_LEN])
{
    EM_DROP(em_content_key) key = {0};
    EM_DROP(em_bundle_seal) seal = {0};
    EM_DROP(growing) g = {0};
    uint8_t bundle_id[EM_BUNDLE_ID_LEN], hash[EM_MANIFEST_HASH_LEN];
    uint32_t chunk_len = terms->chunk_len != 0 ? terms->chunk_len : EM_CHUNK_DEFAULT;
    em_manifest_body body;

    EM_TRY(check_key_out(terms->key_out, problem));
    EM_TRY(em_entropy_fill(key.b, sizeof key.b));
    EM_TRY(em_entropy_fill(bundle_id, sizeof bundle_id));
    em_err err = em_bundle_seal_init(&key, bundle_id, pack->image.len, chunk_len, &seal);
    if (err != EM_OK)
        return em_problem_set(
            problem, err, path,
            "chunks of %u bytes are not possible: %d to %d, and at most "
            "%d of them",
            chunk_len, EM_CHUNK_MIN, EM_CHUNK_MAX, EM_MAX_CHUNKS);
    EM_TRY(begin_body(pack, terms, problem, &body));
    EM_TRY(check_terms(body, &seal, problem));
    EM_TRY(begin_file(path, problem, &g));
    EM_TRY(seal_chunks(pack, &seal, &g, progress, problem));
    EM_TRY(em_bundle_seal_finish(&seal, &body));
    EM_TRY(put_head(&body, &key, publisher, wrap, wrap_arg, &g, problem, hash));
    EM_TRY(finish_pair(&g, path, terms, &key, &body, hash, problem));
    memcpy(ret_hash, hash, sizeof hash);
    return EM_OK;
}
