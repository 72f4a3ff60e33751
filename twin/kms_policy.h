/* kms_policy.h - does a key-policy document allow this action to this caller?
 *
 * Understands Statement [{Effect, Action, Condition}] with the operators StringEquals and
 * StringEqualsIgnoreCase on kms:RecipientAttestation:ImageSha384,
 * kms:RecipientAttestation:PCRn and kms:EncryptionContext:KEY.  What it does not
 * understand never allows and always denies.  Principal and Resource are not looked at:
 * there is one caller and one key.
 *
 * Trust:  the policy is the key owner's; the facts come from a verified document.
 * Memory: nothing is kept.
 */
#ifndef EM_TWIN_KMS_POLICY_H
#define EM_TWIN_KMS_POLICY_H

#include "base/limits.h"
#include "trust/measure.h"

#include <jansson.h>

typedef struct em_kms_policy_facts {
    const char *action; /* "kms:Decrypt" */
    bool has_document;
    uint32_t present; /* a bit a PCR */
    em_measure pcr[EM_MAX_PCRS];
    const json_t *context; /* the encryption context, or NULL */
} em_kms_policy_facts;

bool em_kms_policy_allows(const json_t *policy, const em_kms_policy_facts *facts);

/* Is this a policy document that em_kms_policy_allows can read at all? */
bool em_kms_policy_valid(const json_t *policy);

#endif
