/* The measured configuration: every member that is missing, unknown, twice or wrong has
 * its error and its place; limits at their edges; whose roots may claim production. */
#include "enclave/config.h"

#include "crypto/setup.h"
#include "tests/support/test.h"
#include "wire/text.h"

#include <jansson.h>

/* Amazon Root CA 3, as every system's trust store has it. */
#define AMAZON_ROOT                                                                      \
    "-----BEGIN CERTIFICATE-----\n"                                                      \
    "MIIBtjCCAVugAwIBAgITBmyf1XSXNmY/Owua2eiedgPySjAKBggqhkjOPQQDAjA5\n"                 \
    "MQswCQYDVQQGEwJVUzEPMA0GA1UEChMGQW1hem9uMRkwFwYDVQQDExBBbWF6b24g\n"                 \
    "Um9vdCBDQSAzMB4XDTE1MDUyNjAwMDAwMFoXDTQwMDUyNjAwMDAwMFowOTELMAkG\n"                 \
    "A1UEBhMCVVMxDzANBgNVBAoTBkFtYXpvbjEZMBcGA1UEAxMQQW1hem9uIFJvb3Qg\n"                 \
    "Q0EgMzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCmXp8ZBf8ANm+gBG1bG8lKl\n"                 \
    "ui2yEujSLtf6ycXYqm0fc4E7O5hrOXwzpcVOho6AF2hiRVd9RFgdszflZwjrZt6j\n"                 \
    "QjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgGGMB0GA1UdDgQWBBSr\n"                 \
    "ttvXBp43rDCGB5Fwx5zEGbF4wDAKBggqhkjOPQQDAgNJADBGAiEA4IWSoxe3jfkr\n"                 \
    "BqWTrBqYaGFy+uGh0PsceGCmQ5nFuMQCIQCcAu/xlJyzlvnrxir4tiz+OpAUFteM\n"                 \
    "YyRIHN8wfdVoOw==\n"                                                                 \
    "-----END CERTIFICATE-----\n"

/* Somebody's root: only its bytes count here. */
#define OTHER_ROOT                                                                       \
    "-----BEGIN CERTIFICATE-----\nAQIDBAUGBwg=\n-----END CERTIFICATE-----\n"

#define KEY_HEX "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

static em_config config;
static const char *where;

static json_t *publisher(void)
{
    return json_pack("{s:s,s:i}", "key", KEY_HEX, "floor", 3);
}

static json_t *model(const char *id)
{
    return json_pack("{s:s,s:s,s:s,s:[o]}", "id", id, "object", "small.emb", "kms_key",
                     "arn:aws:kms:eu-central-1:111122223333:key/k", "publishers",
                     publisher());
}

static json_t *good(void)
{
    json_t *c =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "version", "v 1", "deployment", "test",
                  "clients", "anyone", "nsm", "/dev/nsm", "listen", "vsock:any:5000",
                  "store", "vsock:3:5001", "credentials", "unix:/run/credentials");
    json_t *kms = json_pack("{s:s,s:[s,s]}", "connect", "vsock:3:5003", "roots",
                            AMAZON_ROOT, OTHER_ROOT);

    if (c == NULL || kms == NULL || json_object_set_new(c, "kms", kms) != 0 ||
        json_object_set_new(c, "models", json_pack("[o]", model("a/model"))) != 0)
        abort();
    return c;
}

/* Reads and frees; what was given out stays whole after an error. */
static em_err read_json(json_t *c)
{
    static em_config untouched, was;
    char *text = json_dumps(c, JSON_COMPACT);

    if (text == NULL) abort();
    memset(&was, 0x5A, sizeof was);
    memcpy(&untouched, &was, sizeof was);
    em_err err = em_config_read(em_view(text, strlen(text)), &was, &where);
    if (err == EM_OK)
        config = was;
    else
        CHECK(memcmp(&was, &untouched, sizeof was) == 0);
    free(text);
    json_decref(c);
    return err;
}

/* The good one with a member set (NULL: taken away), found by a path of names. */
static json_t *with(const char *at, const char *name, json_t *value)
{
    json_t *c = good(), *in = c;

    if (strcmp(at, "kms") == 0) in = json_object_get(c, "kms");
    if (strcmp(at, "model") == 0) in = json_array_get(json_object_get(c, "models"), 0);
    if (strcmp(at, "publisher") == 0)
        in = json_array_get(
            json_object_get(json_array_get(json_object_get(c, "models"), 0),
                            "publishers"),
            0);
    if (in == NULL) abort();
    if (value == NULL)
        json_object_del(in, name);
    else
        json_object_set_new(in, name, value);
    return c;
}

static bool is(const em_config_text *text, const char *want)
{
    return text->len == strlen(want) && strcmp(text->at, want) == 0;
}

static void a_good_one_says_everything(void)
{
    em_publisher publishers[EM_MAX_MODELS * EM_CONFIG_KEYS];
    em_bytes key = test_hex(KEY_HEX);

    CHECK_OK(read_json(good()));
    CHECK(is(&config.version, "v 1") && is(&config.deployment, "test"));
    CHECK(is(&config.nsm, "/dev/nsm"));
    CHECK(config.listen.kind == EM_ADDRESS_VSOCK && config.listen.port == 5000);
    CHECK(config.store.cid == 3 && config.kms.port == 5003);
    CHECK(config.credentials.kind == EM_ADDRESS_UNIX);
    CHECK(config.n_roots == 2 && config.root[1].len == 8 && config.root[1].der[7] == 8);
    CHECK(config.n_models == 1 && is(&config.model[0].id, "a/model"));
    CHECK(is(&config.model[0].object, "small.emb"));
    CHECK(config.limits.sessions == 128 && config.limits.threads == 0);
    CHECK(config.limits.handshakes == EM_MAX_PENDING_HANDSHAKES);
    CHECK(config.limits.memory == (uint64_t)256 << 20 && config.limits.queue == 256);
    CHECK(config.limits.wait_ms == 30000 && config.limits.batch_tokens == 128);
    CHECK(em_config_publishers(&config, publishers) == 1);
    CHECK(publishers[0].floor == 3 && em_same(publishers[0].model, EM_STR("a/model")));
    CHECK(em_same(EM_BYTES(publishers[0].key.b), key));
}

typedef struct place {
    const char *at, *name, *where;
} place;

static const place needed[] = {
    {"", "version", "version"},
    {"", "deployment", "deployment"},
    {"", "clients", "clients"},
    {"", "nsm", "nsm"},
    {"", "listen", "listen"},
    {"", "store", "store"},
    {"", "credentials", "credentials"},
    {"", "kms", "kms"},
    {"", "models", "models"},
    {"kms", "connect", "connect"},
    {"kms", "roots", "roots"},
    {"model", "id", "id"},
    {"model", "object", "object"},
    {"model", "kms_key", "kms_key"},
    {"model", "publishers", "publishers"},
    {"publisher", "key", "key"},
    {"publisher", "floor", "floor"},
};

static void every_member_is_needed_and_named(void)
{
    for (size_t i = 0; i < EM_COUNT(needed); i++) {
        test_note("%s %s", needed[i].at, needed[i].name);
        CHECK_ERR(read_json(with(needed[i].at, needed[i].name, NULL)),
                  EM_ERR_JSON_MEMBER);
        CHECK(strcmp(where, needed[i].where) == 0);
    }
    test_note("%s", "");
}

static void wrong_types_and_empty_texts(void)
{
    for (size_t i = 0; i < EM_COUNT(needed); i++) {
        test_note("%s %s", needed[i].at, needed[i].name);
        CHECK(read_json(with(needed[i].at, needed[i].name, json_true())) != EM_OK);
        CHECK(read_json(with(needed[i].at, needed[i].name, json_null())) != EM_OK);
        CHECK(read_json(with(needed[i].at, needed[i].name, json_array())) != EM_OK);
        CHECK(read_json(with(needed[i].at, needed[i].name, json_object())) != EM_OK);
        CHECK(read_json(with(needed[i].at, needed[i].name, json_string(""))) != EM_OK);
    }
    test_note("%s", "");
}

static void unknown_members(void)
{
    static const place unknown[] = {{"", "extra", "the file"},
                                    {"kms", "endpoint", "kms"},
                                    {"model", "alias", "models[]"},
                                    {"publisher", "name", "models[].publishers"}};

    for (size_t i = 0; i < EM_COUNT(unknown); i++) {
        test_note("%s", unknown[i].at);
        CHECK_ERR(read_json(with(unknown[i].at, unknown[i].name, json_integer(1))),
                  EM_ERR_JSON_MEMBER);
        CHECK(strcmp(where, unknown[i].where) == 0);
    }
    test_note("%s", "");
    CHECK_ERR(read_json(with("", "limits", json_pack("{s:i}", "speed", 1))),
              EM_ERR_JSON_MEMBER);
    CHECK_ERR(
        em_config_read(EM_STR("{\"version\":\"a\",\"version\":\"a\"}"), &config, &where),
        EM_ERR_JSON_DUPLICATE);
    CHECK_ERR(em_config_read(EM_STR("[]"), &config, &where), EM_ERR_JSON_TYPE);
}

static void wrong_values(void)
{
    char long_text[301];

    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    CHECK_ERR(read_json(with("", "clients", json_string("nobody"))), EM_ERR_CONFIG);
    CHECK_ERR(read_json(with("", "listen", json_string("nowhere"))), EM_ERR_ADDRESS);
    CHECK(read_json(with("", "version", json_string(long_text + 235))) != EM_OK);
    CHECK_OK(read_json(with("", "version", json_string(long_text + 236))));
    CHECK(read_json(with("", "deployment", json_string(long_text))) != EM_OK);
    CHECK(read_json(with("", "nsm", json_string(long_text))) != EM_OK);
    CHECK_ERR(read_json(with("publisher", "key", json_string(KEY_HEX "00"))),
              EM_ERR_LIMIT);
    CHECK_ERR(read_json(with("publisher", "key", json_string("2021"))), EM_ERR_HEX);
    CHECK_ERR(read_json(with("publisher", "key", json_string("AB"))), EM_ERR_HEX);
    CHECK_ERR(read_json(with("publisher", "floor", json_integer(-1))),
              EM_ERR_JSON_NUMBER);
    CHECK_ERR(read_json(with("kms", "roots", json_pack("[s]", "no PEM"))), EM_ERR_PEM);
    CHECK(strcmp(where, "kms.roots") == 0);
}

static void lists_have_a_least_and_a_most(void)
{
    json_t *roots = json_array(), *publishers = json_array(), *models = json_array();
    char id[16];

    for (int i = 0; i < EM_CONFIG_ROOTS; i++)
        json_array_append_new(roots, json_string(OTHER_ROOT));
    CHECK_OK(read_json(with("kms", "roots", json_deep_copy(roots))));
    json_array_append_new(roots, json_string(OTHER_ROOT));
    CHECK_ERR(read_json(with("kms", "roots", roots)), EM_ERR_CONFIG);
    CHECK_ERR(read_json(with("kms", "roots", json_array())), EM_ERR_CONFIG);

    for (int i = 0; i < EM_CONFIG_KEYS; i++)
        json_array_append_new(publishers, publisher());
    CHECK_OK(read_json(with("model", "publishers", json_deep_copy(publishers))));
    json_array_append_new(publishers, publisher());
    CHECK_ERR(read_json(with("model", "publishers", publishers)), EM_ERR_CONFIG);
    CHECK_ERR(read_json(with("model", "publishers", json_array())), EM_ERR_CONFIG);

    for (int i = 0; i < EM_MAX_MODELS; i++) {
        snprintf(id, sizeof id, "m%d", i);
        json_array_append_new(models, model(id));
    }
    CHECK_OK(read_json(with("", "models", json_deep_copy(models))));
    CHECK(config.n_models == EM_MAX_MODELS && is(&config.model[7].id, "m7"));
    json_array_append_new(models, model("one more"));
    CHECK_ERR(read_json(with("", "models", models)), EM_ERR_CONFIG);
    CHECK_ERR(read_json(with("", "models", json_array())), EM_ERR_CONFIG);
    CHECK_ERR(read_json(with("", "models", json_pack("[o,o]", model("a"), model("a")))),
              EM_ERR_CONFIG);
    CHECK(strcmp(where, "models[].id") == 0);
}

static void limits_at_their_edges(void)
{
    static const struct {
        const char *name;
        json_int_t least, most;
    } limits[] = {
        {"sessions", 1, EM_MAX_SESSIONS},
        {"handshakes", 1, EM_MAX_PENDING_HANDSHAKES},
        {"threads", 0, 64},
        {"batch_tokens", 16, EM_MAX_BATCH_TOKENS},
        {"queue", 1, 1024},
        {"wait_ms", 1, 3600 * 1000},
        {"memory", EM_CONFIG_MEMORY, (json_int_t)16 << 30},
    };

    for (size_t i = 0; i < EM_COUNT(limits); i++) {
        const json_int_t tries[] = {limits[i].least - 1, limits[i].least, limits[i].most,
                                    limits[i].most + 1};
        for (size_t k = 0; k < EM_COUNT(tries); k++) {
            test_note("%s %lld", limits[i].name, (long long)tries[k]);
            json_t *l = json_pack("{s:I}", limits[i].name, tries[k]);
            CHECK((read_json(with("", "limits", l)) == EM_OK) == (k == 1 || k == 2));
        }
    }
    test_note("%s", "");
    CHECK_OK(read_json(with("", "limits", json_object())));
    CHECK_OK(read_json(with("", "limits", json_pack("{s:i}", "sessions", 9))));
    CHECK(config.limits.sessions == 9 && config.limits.queue == 256);
}

static void production_needs_amazon_and_nobody_else(void)
{
    CHECK_OK(read_json(with("kms", "roots", json_pack("[s]", AMAZON_ROOT))));
    CHECK(config.amazon_roots);
    CHECK_OK(
        read_json(with("kms", "roots", json_pack("[s,s]", AMAZON_ROOT, OTHER_ROOT))));
    CHECK(!config.amazon_roots);
    CHECK_OK(read_json(with("kms", "roots", json_pack("[s]", OTHER_ROOT))));
    CHECK(!config.amazon_roots);
}

static bool accepts(em_bytes text, void *arg)
{
    static em_config got;

    (void)arg;
    return em_config_read(text, &got, &where) == EM_OK;
}

static void cuts_and_flips(void)
{
    json_t *c = good();
    char *text = json_dumps(c, JSON_COMPACT);
    test_abuse_result r = test_abuse(em_view(text, strlen(text)), accepts, NULL);

    CHECK(r.cuts_accepted == 0);
    /* a flipped letter inside a text may be another text */
    CHECK(r.flips_accepted < strlen(text) / 2 + 900);
    free(text);
    json_decref(c);
    static uint8_t spaces[EM_CONFIG_MAX + 1];
    memset(spaces, ' ', sizeof spaces);
    CHECK_ERR(em_config_read(EM_BYTES(spaces), &config, &where), EM_ERR_LIMIT);
}

int main(void)
{
    if (em_setup() != EM_OK) abort();
    RUN(a_good_one_says_everything);
    RUN(every_member_is_needed_and_named);
    RUN(wrong_types_and_empty_texts);
    RUN(unknown_members);
    RUN(wrong_values);
    RUN(lists_have_a_least_and_a_most);
    RUN(limits_at_their_edges);
    RUN(production_needs_amazon_and_nobody_else);
    RUN(cuts_and_flips);
    return test_end();
}
