#include "cmd/check_op.h"
#include "crypto/hpke.h"

typedef struct request {
    uint64_t aead, seq;
    em_bytes enc, info, aad, ct;
} request;

static em_err open_it(const request *r, const em_x25519_secret *sk, uint8_t *plain)
{
    EM_DROP(em_hpke) ctx = {0};

    if (r->enc.len != EM_HPKE_ENC_LEN) return EM_ERR_BAD_KEY;
    EM_TRY(em_hpke_setup_recv((em_aead_alg)r->aead, sk, r->enc.at, r->info, &ctx));
    ctx.seq = r->seq;
    return em_hpke_open(&ctx, r->aad, r->ct, plain);
}

void em_check_hpke(em_check_ask *ask, em_check_answer *answer)
{
    EM_DROP(em_x25519_secret) sk = {0};
    request r = {0};

    (void)em_check_ask_uint(ask, "aead_id", EM_CHECK_NEEDED, &r.aead);
    em_check_ask_hex_into(ask, "sk_hex", sk.b, sizeof sk.b);
    r.enc = em_check_ask_hex(ask, "enc_hex", EM_CHECK_NEEDED);
    r.info = em_check_ask_hex(ask, "info_hex", EM_CHECK_NEEDED);
    r.aad = em_check_ask_hex(ask, "aad_hex", EM_CHECK_NEEDED);
    r.ct = em_check_ask_hex(ask, "ct_hex", EM_CHECK_NEEDED);
    (void)em_check_ask_uint(ask, "seq", EM_CHECK_OPTIONAL, &r.seq);
    if (!em_check_ask_end(ask)) return;

    if (r.aead != EM_AEAD_AES_256_GCM && r.aead != EM_AEAD_CHACHA20_POLY1305) {
        em_check_answer_refuse(answer, EM_ERR_UNSUPPORTED,
                               "aead_id is neither 2 (AES-256-GCM) nor 3 "
                               "(ChaCha20-Poly1305)");
        return;
    }
    uint8_t *plain = em_check_ask_memory(ask->root, r.ct.len);
    if (plain == NULL) return;
    em_err err = open_it(&r, &sk, plain);
    if (err == EM_OK)
        em_check_answer_accept(
            answer, json_pack("{s:o}", "pt_hex",
                              em_lines_hex(em_view(plain, r.ct.len - EM_AEAD_TAG_LEN))));
    else
        em_check_answer_refuse(answer, err, NULL);
}
