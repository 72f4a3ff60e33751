#include "twin/kms_policy.h"

#include "base/write.h"

#include <stdlib.h>
#include <strings.h>

/* What one statement says of these facts. */
typedef enum outcome { NO_MATCH, MATCH, NOT_UNDERSTOOD } outcome;

/* AWS's patterns: '*' is any run of characters, '?' any one; letters of any case. */
static bool glob(const char *pattern, const char *text)
{
    const char *star = NULL, *back = NULL;

    while (*text != 0) {
        bool same_letter = *pattern == '?' || (*pattern != '*' && *pattern != 0 &&
                                               strncasecmp(pattern, text, 1) == 0);
        if (same_letter) {
            pattern++, text++;
        } else if (*pattern == '*') {
            star = ++pattern, back = text;
        } else if (star != NULL) {
            pattern = star, text = ++back;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return *pattern == 0;
}

/* A text, or an array of texts and of nothing else. */
static bool is_texts(const json_t *value)
{
    size_t i;
    json_t *element;

    if (json_is_string(value)) return true;
    if (!json_is_array(value) || json_array_size(value) == 0) return false;
    json_array_foreach(value, i, element)
    {
        if (!json_is_string(element)) return false;
    }
    return true;
}

/* A text or an array of texts: does `test` hold of one of them? */
static bool any_of(const json_t *value, bool (*test)(const char *, const char *),
                   const char *with)
{
    size_t i;
    json_t *element;

    if (json_is_string(value)) return test(json_string_value(value), with);
    json_array_foreach(value, i, element)
    {
        if (json_is_string(element) && test(json_string_value(element), with))
            return true;
    }
    return false;
}

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}
static bool same_any_case(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

/* The value that a condition key has; false where the request carries none. */
static bool value_of(const em_kms_policy_facts *facts, const char *key, char *text,
                     size_t cap, bool *ret_known)
{
    static const char recipient[] = "kms:RecipientAttestation:";
    static const char context[] = "kms:EncryptionContext:";
    unsigned long pcr = EM_MAX_PCRS;

    *ret_known = true;
    if (strncasecmp(key, context, sizeof context - 1) == 0) {
        const char *value =
            json_string_value(json_object_get(facts->context, key + sizeof context - 1));
        if (value == NULL || strlen(value) >= cap) return false;
        memcpy(text, value, strlen(value) + 1);
        return true;
    }
    if (strncasecmp(key, recipient, sizeof recipient - 1) == 0) {
        const char *what = key + sizeof recipient - 1;
        char *end = NULL;
        if (strcasecmp(what, "ImageSha384") == 0)
            pcr = 0;
        else if (strncasecmp(what, "PCR", 3) == 0 && what[3] >= '0' && what[3] <= '9')
            pcr = strtoul(what + 3, &end, 10);
        if (end != NULL && *end != 0) pcr = EM_MAX_PCRS;
    }
    *ret_known = pcr < EM_MAX_PCRS;
    if (pcr >= EM_MAX_PCRS || !facts->has_document || !(facts->present >> pcr & 1) ||
        cap <= 2 * EM_PCR_LEN)
        return false;
    em_out o = em_out_over(text, cap);
    em_write_hex(&o, EM_BYTES(facts->pcr[pcr].pcr));
    em_write_u8(&o, 0);
    return em_write_end(&o) == EM_OK;
}

static outcome judge_conditions(const json_t *conditions,
                                const em_kms_policy_facts *facts)
{
    const char *operator, * key;
    json_t *pairs, *value;
    outcome so_far = MATCH;

    if (!json_is_object(conditions)) return NOT_UNDERSTOOD;
    json_object_foreach((json_t *)(uintptr_t)conditions, operator, pairs)
    {
        bool exact = strcmp(operator, "StringEquals") == 0;
        if (!exact && strcmp(operator, "StringEqualsIgnoreCase") != 0)
            return NOT_UNDERSTOOD;
        if (!json_is_object(pairs)) return NOT_UNDERSTOOD;
        json_object_foreach(pairs, key, value)
        {
            char text[512];
            bool known;
            bool has = value_of(facts, key, text, sizeof text, &known);
            if (!known || !is_texts(value)) return NOT_UNDERSTOOD;
            if (!has || !any_of(value, exact ? same : same_any_case, text))
                so_far = NO_MATCH;
        }
    }
    return so_far;
}

static outcome judge(const json_t *statement, const em_kms_policy_facts *facts)
{
    const json_t *action = json_object_get(statement, "Action");
    const json_t *conditions = json_object_get(statement, "Condition");
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)statement, key, value)
    {
        if (!same(key, "Sid") && !same(key, "Effect") && !same(key, "Principal") &&
            !same(key, "Action") && !same(key, "Resource") && !same(key, "Condition"))
            return NOT_UNDERSTOOD;
    }
    if (!is_texts(action)) return NOT_UNDERSTOOD;
    if (!any_of(action, glob, facts->action)) return NO_MATCH;
    return conditions == NULL ? MATCH : judge_conditions(conditions, facts);
}

bool em_kms_policy_allows(const json_t *policy, const em_kms_policy_facts *facts)
{
    bool allowed = false;
    size_t i;
    json_t *statement;

    json_array_foreach(json_object_get(policy, "Statement"), i, statement)
    {
        const char *effect = json_string_value(json_object_get(statement, "Effect"));
        outcome o = judge(statement, facts);
        if (effect == NULL || (!same(effect, "Allow") && !same(effect, "Deny")))
            return false;
        if (same(effect, "Deny") && o != NO_MATCH) return false;
        if (same(effect, "Allow") && o == MATCH) allowed = true;
    }
    return allowed;
}

bool em_kms_policy_valid(const json_t *policy)
{
    size_t i;
    json_t *statement;
    const json_t *list = json_object_get(policy, "Statement");

    if (!json_is_array(list) || json_array_size(list) == 0) return false;
    json_array_foreach(list, i, statement)
    {
        if (!json_is_string(json_object_get(statement, "Effect")) ||
            json_object_get(statement, "Action") == NULL)
            return false;
    }
    return true;
}
