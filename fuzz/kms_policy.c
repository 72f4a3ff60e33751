/* covers: twin/kms_policy.c
 *
 * Key policies as JSON: a policy that allows without any condition holding, or in spite
 * of a denial of everything, is a policy that was misread. */
#include "twin/kms_policy.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static em_kms_policy_facts facts_of(const char *action, bool has_document)
{
    em_kms_policy_facts f = {
        .action = action, .has_document = has_document, .present = 0xFFFF};

    for (size_t i = 0; i < 16; i++) memset(f.pcr[i].pcr, (int)i, EM_PCR_LEN);
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *policy = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    const em_kms_policy_facts attested = facts_of("kms:Decrypt", true);
    const em_kms_policy_facts plain = facts_of("kms:Decrypt", false);

    if (policy == NULL) return 0;
    bool valid = em_kms_policy_valid(policy);
    bool with = em_kms_policy_allows(policy, &attested);
    (void)em_kms_policy_allows(policy, &plain);
    json_t *list = json_object_get(policy, "Statement");
    if (with && !json_is_array(list)) abort();
    if (valid && !json_is_array(list)) abort();
    if (json_is_array(list)) {
        json_array_append_new(list,
                              json_pack("{s:s,s:s}", "Effect", "Deny", "Action", "*"));
        if (em_kms_policy_allows(policy, &attested)) abort();
    }
    json_decref(policy);
    return 0;
}
