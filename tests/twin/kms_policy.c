/* Key policies: what allows, what denies, and that nothing misunderstood ever allows. */
#include "twin/kms_policy.h"

#include "tests/support/test.h"

static em_kms_policy_facts facts;
static json_t *context;

static void reset(void)
{
    facts = (em_kms_policy_facts){.action = "kms:Decrypt",
                                  .has_document = true,
                                  .present = 0xFFFF,
                                  .context = context};
    for (size_t i = 0; i < 16; i++) memset(facts.pcr[i].pcr, (int)(0xA0 + i), EM_PCR_LEN);
}

static bool allows(const char *policy)
{
    json_t *p = json_loads(policy, 0, NULL);

    if (p == NULL) abort();
    bool yes = em_kms_policy_allows(p, &facts);
    json_decref(p);
    return yes;
}

/* One statement of this effect, action and condition. */
static bool one(const char *effect, const char *action, const char *condition)
{
    char text[2048];

    snprintf(
        text, sizeof text,
        "{\"Statement\":[{\"Effect\":\"%s\",\"Principal\":\"*\",\"Action\":%s%s%s}]}",
        effect, action, condition != NULL ? ",\"Condition\":" : "",
        condition != NULL ? condition : "");
    return allows(text);
}

static bool when(const char *condition)
{
    return one("Allow", "\"kms:Decrypt\"", condition);
}

#define HEX_A0                                                                           \
    "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"                   \
    "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"
#define UPPER_A0                                                                         \
    "A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0"                   \
    "A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0"
#define PCR0 "kms:RecipientAttestation:PCR0"
#define IMAGE "kms:RecipientAttestation:ImageSha384"

static void actions(void)
{
    reset();
    CHECK(one("Allow", "\"kms:Decrypt\"", NULL));
    CHECK(one("Allow", "[\"kms:Encrypt\",\"kms:Decrypt\"]", NULL));
    CHECK(one("Allow", "\"kms:*\"", NULL) && one("Allow", "\"*\"", NULL));
    CHECK(one("Allow", "\"kms:De*t\"", NULL) && one("Allow", "\"KMS:decryp?\"", NULL));
    CHECK(!one("Allow", "\"kms:Encrypt\"", NULL));
    CHECK(!one("Allow", "\"kms:Decrypt?\"", NULL));
    CHECK(!one("Allow", "\"kms:De*x\"", NULL) && !one("Allow", "\"\"", NULL));
    CHECK(!one("Allow", "[]", NULL) && !one("Allow", "7", NULL));
    CHECK(!one("Allow", "[\"kms:Decrypt\",7]", NULL));
    CHECK(!one("allow", "\"kms:Decrypt\"", NULL));
    CHECK(!allows("{}") && !allows("{\"Statement\":[]}"));
    CHECK(!allows("{\"Statement\":[\"kms:Decrypt\"]}"));
    CHECK(!allows(
        "{\"Statement\":[{\"Effect\":\"Allow\",\"NotAction\":\"kms:Encrypt\"}]}"));
}

static void conditions_on_measurements(void)
{
    reset();
    CHECK(when("{\"StringEquals\":{\"" PCR0 "\":\"" HEX_A0 "\"}}"));
    CHECK(when("{\"StringEquals\":{\"" IMAGE "\":\"" HEX_A0 "\"}}"));
    CHECK(when("{\"StringEquals\":{\"" PCR0 "\":[\"00\",\"" HEX_A0 "\"]}}"));
    CHECK(!when("{\"StringEquals\":{\"" PCR0 "\":\"" UPPER_A0 "\"}}"));
    CHECK(when("{\"StringEqualsIgnoreCase\":{\"" PCR0 "\":\"" UPPER_A0 "\"}}"));
    CHECK(!when("{\"StringEquals\":{\"kms:RecipientAttestation:PCR1\":\"" HEX_A0 "\"}}"));
    /* every pair and every operator must hold */
    CHECK(!when("{\"StringEquals\":{\"" PCR0 "\":\"" HEX_A0
                "\",\"kms:RecipientAttestation:PCR1\":\"00\"}}"));
    CHECK(!when("{\"StringEquals\":{\"" PCR0 "\":\"" HEX_A0
                "\"},\"StringEqualsIgnoreCase\":{\"" IMAGE "\":\"00\"}}"));
    /* a register that the document has not, no document at all */
    CHECK(
        !when("{\"StringEquals\":{\"kms:RecipientAttestation:PCR20\":\"" HEX_A0 "\"}}"));
    facts.has_document = false;
    CHECK(!when("{\"StringEquals\":{\"" PCR0 "\":\"" HEX_A0 "\"}}"));
    CHECK(!when("{\"StringEquals\":{\"" IMAGE "\":\"" HEX_A0 "\"}}"));
}

static void conditions_on_the_context(void)
{
    context = json_pack("{s:s}", "em:model", "small");
    reset();
    CHECK(when("{\"StringEquals\":{\"kms:EncryptionContext:em:model\":\"small\"}}"));
    CHECK(!when("{\"StringEquals\":{\"kms:EncryptionContext:em:model\":\"Small\"}}"));
    CHECK(!when("{\"StringEquals\":{\"kms:EncryptionContext:em:other\":\"small\"}}"));
    facts.context = NULL;
    CHECK(!when("{\"StringEquals\":{\"kms:EncryptionContext:em:model\":\"small\"}}"));
    json_decref(context);
    context = NULL;
}

/* Each of these might be meant to hold; none is understood. */
static const char *const strange[] = {
    "7",
    "\"x\"",
    "[]",
    "{\"StringLike\":{\"" PCR0 "\":\"*\"}}",
    "{\"StringNotEquals\":{\"" PCR0 "\":\"00\"}}",
    "{\"Bool\":{\"kms:ViaService\":\"true\"}}",
    "{\"StringEquals\":7}",
    "{\"StringEquals\":\"" PCR0 "\"}",
    "{\"StringEquals\":{\"" PCR0 "\":7}}",
    "{\"StringEquals\":{\"" PCR0 "\":[]}}",
    "{\"StringEquals\":{\"" PCR0 "\":[\"" HEX_A0 "\",7]}}",
    "{\"StringEquals\":{\"aws:SourceIp\":\"10.0.0.1\"}}",
    "{\"StringEquals\":{\"kms:RecipientAttestation:PCR32\":\"00\"}}",
    "{\"StringEquals\":{\"kms:RecipientAttestation:PCR0x\":\"00\"}}",
    "{\"StringEquals\":{\"kms:RecipientAttestation:PCR\":\"00\"}}",
};

static void what_is_not_understood_never_allows_and_always_denies(void)
{
    char text[2048];

    reset();
    for (size_t i = 0; i < EM_COUNT(strange); i++) {
        test_note("%s", strange[i]);
        CHECK(!when(strange[i]));
        snprintf(text, sizeof text,
                 "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\"},"
                 "{\"Effect\":\"Deny\",\"Action\":\"kms:Decrypt\",\"Condition\":%s}]}",
                 strange[i]);
        CHECK(!allows(text));
    }
    test_note("%s", "");
    CHECK(!allows("{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\"},"
                  "{\"Effect\":\"Deny\",\"NotAction\":\"kms:Decrypt\"}]}"));
    CHECK(!allows("{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\"},"
                  "{\"Effect\":\"Deny\",\"Action\":7}]}"));
    CHECK(!allows("{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\"},"
                  "{\"Effect\":\"Perhaps\",\"Action\":\"kms:*\"}]}"));
}

static void a_denial_wins_where_it_matches_and_only_there(void)
{
    reset();
    CHECK(!allows("{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"kms:De*\"},"
                  "{\"Effect\":\"Allow\",\"Action\":\"kms:*\"}]}"));
    CHECK(allows("{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"kms:Encrypt\"},"
                 "{\"Effect\":\"Allow\",\"Action\":\"kms:*\"}]}"));
    CHECK(allows("{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"kms:Decrypt\","
                 "\"Condition\":{\"StringEquals\":{\"" PCR0 "\":\"00\"}}},"
                 "{\"Effect\":\"Allow\",\"Action\":\"kms:*\"}]}"));
}

static void valid_documents(void)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"kms:*\"}]}", true},
        {"{}", false},
        {"[]", false},
        {"{\"Statement\":[]}", false},
        {"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"kms:*\"}}", false},
        {"{\"Statement\":[{\"Action\":\"kms:*\"}]}", false},
        {"{\"Statement\":[{\"Effect\":\"Allow\"}]}", false},
        {"{\"Statement\":[7]}", false},
    };

    for (size_t i = 0; i < EM_COUNT(cases); i++) {
        json_t *p = json_loads(cases[i].text, 0, NULL);
        test_note("%s", cases[i].text);
        CHECK(p != NULL && em_kms_policy_valid(p) == cases[i].good);
        json_decref(p);
    }
    test_note("%s", "");
}

int main(void)
{
    RUN(actions);
    RUN(conditions_on_measurements);
    RUN(conditions_on_the_context);
    RUN(what_is_not_understood_never_allows_and_always_denies);
    RUN(a_denial_wins_where_it_matches_and_only_there);
    RUN(valid_documents);
    return test_end();
}
