/* Reports, and the rule that only verifiers make facts. */
#include "trust/report.h"
#include "tests/support/test.h"

#include <dirent.h>

static void a_report_tells_what_was_found(void)
{
    const em_check allowed[] = {EM_CHECK_DOC_NONCE};
    em_report r;

    em_report_init(&r);
    em_report_expect(&r, EM_CHECK_DOC_ENVELOPE, EM_CHECK_DOC_NONCE);
    CHECK(r.line[EM_CHECK_DOC_CHAIN].result == EM_RESULT_SKIP);
    CHECK(r.line[EM_CHECK_DOC_DEBUG].result == EM_RESULT_NONE);
    for (unsigned i = EM_CHECK_DOC_ENVELOPE; i < EM_CHECK_DOC_NONCE; i++) {
        CHECK(!em_report_is_whole(&r, allowed, 1)); /* not reached is not passed */
        CHECK_OK(em_report_judge(&r, (em_check)i, EM_OK, 1));
    }
    em_report_skip(&r, EM_CHECK_DOC_NONCE, EM_SKIP_NOT_GIVEN);
    CHECK(em_report_is_whole(&r, allowed, 1) && !em_report_is_whole(&r, NULL, 0));
    CHECK_ERR(em_report_judge(&r, EM_CHECK_DOC_CHAIN, EM_ERR_CERT_EXPIRED, 4),
              EM_ERR_CERT_EXPIRED);
    CHECK_ERR(em_report_judge(&r, EM_CHECK_DOC_ROOT, EM_ERR_ROOT_UNKNOWN, 0),
              EM_ERR_ROOT_UNKNOWN);
    CHECK(r.err == EM_ERR_CERT_EXPIRED && r.failed == EM_CHECK_DOC_CHAIN); /* the first */
    CHECK(!em_report_is_whole(&r, allowed, 1));
    em_report_drop(&r, EM_CHECK_DOC_NONCE);
    CHECK(r.line[EM_CHECK_DOC_NONCE].result == EM_RESULT_NONE);

    char longer[EM_REPORT_SUBJECT + 10] = {0};
    em_report_subject(&r, EM_BYTES(longer));
    CHECK(r.subject_len == EM_REPORT_SUBJECT);
}

static void no_report_is_allowed(void)
{
    em_report_init(NULL);
    em_report_expect(NULL, EM_CHECK_DOC_ENVELOPE, EM_CHECK_DOC_PCR4);
    CHECK_OK(em_report_judge(NULL, EM_CHECK_DOC_CHAIN, EM_OK, 0));
    CHECK_ERR(em_report_judge(NULL, EM_CHECK_DOC_CHAIN, EM_ERR_SHORT, 0), EM_ERR_SHORT);
    em_report_skip(NULL, EM_CHECK_DOC_CHAIN, EM_SKIP_NOT_GIVEN);
    em_report_drop(NULL, EM_CHECK_DOC_CHAIN);
    em_report_subject(NULL, EM_STR("x"));
}

static void every_check_has_a_name_a_clause_and_a_text(void)
{
    for (unsigned i = 0; i < EM_CHECK_COUNT_; i++) {
        em_check c = (em_check)i;
        CHECK(strlen(em_report_name(c)) > 3 && strlen(em_report_text(c)) > 10);
        CHECK(em_report_clause(c)[0] >= '1' && em_report_clause(c)[0] <= '6');
        for (unsigned k = 0; k < i; k++)
            CHECK(strcmp(em_report_name(c), em_report_name((em_check)k)) != 0);
    }
    CHECK(strcmp(em_report_name(EM_CHECK_COUNT_), "?") == 0);
    CHECK(strcmp(em_report_result_name(EM_RESULT_SKIP), "skip") == 0);
    for (unsigned i = 0; i < EM_SKIP_COUNT_; i++)
        CHECK(strlen(em_report_skip_text((em_skip)i)) > 10);
    CHECK(strcmp(em_report_skip_text(EM_SKIP_COUNT_), "?") == 0);
}

/* ---- facts ---- */

/* Where a fact of each type may be written with values: its verifier, nowhere else.
 * (em_companion is also what is signed, and so stands for claims as well.) */
static const struct {
    const char *type, *maker;
} facts[] = {
    {"em_attested", "attest.c"},   {"em_policy", "policy.c"},
    {"em_manifest", "manifest.c"}, {"em_receipt", "receipt.c"},
    {"em_peer", "peer.c"},         {"em_evidence_facts", "evidence.c"},
};

/* `(type){` and `type name = {.`: a value made by hand. */
static bool makes(const char *text, const char *type)
{
    size_t len = strlen(type);

    for (const char *at = text; (at = strstr(at, type)) != NULL; at += len) {
        const char *p = at + len;
        bool is_word = (p[0] >= 'a' && p[0] <= 'z') || p[0] == '_';
        if (is_word || (at > text && (at[-1] == '_' || (at[-1] >= 'a' && at[-1] <= 'z'))))
            continue;
        if (at > text && at[-1] == '(' && p[0] == ')' && p[1] == '{') return true;
        size_t line = strcspn(p, ";\n");
        const char *open = memchr(p, '{', line);
        if (p[0] == ' ' && open && open[1] == '.' && memchr(p, '=', line) != NULL)
            return true;
    }
    return false;
}

static size_t scan(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t n = 0;

    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        size_t len = strlen(e->d_name);
        char path[512];
        if (len < 3 || strcmp(e->d_name + len - 2, ".c") != 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        em_bytes file = test_file(path);
        char *text = test_alloc(file.len + 1);
        memcpy(text, file.at, file.len);
        text[file.len] = 0;
        n++;
        for (size_t i = 0; i < EM_COUNT(facts); i++) {
            bool is_maker = strcmp(folder, "shared/trust") == 0 &&
                            strcmp(e->d_name, facts[i].maker) == 0;
            test_note("%s makes an %s", path, facts[i].type);
            CHECK(is_maker || !makes(text, facts[i].type));
        }
    }
    if (dir) closedir(dir);
    return n;
}

static void only_verifiers_make_facts(void)
{
    static const char *const folders[] = {
        "shared/base",    "shared/crypto", "shared/wire", "shared/trust", "shared/bundle",
        "shared/session", "aws",           "client",      "cmd",          "enclave",
        "host",           "tools",         "twin"};

    CHECK(makes("x = (em_peer){0};", "em_peer") &&
          !makes("em_peer_model m = {.a", "em_peer"));
    CHECK(makes("em_policy p = {.body = b};", "em_policy"));
    CHECK(!makes("em_policy p = {0};", "em_policy"));
    CHECK(!makes("em_policy p;\nx = {.a = 1};", "em_policy"));
    if (scan("shared/trust") == 0) {
        test_skip("only_verifiers_make_facts", "the sources are not in this folder");
        return;
    }
    for (size_t i = 0; i < EM_COUNT(folders); i++) (void)scan(folders[i]);
}

int main(void)
{
    RUN(a_report_tells_what_was_found);
    RUN(no_report_is_allowed);
    RUN(every_check_has_a_name_a_clause_and_a_text);
    RUN(only_verifiers_make_facts);
    return test_end();
}
