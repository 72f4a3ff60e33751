#include "trust/roots.h"

/* AWS Nitro Enclaves root G1, valid 2019-10-28 to 2049-10-28; its DER's SHA-256. */
static const em_root aws[] = {
    {{0x64, 0x1a, 0x03, 0x21, 0xa3, 0xe2, 0x44, 0xef, 0xe4, 0x56, 0x46,
      0x31, 0x95, 0xd6, 0x06, 0x31, 0x7e, 0xd7, 0xcd, 0xcc, 0x3c, 0x17,
      0x56, 0xe0, 0x98, 0x93, 0xf3, 0xc6, 0x8f, 0x79, 0xbb, 0x5b}},
};

const em_root *em_roots_aws(size_t *ret_n)
{
    *ret_n = EM_COUNT(aws);
    return aws;
}

em_mode em_roots_mode(const em_root *root)
{
    for (size_t i = 0; i < EM_COUNT(aws); i++)
        if (em_same(EM_BYTES(aws[i].sha256), EM_BYTES(root->sha256)))
            return EM_MODE_PRODUCTION;
    return EM_MODE_EVALUATION;
}

const char *em_roots_mode_name(em_mode mode)
{
    static const char *const names[] = {"none", "evaluation", "production"};

    return (size_t)mode < EM_COUNT(names) ? names[mode] : "?";
}
