/* From a folder to a bundle and back: what was packed opens, what its manifest says is
 * true, a failure leaves no file, and no byte of the file may change unseen. */
#include "tools/pack_bundle.h"

#include "crypto/setup.h"
#include "engine/bert.h"
#include "engine/wordpiece.h"
#include "tests/tools/folder.h"
#include "tools/bundlefile.h"
#include "tools/contentkey.h"
#include "tools/keys.h"
#include "tools/synth.h"

#include <fcntl.h>

#define NOW_MS ((uint64_t)1800000000000)

static em_ed25519_secret secret;
static em_publisher publisher = {.model = EM_STR("test/synth"), .floor = 3};
static em_content_key last_key;
static em_bundlefile file; /* 60 KB, and not to be moved */

/* What stands for KMS here: keeps the key, gives a text that names the manifest. */
static em_err keep_key(void *arg, const em_content_key *key, const em_manifest_body *body,
                       const uint8_t hash[EM_MANIFEST_HASH_LEN], em_out *wrapped)
{
    const em_err *err = arg;

    last_key = *key;
    em_write_bytes(wrapped, EM_STR("wrapped for "));
    em_write_bytes(wrapped, body->id);
    em_write_hex(wrapped, em_view(hash, EM_MANIFEST_HASH_LEN));
    return err != NULL ? *err : EM_OK;
}

static em_pack_terms terms(void)
{
    return (em_pack_terms){.id = EM_STR("test/synth"),
                           .version = EM_STR("0.3"),
                           .number = 3,
                           .not_after_ms = NOW_MS + 1000,
                           .licence = EM_STR("CC0-1.0"),
                           .kms_key = EM_STR("arn:aws:kms:x:1:key/2"),
                           .chunk_len = 0};
}

static em_pack *packed(void)
{
    em_synth tiny = {.hidden = 16,
                     .heads = 2,
                     .intermediate = 16,
                     .layers = 1,
                     .positions = 8,
                     .max_tokens = 8};
    em_pack *p = NULL;

    if (em_synth_write(folder_path("m"), &tiny, &problem) != EM_OK ||
        em_pack_folder(folder_path("m"), NULL, &problem, &p) != EM_OK)
        abort();
    return p;
}

static em_err seal(em_pack *p, const em_pack_terms *t, const char *name,
                   uint8_t hash[EM_MANIFEST_HASH_LEN])
{
    return em_pack_bundle(p, t, &secret, keep_key, NULL, folder_path("%s", name), NULL,
                          &problem, hash);
}

static em_err check(const char *name)
{
    em_err err = em_bundlefile_open(folder_path("%s", name), &problem, &file);

    if (err == EM_OK) err = em_bundlefile_verify(&file, &publisher, 1, NOW_MS, &problem);
    em_bundlefile_drop(&file);
    return err;
}

static void a_bundle_opens_to_the_image(void)
{
    em_pack *p = packed();
    em_pack_terms t = terms();
    uint8_t hash[EM_MANIFEST_HASH_LEN], again[EM_MANIFEST_HASH_LEN];
    EM_DROP(em_map) image = {0};
    em_bert bert;
    em_wordpiece w;

    t.chunk_len = EM_CHUNK_MIN;
    CHECK_OK(seal(p, &t, "a.emb", hash));
    CHECK_OK(em_bundlefile_open(folder_path("a.emb"), &problem, &file));
    CHECK_OK(em_bundlefile_verify(&file, &publisher, 1, NOW_MS, &problem));
    CHECK_OK(
        em_bundlefile_unseal(&file, &publisher, 1, NOW_MS, &last_key, &problem, &image));
    CHECK(em_same(em_map_view(&image), em_pack_image(p)));
    CHECK(em_same(EM_BYTES(file.hash), EM_BYTES(hash)));

    const em_manifest_body *b = &file.claims;
    CHECK(em_same(b->id, t.id) && em_same(b->version, t.version) && b->number == 3);
    CHECK(em_same(b->profile, EM_STR("em-bert-f32/1")));
    CHECK(em_same(b->licence, t.licence) && em_same(b->kms_key, t.kms_key));
    CHECK(b->n_chunks == (b->image_len + EM_CHUNK_MIN - 1) / EM_CHUNK_MIN);
    CHECK(b->n_sources == 6 && b->model.n == 17);
    for (uint32_t i = 0; i < b->n_sources; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)b->source[i].name.len,
                 (const char *)b->source[i].name.at);
        em_sha2_256(test_file(folder_path("m/%s", name)), again);
        CHECK(em_same(EM_BYTES(again), EM_BYTES(b->source[i].sha256)));
    }
    /* what the enclave will do with it */
    CHECK_OK(em_bert_bind(&b->model, em_map_view(&image), &bert));
    CHECK_OK(em_wordpiece_open(em_view(image.at, (size_t)b->model.tokenizer_len), &w));
    CHECK(w.id_limit <= b->model.shape.vocab);
    em_bytes key = file.head.wrapped_key;
    CHECK(key.len == 12 + 10 + 64 && memcmp(key.at, "wrapped for test/synth", 22) == 0);
    em_bundlefile_drop(&file);

    /* packed again: another bundle_id, another key, nothing of the ciphertext repeats */
    em_content_key first = last_key;
    CHECK_OK(seal(p, &t, "b.emb", again));
    CHECK(!em_same(EM_BYTES(hash), EM_BYTES(again)));
    CHECK(memcmp(first.b, last_key.b, sizeof first.b) != 0);
    em_bytes x = test_file(folder_path("a.emb")), y = test_file(folder_path("b.emb"));
    CHECK(x.len == y.len &&
          memcmp(x.at + EM_BUNDLE_HEAD_LEN, y.at + EM_BUNDLE_HEAD_LEN, 64) != 0);
    em_pack_free(p);
}

static void the_file_shows_nothing_of_the_model(void)
{
    em_pack *p = packed();
    em_pack_terms t = terms();
    uint8_t hash[EM_MANIFEST_HASH_LEN];

    CHECK_OK(seal(p, &t, "c.emb", hash));
    em_bytes f = test_file(folder_path("c.emb")), image = em_pack_image(p);
    for (size_t at = 0; at + 64 <= image.len; at += 64) {
        if (em_all_zero(em_view(image.at + at, 64))) continue;
        CHECK(memmem(f.at, f.len, image.at + at, 16) == NULL);
    }
    CHECK(memmem(f.at, f.len, last_key.b, sizeof last_key.b) == NULL);
    struct stat info;
    CHECK(stat(folder_path("c.emb"), &info) == 0 && (info.st_mode & 0777) == 0644);
    em_pack_free(p);
}

static unsigned files_begun;

static em_err count_begun(void *arg, const char *name)
{
    (void)arg;
    if (strncmp(name, "fail", 4) == 0 || strncmp(name, "folder", 6) == 0) files_begun++;
    return EM_OK;
}

static void a_failure_leaves_no_file(void)
{
    em_pack *p = packed();
    em_pack_terms t = terms();
    em_err refused = EM_ERR_AWS_REFUSED;
    uint8_t hash[EM_MANIFEST_HASH_LEN] = {0};

    CHECK_PROBLEM(em_pack_bundle(p, &t, &secret, keep_key, &refused,
                                 folder_path("fail.emb"), NULL, &problem, hash),
                  EM_ERR_AWS_REFUSED, "wrapping the content key");
    t.chunk_len = EM_CHUNK_MIN - 1;
    CHECK_PROBLEM(seal(p, &t, "fail.emb", hash), EM_ERR_BUNDLE_MALFORMED,
                  "chunks of 4095 bytes");
    t.chunk_len = 0;
    CHECK_PROBLEM(seal(p, &t, "no/such/folder/fail.emb", hash), EM_ERR_IO,
                  "No such file");
    static const struct {
        em_bytes id, version, licence, kms_key;
    } bad[] = {
        {EM_STR(""), EM_STR("1"), EM_STR("x"), EM_STR("k")},
        {EM_STR("a b"), EM_STR("1"), EM_STR("x"), EM_STR("k")},
        {EM_STR("a"), EM_STR(""), EM_STR("x"), EM_STR("k")},
        {EM_STR("a"), EM_STR("1"), EM_STR(""), EM_STR("k")},
        {EM_STR("a"), EM_STR("1"), EM_STR("x\n"), EM_STR("k")},
        {EM_STR("a"), EM_STR("1"), EM_STR("x"), EM_STR("")},
    };
    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        t.id = bad[i].id, t.version = bad[i].version;
        t.licence = bad[i].licence, t.kms_key = bad[i].kms_key;
        CHECK_PROBLEM(seal(p, &t, "fail.emb", hash), EM_ERR_MANIFEST_MALFORMED,
                      "printable ASCII");
    }
    t = terms();
    CHECK(mkdir(folder_path("folder.emb"), 0755) == 0);
    CHECK_PROBLEM(seal(p, &t, "folder.emb", hash), EM_ERR_IO, "folder.emb");
    CHECK_OK(em_file_remove(folder_path("folder.emb")));
    folder_write(folder_path("m/config.json"), EM_STR("{}")); /* behind our back */
    CHECK_PROBLEM(seal(p, &t, "fail.emb", hash), EM_ERR_IO, "m/config.json",
                  "changed meanwhile");
    CHECK_OK(em_file_list(test_folder, count_begun, NULL));
    CHECK(files_begun == 0);
    CHECK(em_all_zero(EM_BYTES(hash)));
    em_pack_free(p);
}

static void the_key_is_kept_where_asked_or_there_is_no_bundle(void)
{
    em_pack *p = packed();
    em_pack_terms t = terms();
    uint8_t hash[EM_MANIFEST_HASH_LEN];
    em_err refused = EM_ERR_AWS_REFUSED;
    em_contentkey kept;
    char key_path[600];

    snprintf(key_path, sizeof key_path, "%s", folder_path("kept.key"));
    t.key_out = key_path;
    CHECK_OK(seal(p, &t, "kept.emb", hash));
    CHECK_OK(em_contentkey_read(key_path, &problem, &kept));
    CHECK(memcmp(kept.key.b, last_key.b, sizeof last_key.b) == 0);
    CHECK(em_same(EM_BYTES(kept.manifest), EM_BYTES(hash)));
    CHECK(strcmp(kept.model, "test/synth") == 0);

    /* another packing does not take its place, and leaves the bundle as it was */
    em_bytes before = test_file(folder_path("kept.emb"));
    CHECK_PROBLEM(seal(p, &t, "kept.emb", hash), EM_ERR_EXISTS, "kept.key",
                  "never overwritten");
    CHECK(em_same(before, test_file(folder_path("kept.emb"))));

    t.key_out = "/nowhere/at/all/k";
    CHECK_PROBLEM(seal(p, &t, "unkept.emb", hash), EM_ERR_NOT_FOUND, "/nowhere");
    CHECK(!em_file_exists(folder_path("unkept.emb")));
    snprintf(key_path, sizeof key_path, "%s", folder_path("./one"));
    t.key_out = key_path;
    CHECK_PROBLEM(seal(p, &t, "one", hash), EM_ERR_EXISTS, "cannot be one file");
    CHECK(!em_file_exists(folder_path("one")));
    snprintf(key_path, sizeof key_path, "%s", folder_path("other.key"));
    CHECK_ERR(em_pack_bundle(p, &t, &secret, keep_key, &refused, folder_path("u.emb"),
                             NULL, &problem, hash),
              EM_ERR_AWS_REFUSED);
    CHECK(!em_file_exists(key_path));
    CHECK(mkdir(folder_path("u.emb"), 0755) == 0);
    CHECK_ERR(seal(p, &t, "u.emb", hash), EM_ERR_IO);
    CHECK(!em_file_exists(key_path));
    em_pack_free(p);
}

static uint64_t told_last, told_all;
static unsigned told_times;

static void tell(void *arg, const char *step, uint64_t done, uint64_t all)
{
    CHECK(strcmp(step, arg) == 0 && done >= told_last && done <= all);
    told_last = done, told_all = all, told_times++;
}

static void progress_is_told(void)
{
    em_pack_progress pack = {tell, (void *)(uintptr_t) "pack"};
    em_pack_progress sealing = {tell, (void *)(uintptr_t) "seal"};
    em_pack_terms t = terms();
    uint8_t hash[EM_MANIFEST_HASH_LEN];
    em_pack *p = packed();

    em_pack_free(p);
    CHECK_OK(em_pack_folder(folder_path("m"), &(em_pack_options){.progress = pack},
                            &problem, &p));
    CHECK(told_times == 17 && told_last == told_all);
    told_last = told_times = 0;
    t.chunk_len = EM_CHUNK_MIN;
    CHECK_OK(em_pack_bundle(p, &t, &secret, keep_key, NULL, folder_path("d.emb"),
                            &sealing, &problem, hash));
    CHECK(told_times > 2 && told_last == told_all);
    CHECK(told_all == em_pack_image(p).len);
    em_pack_free(p);
}

/* ---- looking at it ---- */

static void publisher_floor_and_date_are_asked(void)
{
    em_pack *p = packed();
    em_pack_terms t = terms();
    uint8_t hash[EM_MANIFEST_HASH_LEN];
    em_publisher other = publisher, higher = publisher;
    EM_DROP(em_map) image = {0};
    em_content_key wrong = {{1}};

    CHECK_OK(seal(p, &t, "e.emb", hash));
    CHECK_OK(em_bundlefile_open(folder_path("e.emb"), &problem, &file));
#define VERIFY(p, n, now) em_bundlefile_verify(&file, p, n, now, &problem)
    other.key.b[0] ^= 1, higher.floor = 4;
    CHECK_OK(VERIFY(&publisher, 1, NOW_MS));
    CHECK_PROBLEM(VERIFY(NULL, 0, NOW_MS), EM_ERR_MANIFEST_UNKNOWN, "manifest: ");
    CHECK_ERR(VERIFY(&other, 1, NOW_MS), EM_ERR_MANIFEST_KEY);
    CHECK_ERR(VERIFY(&higher, 1, NOW_MS), EM_ERR_MANIFEST_FLOOR);
    CHECK_ERR(VERIFY(&publisher, 1, NOW_MS + 1001), EM_ERR_MANIFEST_EXPIRED);
#define UNSEAL(p, key) em_bundlefile_unseal(&file, p, 1, NOW_MS, key, &problem, &image)
    CHECK_PROBLEM(UNSEAL(&publisher, &wrong), EM_ERR_KEY_COMMITMENT, "content key");
    CHECK_ERR(UNSEAL(&other, &last_key), EM_ERR_MANIFEST_KEY);
    CHECK(image.at == NULL);
    em_bundlefile_drop(&file);
    em_pack_free(p);
}

static void flip(const char *path, size_t at, uint8_t bit)
{
    uint8_t byte;
    int fd = open(path, O_RDWR);

    if (fd < 0 || pread(fd, &byte, 1, (off_t)at) != 1) abort();
    byte ^= bit;
    if (pwrite(fd, &byte, 1, (off_t)at) != 1) abort();
    close(fd);
}

/* Every byte of the head that means something, every 61st of its zeros and of the
 * chunks (those are cut and flipped byte by byte in tests/bundle). */
static void a_flipped_byte_is_noticed(void)
{
    em_pack *p = packed();
    em_pack_terms t = terms();
    uint8_t hash[EM_MANIFEST_HASH_LEN];

    t.chunk_len = EM_CHUNK_MIN;
    CHECK_OK(seal(p, &t, "f.emb", hash));
    const char *path = folder_path("f.emb");
    em_bytes f = test_file(path);
    size_t manifest = (size_t)(f.at[10] << 8 | f.at[11]), key = 12 + 10 + 64;
    unsigned unseen = 0;

    for (size_t i = 0; i < f.len; i += i < 16 + manifest + key ? 1 : 61) {
        bool in_key = i >= 16 + manifest && i < 16 + manifest + key;
        flip(path, i, (uint8_t)(1u << (i % 8)));
        if (check("f.emb") == EM_OK && !in_key) { /* KMS authenticates the key */
            test_note("byte %zu", i);
            unseen++;
        }
        flip(path, i, (uint8_t)(1u << (i % 8)));
    }
    /* a length of the wrapped key that grows takes zeros into it: KMS's to refuse */
    CHECK(unseen <= 1);
    CHECK_OK(check("f.emb"));
    em_pack_free(p);
}

static void a_cut_or_longer_file_is_refused(void)
{
    em_pack *p = packed();
    em_pack_terms t = terms();
    uint8_t hash[EM_MANIFEST_HASH_LEN];

    CHECK_OK(seal(p, &t, "g.emb", hash));
    const char *path = folder_path("g.emb");
    em_bytes f = test_file(path);
    CHECK(truncate(path, (off_t)f.len + 1) == 0);
    CHECK_PROBLEM(check("g.emb"), EM_ERR_BUNDLE_COUNT, "bytes where its manifest");
    for (size_t len = f.len; len-- > 0;) {
        if (len % 257 != 0 && len + 40 < f.len && len > 40) continue;
        CHECK(truncate(path, (off_t)len) == 0);
        em_err err = check("g.emb");
        test_note("%zu bytes", len);
        CHECK(err == (len < EM_BUNDLE_HEAD_LEN ? EM_ERR_SHORT : EM_ERR_BUNDLE_COUNT));
    }
    CHECK_PROBLEM(check("none.emb"), EM_ERR_NOT_FOUND, "none.emb");
    folder_write(folder_path("h.emb"), em_view(test_file("/proc/self/exe").at, 70000));
    CHECK_PROBLEM(check("h.emb"), EM_ERR_BUNDLE_MALFORMED, "does not begin as a bundle");
    em_pack_free(p);
}

/* ---- the real model ---- */

static void minilm_packs_and_opens(void)
{
    em_pack *p = NULL;
    em_pack_terms t = terms();
    uint8_t hash[EM_MANIFEST_HASH_LEN];
    EM_DROP(em_map) image = {0};
    em_bert bert;

    CHECK_OK(em_pack_folder(test_minilm(), NULL, &problem, &p));
    test_note("%s", problem.text);
    REQUIRE(p != NULL);
    const em_model_shape *s = &em_pack_model(p)->shape;
    CHECK(s->layers == 6 && s->hidden == 384 && s->vocab == 30522);
    CHECK(s->max_tokens == 256 && s->normalize && s->pooling == EM_POOLING_MEAN);
    CHECK_OK(em_bert_bind(em_pack_model(p), em_pack_image(p), &bert));
    CHECK_OK(seal(p, &t, "minilm.emb", hash));
    CHECK_OK(em_bundlefile_open(folder_path("minilm.emb"), &problem, &file));
    CHECK(file.claims.chunk_len == EM_CHUNK_DEFAULT);
    CHECK(file.head.manifest.len < 8192);
    CHECK_OK(
        em_bundlefile_unseal(&file, &publisher, 1, NOW_MS, &last_key, &problem, &image));
    CHECK(em_same(em_map_view(&image), em_pack_image(p)));
    em_bundlefile_drop(&file);
    em_pack_free(p);
}

int main(void)
{
    uint8_t seed[32] = {5};

    if (em_setup() != EM_OK ||
        em_ed25519_from_seed(seed, &secret, &publisher.key) != EM_OK)
        return 1;
    folder_begin();
    RUN(a_bundle_opens_to_the_image);
    RUN(the_file_shows_nothing_of_the_model);
    RUN(a_failure_leaves_no_file);
    RUN(the_key_is_kept_where_asked_or_there_is_no_bundle);
    RUN(progress_is_told);
    RUN(publisher_floor_and_date_are_asked);
    RUN(a_flipped_byte_is_noticed);
    RUN(a_cut_or_longer_file_is_refused);
    if (test_minilm() == NULL)
        test_skip("minilm_packs_and_opens", "the model package is not in the cache "
                                            "(mk/model.sh)");
    else
        RUN(minilm_packs_and_opens);
    return test_end();
}
