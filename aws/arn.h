/* arn.h - the ARN of a KMS key, and where its KMS is.
 *
 *     arn:PARTITION:kms:REGION:ACCOUNT:key/ID
 *
 * Aliases are no keys: what they point to can change.
 *
 * Trust:  text may be hostile; a parsed ARN is well-formed, nothing more.
 * Memory: views point into the text.
 */
#ifndef EM_AWS_ARN_H
#define EM_AWS_ARN_H

#include "base/write.h"

enum { EM_ARN_MAX = 256, EM_ARN_HOST_MAX = 96 };

typedef struct em_arn {
    em_bytes partition; /* aws, aws-cn, aws-us-gov */
    em_bytes region;
    em_bytes account; /* twelve digits */
    em_bytes key_id;  /* a UUID, or mrk- and 32 hexadecimal digits */
} em_arn;

/* EM_ERR_FORMAT for everything else. */
em_err em_arn_parse(em_bytes text, em_arn *ret_arn);

/* kms.REGION.amazonaws.com (or .com.cn), at most EM_ARN_HOST_MAX bytes. */
void em_arn_put_host(em_out *o, const em_arn *arn);

#endif
