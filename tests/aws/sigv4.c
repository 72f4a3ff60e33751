/* AWS's Signature Version 4 suite, header and query form; and a small look-alike of our
 * own for where the suite is absent. */
#include "aws/sigv4.h"
#include "tests/support/test.h"
#include "wire/text.h"

#include <dirent.h>
#include <jansson.h>
#include <openssl/hmac.h>

static em_bytes of(const char *text)
{
    return em_view(text, strlen(text));
}

static void set_key(em_credentials *c, const char *id, const char *secret,
                    const char *token)
{
    memcpy(c->id, id, c->id_len = strlen(id));
    memcpy(c->secret, secret, c->secret_len = strlen(secret));
    if (token != NULL) memcpy(c->token, token, c->token_len = strlen(token));
}

/* One case of the suite. */
typedef struct suite_case {
    char folder[600];
    json_t *context;
    em_credentials credentials;
    em_sigv4_scope scope;
    em_sigv4_pair field[16];
    em_sigv4_request request;
    bool omits_token;
} suite_case;

static em_bytes case_file(const suite_case *c, const char *name)
{
    char path[800];

    snprintf(path, sizeof path, "%s/%s", c->folder, name);
    em_bytes text = test_file(path);
    CHECK(text.at != NULL);
    return text;
}

static const char *member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* The suite's requests have LF line ends, spaces in paths, and folded values. */
static void read_request(suite_case *c)
{
    em_bytes text = case_file(c, "request.txt");
    char *at = test_alloc(text.len + 2);
    size_t n = 0;

    memcpy(at, text.at, text.len);
    at[text.len] = 0;
    char *body = strstr(at, "\n\n");
    if (body != NULL) {
        *body = 0;
        body += 2;
    }
    char *rest = strchr(at, '\n');
    if (rest != NULL) *rest++ = 0;
    char *path = strchr(at, ' ');
    char *version = strstr(at, " HTTP/1.1");
    *path++ = 0;
    *version = 0;
    for (char *line = rest; line != NULL && *line != 0;) {
        char *end = strchr(line, '\n');
        while (end != NULL && end[1] == ' ') end = strchr(end + 1, '\n');
        if (end != NULL) *end++ = 0;
        char *colon = strchr(line, ':');
        c->field[n++] =
            (em_sigv4_pair){em_view(line, (size_t)(colon - line)), of(colon + 1)};
        line = end;
    }
    c->request = (em_sigv4_request){
        .method = of(at),
        .path = of(path),
        .field = c->field,
        .n_fields = n,
        .payload = of(body != NULL ? body : ""),
        .keep_path = json_is_false(json_object_get(c->context, "normalize")),
        .sign_body = json_is_true(json_object_get(c->context, "sign_body")),
    };
}

static void read_case(suite_case *c)
{
    char path[800];

    snprintf(path, sizeof path, "%s/context.json", c->folder);
    c->context = json_load_file(path, 0, NULL);
    const json_t *key = json_object_get(c->context, "credentials");
    c->omits_token = json_is_true(json_object_get(c->context, "omit_session_token"));
    set_key(&c->credentials, member(key, "access_key_id"),
            member(key, "secret_access_key"),
            c->omits_token ? NULL : member(key, "token"));
    c->scope.region = of(member(c->context, "region"));
    c->scope.service = of(member(c->context, "service"));
    CHECK_OK(em_text_from_time(of(member(c->context, "timestamp")), &c->scope.now_ms));
    read_request(c);
}

static bool contains(em_bytes text, em_bytes part)
{
    return part.len > 0 && memmem(text.at, text.len, part.at, part.len) != NULL;
}

/* The three steps, for the fields that the header form adds. */
static void check_steps(const suite_case *c)
{
    em_sigv4_pair field[20];
    em_sigv4_request whole = c->request;
    uint8_t buf[8192], text[512], signature[64], hash[64];
    em_out canonical = EM_OUT(buf), to_sign = EM_OUT(text), h = EM_OUT(hash);
    size_t n = c->request.n_fields;

    memcpy(field, c->field, n * sizeof *field);
    field[n++] = (em_sigv4_pair){EM_STR("X-Amz-Date"), EM_STR("20150830T123600Z")};
    if (c->credentials.token_len > 0)
        field[n++] =
            (em_sigv4_pair){EM_STR("X-Amz-Security-Token"),
                            em_view(c->credentials.token, c->credentials.token_len)};
    if (c->request.sign_body) {
        uint8_t digest[32];
        EVP_Digest(c->request.payload.at, c->request.payload.len, digest, NULL,
                   EVP_sha256(), NULL);
        em_write_hex(&h, EM_BYTES(digest));
        field[n++] = (em_sigv4_pair){EM_STR("X-Amz-Content-Sha256"), em_write_view(&h)};
    }
    whole.field = field;
    whole.n_fields = n;
    CHECK_OK(em_sigv4_canonical(&whole, &canonical));
    CHECK(
        em_same(em_write_view(&canonical), case_file(c, "header-canonical-request.txt")));
    em_sigv4_string_to_sign(em_write_view(&canonical), &c->scope, &to_sign);
    CHECK(em_same(em_write_view(&to_sign), case_file(c, "header-string-to-sign.txt")));
    em_sigv4_signature(em_write_view(&to_sign), &c->scope, &c->credentials, signature);
    CHECK(em_same(EM_BYTES(signature), case_file(c, "header-signature.txt")));
}

static void check_fields(const suite_case *c)
{
    uint8_t buf[8192];
    em_out o = EM_OUT(buf);

    CHECK_OK(em_sigv4_put_fields(&o, &c->request, &c->scope, &c->credentials));
    em_bytes got = em_write_view(&o), want = case_file(c, "header-signed-request.txt");
    const char *line = memmem(got.at, got.len, "Authorization: ", 15);
    REQUIRE(line != NULL);
    const char *end =
        memchr(line, '\r', (size_t)(got.at + got.len - (const uint8_t *)line));
    CHECK(contains(want, em_view(line + 15, (size_t)(end - line - 15))));
    CHECK(contains(got, EM_STR("X-Amz-Date: 20150830T123600Z\r\n")));
}

static void check_presigned(const suite_case *c)
{
    uint8_t buf[8192];
    em_out o = EM_OUT(buf);
    em_bytes signature = case_file(c, "query-signature.txt");
    uint64_t expires = (uint64_t)json_integer_value(
        json_object_get(c->context, "expiration_in_seconds"));

    CHECK_OK(
        em_sigv4_put_presigned(&o, &c->request, &c->scope, &c->credentials, expires));
    em_bytes got = em_write_view(&o);
    CHECK(got.len > 64 && signature.len == 64);
    CHECK(em_same(em_view(got.at + got.len - 64, 64), signature));
    /* the query in front of the signature is the canonical one */
    const uint8_t *query = memchr(got.at, '?', got.len);
    size_t len =
        (size_t)(got.at + got.len - query) - 1 - 64 - strlen("&X-Amz-Signature=");
    CHECK(contains(case_file(c, "query-canonical-request.txt"), em_view(query + 1, len)));
}

static void the_suite_of_aws(void)
{
    const char *root = test_shared("vectors/sigv4/v4");
    size_t done = 0;

    char base[512];
    snprintf(base, sizeof base, "%s", root);
    DIR *d = opendir(base);
    REQUIRE(d != NULL);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        suite_case c = {0};
        snprintf(c.folder, sizeof c.folder, "%s/%.80s", base, e->d_name);
        test_note("%s", e->d_name);
        read_case(&c);
        check_steps(&c);
        check_fields(&c);
        check_presigned(&c);
        json_decref(c.context);
        done++;
    }
    closedir(d);
    CHECK(done == 30);
}

/* ---- our own ------------------------------------------------------------------------
 */

static void hmac(const uint8_t *key, size_t len, const char *text, uint8_t out[32])
{
    HMAC(EVP_sha256(), key, (int)len, (const uint8_t *)text, strlen(text), out, NULL);
}

/* A request to KMS, whose canonical form is written out by hand. */
static void a_request_by_hand(void)
{
    static const char canonical[] =
        "POST\n/\n\ncontent-type:application/x-amz-json-1.1\nhost:kms.eu-west-1"
        ".amazonaws.com\nx-amz-date:20261122T102030Z\nx-amz-security-token:tok/+=\n"
        "x-amz-target:TrentService.Decrypt\n\ncontent-type;host;x-amz-date;"
        "x-amz-security-token;x-amz-target\n"
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    const em_sigv4_pair field[] = {
        {EM_STR("X-Amz-Target"), EM_STR("TrentService.Decrypt")},
        {EM_STR("host"), EM_STR("kms.eu-west-1.amazonaws.com")},
        {EM_STR("Content-Type"), EM_STR("  application/x-amz-json-1.1 ")}};
    em_sigv4_request r = {.method = EM_STR("POST"),
                          .path = EM_STR("/"),
                          .field = field,
                          .n_fields = 3,
                          .payload = EM_STR("{}")};
    em_sigv4_scope scope = {EM_STR("eu-west-1"), EM_STR("kms"), 1795342830999};
    EM_DROP(em_credentials) c = {0};
    uint8_t digest[32], k[32], buf[2048], hex[65] = {0};
    char text[512], want[1024];

    set_key(&c, "AKIAEXAMPLEEXAMPLE00", "secret/key+of=mine", "tok/+=");
    EVP_Digest(canonical, sizeof canonical - 1, digest, NULL, EVP_sha256(), NULL);
    em_out h = em_out_over(hex, 64);
    em_write_hex(&h, EM_BYTES(digest));
    snprintf(
        text, sizeof text,
        "AWS4-HMAC-SHA256\n20261122T102030Z\n20261122/eu-west-1/kms/aws4_request\n%s",
        (char *)hex);
    hmac((const uint8_t *)"AWS4secret/key+of=mine", 22, "20261122", k);
    hmac(k, 32, "eu-west-1", k);
    hmac(k, 32, "kms", k);
    hmac(k, 32, "aws4_request", k);
    hmac(k, 32, text, k);
    h = em_out_over(hex, 64);
    em_write_hex(&h, EM_BYTES(k));
    snprintf(want, sizeof want,
             "X-Amz-Date: 20261122T102030Z\r\nX-Amz-Security-Token: tok/+=\r\n"
             "Authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLEEXAMPLE00/20261122/"
             "eu-west-1/kms/aws4_request, SignedHeaders=content-type;host;x-amz-date;"
             "x-amz-security-token;x-amz-target, Signature=%s\r\n",
             (char *)hex);
    em_out o = EM_OUT(buf);
    CHECK_OK(em_sigv4_put_fields(&o, &r, &scope, &c));
    CHECK(em_same(em_write_view(&o), of(want)));
}

/* Sorted by what is encoded: '%' stands before letters, whatever it encodes. */
static void queries_are_sorted_as_encoded(void)
{
    const em_sigv4_pair query[] = {
        {EM_STR("b"), EM_STR("2")},  {EM_STR("b"), EM_STR("1")},
        {EM_STR("a b"), EM_STR("")}, {EM_STR("~"), EM_STR("/")},
        {EM_STR("a"), EM_STR("z")},  {EM_STR("\xC3\xA9"), EM_STR("=")},
        {EM_STR("A"), EM_STR("&")}};
    em_sigv4_request r = {.method = EM_STR("GET"),
                          .path = EM_STR("/a b/../c//%"),
                          .query = query,
                          .n_query = EM_COUNT(query)};
    uint8_t buf[512];
    em_out o = EM_OUT(buf);

    CHECK_OK(em_sigv4_canonical(&r, &o));
    const char *want = "GET\n/c/%25\n%C3%A9=%3D&A=%26&a=z&a%20b=&b=1&b=2&~=%2F\n\n\n\n";
    CHECK(o.len > strlen(want) && memcmp(buf, want, strlen(want)) == 0);
    r.keep_path = true;
    o = EM_OUT(buf);
    CHECK_OK(em_sigv4_canonical(&r, &o));
    want = "GET\n/a%20b/../c//%25\n";
    CHECK(memcmp(buf, want, strlen(want)) == 0);
}

static void limits(void)
{
    em_sigv4_pair field[EM_SIGV4_PAIRS + 1];
    em_sigv4_request r = {.method = EM_STR("GET"), .path = EM_STR("/"), .field = field};
    em_sigv4_scope scope = {EM_STR("r"), EM_STR("s"), 0};
    EM_DROP(em_credentials) c = {0};
    uint8_t buf[4096];

    for (size_t i = 0; i < EM_COUNT(field); i++)
        field[i] = (em_sigv4_pair){EM_STR("a"), EM_STR("b")};
    set_key(&c, "AKIDEXAMPLE", "secret", NULL);
    em_out o = EM_OUT(buf);
    r.n_fields = EM_SIGV4_PAIRS + 1;
    CHECK_ERR(em_sigv4_canonical(&r, &o), EM_ERR_LIMIT);
    r.n_fields = EM_SIGV4_PAIRS;
    CHECK_ERR(em_sigv4_put_fields(&o, &r, &scope, &c), EM_ERR_LIMIT);
    r.n_fields = EM_SIGV4_PAIRS - 1;
    CHECK_OK(em_sigv4_put_fields(&o, &r, &scope, &c));
    o = em_out_over(buf, 40);
    CHECK_ERR(em_sigv4_put_fields(&o, &r, &scope, &c), EM_ERR_FULL);
    o = EM_OUT(buf);
    r.path = EM_STR("relative");
    CHECK_ERR(em_sigv4_canonical(&r, &o), EM_ERR_ARGUMENT);
    r.path = EM_STR("/");
    scope.now_ms = UINT64_MAX;
    CHECK_ERR(em_sigv4_put_fields(&o, &r, &scope, &c), EM_ERR_RANGE);
}

int main(void)
{
    if (test_shared("vectors/sigv4/v4") != NULL)
        RUN(the_suite_of_aws);
    else
        test_skip("the_suite_of_aws", "no vectors/sigv4/v4");
    RUN(a_request_by_hand);
    RUN(queries_are_sorted_as_encoded);
    RUN(limits);
    return test_end();
}
