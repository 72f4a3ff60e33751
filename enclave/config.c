#include "enclave/config.h"

#include "crypto/x509.h"
#include "wire/json.h"
#include "wire/text.h"

enum { MAX_TOKENS = 4096, MAX_PEM = 4096 };

/* The members of one object, read one by one; the first error sticks with its place. */
typedef struct members {
    em_json_value object;
    em_err err;
    const char **where;
} members;

static void wrong(members *m, em_err err, const char *where)
{
    if (m->err != EM_OK) return;
    m->err = err;
    *m->where = where;
}

static bool member(members *m, const char *name, em_json_value *ret_value)
{
    if (m->err != EM_OK) return false;
    if (em_json_kind_of(m->object) != EM_JSON_OBJECT) {
        wrong(m, EM_ERR_JSON_TYPE, name);
        return false;
    }
    if (em_json_member(m->object, name, ret_value)) return true;
    wrong(m, EM_ERR_JSON_MEMBER, name);
    return false;
}

static void read_text(members *m, const char *name, size_t max, em_config_text *ret_text)
{
    em_json_value v;
    em_config_text t = {0};
    em_bytes got;

    if (!member(m, name, &v)) return;
    if (max > sizeof t.at - 1) max = sizeof t.at - 1;
    em_err err = em_json_text(v, (uint8_t *)t.at, max, &got);
    if (err == EM_OK && got.len == 0) err = EM_ERR_CONFIG;
    if (err != EM_OK) {
        wrong(m, err, name);
        return;
    }
    t.len = got.len;
    t.at[t.len] = 0;
    *ret_text = t;
}

static void read_address(members *m, const char *name, em_address *ret_address)
{
    em_config_text text = {0};

    read_text(m, name, sizeof text.at - 1, &text);
    if (m->err == EM_OK) {
        em_err err = em_address_parse(em_view(text.at, text.len), ret_address);
        if (err != EM_OK) wrong(m, err, name);
    }
}

static void read_limit(members *m, const char *name, uint64_t least, uint64_t most,
                       uint64_t *ret_limit)
{
    em_json_value v;
    uint64_t value;

    if (m->err != EM_OK || !em_json_member(m->object, name, &v)) return;
    em_err err = em_json_uint(v, most, &value);
    if (err == EM_OK && value < least) err = EM_ERR_RANGE;
    if (err != EM_OK)
        wrong(m, err, name);
    else
        *ret_limit = value;
}

static em_bytes view(const em_config_text *text)
{
    return em_view(text->at, text->len);
}

static members inside(const members *m, em_json_value object)
{
    return (members){.object = object, .err = m->err, .where = m->where};
}

static void only(members *m, const char *const *names, size_t n, const char *where)
{
    em_err err = m->err == EM_OK ? em_json_only(m->object, names, n) : EM_OK;

    if (err != EM_OK) wrong(m, err, where);
}

/* SHA-256 of the DER of Amazon Root CA 1 to 4 and of Starfield Services Root CA G2: what
 * AWS's endpoints chain to. */
static bool is_amazon_root(em_bytes der)
{
    static const uint8_t known[][32] = {
        {0x8e, 0xcd, 0xe6, 0x88, 0x4f, 0x3d, 0x87, 0xb1, 0x12, 0x5b, 0xa3,
         0x1a, 0xc3, 0xfc, 0xb1, 0x3d, 0x70, 0x16, 0xde, 0x7f, 0x57, 0xcc,
         0x90, 0x4f, 0xe1, 0xcb, 0x97, 0xc6, 0xae, 0x98, 0x19, 0x6e},
        {0x1b, 0xa5, 0xb2, 0xaa, 0x8c, 0x65, 0x40, 0x1a, 0x82, 0x96, 0x01,
         0x18, 0xf8, 0x0b, 0xec, 0x4f, 0x62, 0x30, 0x4d, 0x83, 0xce, 0xc4,
         0x71, 0x3a, 0x19, 0xc3, 0x9c, 0x01, 0x1e, 0xa4, 0x6d, 0xb4},
        {0x18, 0xce, 0x6c, 0xfe, 0x7b, 0xf1, 0x4e, 0x60, 0xb2, 0xe3, 0x47,
         0xb8, 0xdf, 0xe8, 0x68, 0xcb, 0x31, 0xd0, 0x2e, 0xbb, 0x3a, 0xda,
         0x27, 0x15, 0x69, 0xf5, 0x03, 0x43, 0xb4, 0x6d, 0xb3, 0xa4},
        {0xe3, 0x5d, 0x28, 0x41, 0x9e, 0xd0, 0x20, 0x25, 0xcf, 0xa6, 0x90,
         0x38, 0xcd, 0x62, 0x39, 0x62, 0x45, 0x8d, 0xa5, 0xc6, 0x95, 0xfb,
         0xde, 0xa3, 0xc2, 0x2b, 0x0b, 0xfb, 0x25, 0x89, 0x70, 0x92},
        {0x56, 0x8d, 0x69, 0x05, 0xa2, 0xc8, 0x87, 0x08, 0xa4, 0xb3, 0x02,
         0x51, 0x90, 0xed, 0xcf, 0xed, 0xb1, 0x97, 0x4a, 0x60, 0x6a, 0x13,
         0xc6, 0xe5, 0x29, 0x0f, 0xcb, 0x2a, 0xe6, 0x3e, 0xda, 0xb5},
    };
    uint8_t digest[32];

    em_x509_fingerprint(der, digest);
    for (size_t i = 0; i < EM_COUNT(known); i++)
        if (em_same(EM_BYTES(digest), EM_BYTES(known[i]))) return true;
    return false;
}

static void read_kms(members *m, em_config *config)
{
    static const char *const names[] = {"connect", "roots"};
    static const char where[] = "kms.roots";
    em_json_value v, roots;

    if (!member(m, "kms", &v)) return;
    members kms = inside(m, v);
    only(&kms, names, EM_COUNT(names), "kms");
    read_address(&kms, "connect", &config->kms);
    if (member(&kms, "roots", &roots)) {
        uint32_t n = em_json_kind_of(roots) == EM_JSON_ARRAY ? em_json_count(roots) : 0;
        if (n == 0 || n > EM_CONFIG_ROOTS) wrong(&kms, EM_ERR_CONFIG, where);
        config->amazon_roots = true;
        for (uint32_t i = 0; i < n && kms.err == EM_OK; i++) {
            uint8_t pem[MAX_PEM];
            em_bytes text;
            em_err err = em_json_text(em_json_at(roots, i, NULL), pem, sizeof pem, &text);
            if (err == EM_OK)
                err = em_text_from_pem(text, "CERTIFICATE", config->root[i].der,
                                       sizeof config->root[i].der, &config->root[i].len,
                                       NULL);
            if (err != EM_OK)
                wrong(&kms, err, where);
            else if (!is_amazon_root(em_view(config->root[i].der, config->root[i].len)))
                config->amazon_roots = false;
        }
        config->n_roots = n;
    }
    m->err = kms.err;
}

static void read_publishers(members *m, em_config_model *model)
{
    static const char *const names[] = {"key", "floor"};
    static const char where[] = "models[].publishers";
    em_json_value list;

    if (!member(m, "publishers", &list)) return;
    uint32_t n = em_json_kind_of(list) == EM_JSON_ARRAY ? em_json_count(list) : 0;
    if (n == 0 || n > EM_CONFIG_KEYS) wrong(m, EM_ERR_CONFIG, where);
    for (uint32_t i = 0; i < n && m->err == EM_OK; i++) {
        members p = inside(m, em_json_at(list, i, NULL));
        em_config_text hex = {0};
        em_json_value floor;
        size_t len = 0;
        only(&p, names, EM_COUNT(names), where);
        read_text(&p, "key", 2 * EM_ED25519_PUBLIC_LEN, &hex);
        if (p.err == EM_OK &&
            (em_text_from_hex(em_view(hex.at, hex.len), model->publisher[i].key.b,
                              EM_ED25519_PUBLIC_LEN, &len) != EM_OK ||
             len != EM_ED25519_PUBLIC_LEN))
            wrong(&p, EM_ERR_HEX, where);
        if (member(&p, "floor", &floor) &&
            em_json_uint(floor, INT64_MAX, &model->publisher[i].floor) != EM_OK)
            wrong(&p, EM_ERR_JSON_NUMBER, where);
        m->err = p.err;
    }
    model->n_publishers = n;
}

static void read_models(members *m, em_config *config)
{
    static const char *const names[] = {"id", "object", "kms_key", "publishers"};
    em_json_value list;

    if (!member(m, "models", &list)) return;
    uint32_t n = em_json_kind_of(list) == EM_JSON_ARRAY ? em_json_count(list) : 0;
    if (n == 0 || n > EM_MAX_MODELS) wrong(m, EM_ERR_CONFIG, "models");
    for (uint32_t i = 0; i < n && m->err == EM_OK; i++) {
        members one = inside(m, em_json_at(list, i, NULL));
        em_config_model *model = &config->model[i];
        only(&one, names, EM_COUNT(names), "models[]");
        read_text(&one, "id", EM_MAX_MODEL_ID, &model->id);
        read_text(&one, "object", EM_CONFIG_OBJECT, &model->object);
        read_text(&one, "kms_key", EM_MAX_KMS_KEY, &model->kms_key);
        read_publishers(&one, model);
        m->err = one.err;
        for (uint32_t k = 0; k < i; k++)
            if (em_same(view(&config->model[k].id), view(&model->id)))
                wrong(m, EM_ERR_CONFIG, "models[].id");
    }
    config->n_models = n;
}

static void read_limits(members *m, em_config *config)
{
    static const char *const names[] = {"sessions",     "handshakes", "threads",
                                        "batch_tokens", "queue",      "wait_ms",
                                        "memory"};
    em_json_value v;

    config->limits.sessions = 128;
    config->limits.handshakes = EM_MAX_PENDING_HANDSHAKES;
    config->limits.threads = 0;
    config->limits.batch_tokens = 128;
    config->limits.queue = 256;
    config->limits.wait_ms = 30 * 1000;
    config->limits.memory = (uint64_t)256 << 20;
    if (m->err != EM_OK || !em_json_member(m->object, "limits", &v)) return;
    members l = inside(m, v);
    only(&l, names, EM_COUNT(names), "limits");
    read_limit(&l, "sessions", 1, EM_MAX_SESSIONS, &config->limits.sessions);
    read_limit(&l, "handshakes", 1, EM_MAX_PENDING_HANDSHAKES,
               &config->limits.handshakes);
    read_limit(&l, "threads", 0, 64, &config->limits.threads);
    read_limit(&l, "batch_tokens", 16, EM_MAX_BATCH_TOKENS, &config->limits.batch_tokens);
    read_limit(&l, "queue", 1, 1024, &config->limits.queue);
    read_limit(&l, "wait_ms", 1, 3600 * 1000, &config->limits.wait_ms);
    read_limit(&l, "memory", EM_CONFIG_MEMORY, (uint64_t)16 << 30,
               &config->limits.memory);
    m->err = l.err;
}

static void read_clients(members *m)
{
    em_config_text clients = {0};

    read_text(m, "clients", sizeof clients.at - 1, &clients);
    if (m->err == EM_OK && !em_same(view(&clients), EM_STR("anyone")))
        wrong(m, EM_ERR_CONFIG, "clients (only \"anyone\" in this version)");
}

em_err em_config_read(em_bytes text, em_config *ret_config, const char **ret_where)
{
    static const char *const names[] = {"version", "deployment", "clients",     "nsm",
                                        "listen",  "store",      "credentials", "kms",
                                        "models",  "limits"};
    static em_json_token tokens[MAX_TOKENS]; /* read once, at boot */
    static em_config config;
    em_json json;

    *ret_where = "the file";
    if (text.len > EM_CONFIG_MAX) return EM_ERR_LIMIT;
    EM_TRY(em_json_parse(text, tokens, MAX_TOKENS, &json));
    config = (em_config){0};
    members m = {.object = em_json_root(&json), .where = ret_where};
    if (em_json_kind_of(m.object) != EM_JSON_OBJECT) return EM_ERR_JSON_TYPE;
    only(&m, names, EM_COUNT(names), "the file");
    read_text(&m, "version", EM_MAX_VERSION_TEXT, &config.version);
    read_text(&m, "deployment", EM_MAX_DEPLOYMENT, &config.deployment);
    read_clients(&m);
    read_text(&m, "nsm", sizeof config.nsm.at - 1, &config.nsm);
    read_address(&m, "listen", &config.listen);
    read_address(&m, "store", &config.store);
    read_address(&m, "credentials", &config.credentials);
    read_kms(&m, &config);
    read_models(&m, &config);
    read_limits(&m, &config);
    if (m.err != EM_OK) return m.err;
    *ret_config = config;
    return EM_OK;
}

size_t em_config_publishers(const em_config *config,
                            em_publisher ret_publishers[EM_MAX_MODELS * EM_CONFIG_KEYS])
{
    size_t n = 0;

    for (size_t i = 0; i < config->n_models; i++) {
        const em_config_model *m = &config->model[i];
        for (size_t k = 0; k < m->n_publishers; k++)
            ret_publishers[n++] = (em_publisher){.model = view(&m->id),
                                                 .key = m->publisher[k].key,
                                                 .floor = m->publisher[k].floor};
    }
    return n;
}
