/* Content keys as files: what was kept reads back, and nothing but the one form reads. */
#include "tools/contentkey.h"

#include "tests/tools/folder.h"

static em_contentkey sample(void)
{
    em_contentkey k = {.model = "test/model-1"};

    for (size_t i = 0; i < 32; i++)
        k.key.b[i] = (uint8_t)(0xA0 + i), k.manifest[i] = (uint8_t)i;
    return k;
}

static em_bytes text_of(const em_contentkey *k)
{
    em_out o = em_out_over(test_alloc(EM_CONTENTKEY_MAX_FILE), EM_CONTENTKEY_MAX_FILE);

    em_contentkey_put(&o, k);
    CHECK_OK(em_write_end(&o));
    return em_write_view(&o);
}

static bool is_sample(const em_contentkey *k)
{
    const em_contentkey want = sample();

    return memcmp(k, &want, sizeof want) == 0;
}

static void the_form_is_as_documented(void)
{
    const em_contentkey k = sample();
    em_contentkey got;

    em_bytes text = text_of(&k);
    CHECK(em_same(
        text,
        EM_STR(
            "em-content-key 1\nmodel test/model-1\nmanifest "
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
            "key a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf\n")));
    CHECK_OK(em_contentkey_parse(text, &got));
    CHECK(is_sample(&got));

    em_contentkey longest = sample();
    memset(longest.model, 'x', EM_MAX_MODEL_ID);
    CHECK_OK(em_contentkey_parse(text_of(&longest), &got));
    CHECK(memcmp(&got, &longest, sizeof got) == 0);
}

static void a_model_that_is_none_is_not_written(void)
{
    static const char *const bad[] = {"", "a b", "a\nkey b", "\x7F"};
    uint8_t buf[EM_CONTENTKEY_MAX_FILE];

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        em_contentkey k = sample();
        em_out o = EM_OUT(buf);
        strcpy(k.model, bad[i]);
        em_contentkey_put(&o, &k);
        CHECK_ERR(em_write_end(&o), EM_ERR_ARGUMENT);
    }
}

static void other_forms_are_refused(void)
{
#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define LONG16 "xxxxxxxxxxxxxxxx"
#define LONG128 LONG16 LONG16 LONG16 LONG16 LONG16 LONG16 LONG16 LONG16
    static const char *const bad[] = {
        "em-content-key 2\nmodel m\nmanifest " HEX "\nkey " HEX "\n",
        "em-content-key 1\r\nmodel m\r\nmanifest " HEX "\r\nkey " HEX "\r\n",
        "em-content-key 1\nmodel m\nmanifest " HEX "\nkey " HEX,
        "em-content-key 1\nmodel m\nmanifest " HEX "\nkey " HEX "\n\n",
        "em-content-key 1\nmodel m\nmanifest " HEX "\nkey " HEX "00\n",
        "em-content-key 1\nmodel m\nmanifest " HEX "\nkey  " HEX "\n",
        "em-content-key 1\nmodel \nmanifest " HEX "\nkey " HEX "\n",
        "em-content-key 1\nmodel a b\nmanifest " HEX "\nkey " HEX "\n",
        "em-content-key 1\nmodel " LONG128 "x\nmanifest " HEX "\nkey " HEX "\n",
        "em-content-key 1\nmanifest " HEX "\nmodel m\nkey " HEX "\n",
        "em-content-key 1\nmodel m\nmanifest " HEX "\nkey 0A" HEX "\n",
        " em-content-key 1\nmodel m\nmanifest " HEX "\nkey " HEX "\n",
        "",
        "\n",
    };
    em_contentkey got = sample();

    for (size_t i = 0; i < EM_COUNT(bad); i++) {
        test_note("form %zu", i);
        CHECK_ERR(em_contentkey_parse(em_view(bad[i], strlen(bad[i])), &got),
                  EM_ERR_FORMAT);
    }
    CHECK(is_sample(&got)); /* untouched */
}

static bool reads(em_bytes input, void *arg)
{
    em_contentkey got;

    (void)arg;
    return em_contentkey_parse(input, &got) == EM_OK;
}

/* A flip may give another digit or another model: that is all. */
static void cuts_are_refused_and_flips_read_as_another(void)
{
    const em_contentkey k = sample();
    test_abuse_result r = test_abuse(text_of(&k), reads, NULL);

    CHECK(r.cuts_accepted == 0);
    CHECK(r.flips_accepted > 0 && r.flips_accepted <= 2 * 64 + strlen(k.model));
}

static void a_kept_key_reads_back(void)
{
    const em_contentkey k = sample();
    em_contentkey got;
    struct stat info;

    CHECK_OK(em_contentkey_write(folder_path("k"), &k, &problem));
    CHECK(stat(folder_path("k"), &info) == 0 && (info.st_mode & 0777) == 0600);
    CHECK_OK(em_contentkey_read(folder_path("k"), &problem, &got));
    CHECK(is_sample(&got));
    CHECK_PROBLEM(em_contentkey_write(folder_path("k"), &k, &problem), EM_ERR_EXISTS,
                  "never overwritten");
    CHECK_PROBLEM(em_contentkey_write(folder_path("no/such/k"), &k, &problem),
                  EM_ERR_NOT_FOUND, "no/such/k");
}

static void what_is_no_key_file_is_refused_by_name(void)
{
    const em_contentkey k = sample();
    em_contentkey got;
    uint8_t many[EM_CONTENTKEY_MAX_FILE + 1] = {0};

    CHECK_PROBLEM(em_contentkey_read(folder_path("none"), &problem, &got),
                  EM_ERR_NOT_FOUND, "none");
    CHECK_OK(em_contentkey_write(folder_path("open"), &k, &problem));
    CHECK(chmod(folder_path("open"), 0640) == 0);
    CHECK_PROBLEM(em_contentkey_read(folder_path("open"), &problem, &got), EM_ERR_DENIED,
                  "chmod 600");
    CHECK(symlink("open", folder_path("link")) == 0);
    CHECK_ERR(em_contentkey_read(folder_path("link"), &problem, &got), EM_ERR_DENIED);
    CHECK_OK(
        em_file_write(folder_path("pem"), EM_STR("-----BEGIN PRIVATE KEY-----\n"), 0600));
    CHECK_PROBLEM(em_contentkey_read(folder_path("pem"), &problem, &got), EM_ERR_FORMAT,
                  "not a content key");
    CHECK_OK(em_file_write(folder_path("big"), EM_BYTES(many), 0600));
    CHECK_PROBLEM(em_contentkey_read(folder_path("big"), &problem, &got), EM_ERR_FORMAT,
                  "not a content key");
}

int main(void)
{
    folder_begin();
    RUN(the_form_is_as_documented);
    RUN(a_model_that_is_none_is_not_written);
    RUN(other_forms_are_refused);
    RUN(cuts_are_refused_and_flips_read_as_another);
    RUN(a_kept_key_reads_back);
    RUN(what_is_no_key_file_is_refused_by_name);
    return test_end();
}
