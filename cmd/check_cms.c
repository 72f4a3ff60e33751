#include "cmd/check_op.h"
#include "crypto/cms.h"

void em_check_cms(em_check_ask *ask, em_check_answer *answer)
{
    static uint8_t plain[EM_CMS_MAX];
    EM_DROP(em_rsa_key) key = {0};
    size_t len = 0;
    em_bytes cms = em_check_ask_base64(ask, "cms_b64", EM_CHECK_NEEDED);
    em_bytes pkcs8 = em_check_ask_base64(ask, "private_key_pkcs8_b64", EM_CHECK_NEEDED);

    if (!em_check_ask_end(ask)) return;
    em_err err = em_rsa_from_pkcs8(pkcs8, &key);
    if (err == EM_OK) err = em_cms_open(&key, cms, plain, sizeof plain, &len);
    if (err == EM_OK)
        em_check_answer_accept(answer, json_pack("{s:o}", "plaintext_hex",
                                                 em_lines_hex(em_view(plain, len))));
    else
        em_check_answer_refuse(answer, err, NULL);
    em_wipe(plain, sizeof plain);
}
