#include "base/read.h"
#include "session/session_impl.h"

enum { AAD_LEN = 11, LENGTH_LEN = 4 };

/* PROTOCOL 2: AAD = type, flags, direction, sequence */
static void make_aad(const em_record_head *head, bool to_client, uint64_t seq,
                     uint8_t ret_aad[AAD_LEN])
{
    em_out o = em_out_over(ret_aad, AAD_LEN);

    em_write_u8(&o, (uint8_t)head->type);
    em_write_u8(&o, head->final ? 1 : 0);
    em_write_u8(&o, to_client ? 1 : 0);
    em_write_be64(&o, seq);
}

em_err em_session_record_keys(em_session_keys *keys)
{
    EM_TRY(em_hpke_export(&keys->c2e, EM_STR("em/1 e2c key"), keys->e2c.b,
                          sizeof keys->e2c.b));
    EM_TRY(em_hpke_export(&keys->c2e, EM_STR("em/1 e2c nonce"), keys->e2c_nonce,
                          sizeof keys->e2c_nonce));
    keys->e2c_seq = 0;
    return EM_OK;
}

/* Both directions count their sequence on success only; a failure ends the session. */
static em_err seal(em_session_keys *k, const em_record_head *head, bool to_client,
                   em_bytes plain, uint8_t *out)
{
    uint8_t aad[AAD_LEN], nonce[EM_AEAD_NONCE_LEN];

    make_aad(head, to_client, to_client ? k->e2c_seq : k->c2e.seq, aad);
    if (!to_client) return em_hpke_seal(&k->c2e, EM_BYTES(aad), plain, out);
    if (k->e2c_seq == UINT64_MAX) return EM_ERR_SEQUENCE;
    em_hpke_nonce(k->e2c_nonce, k->e2c_seq, nonce);
    EM_TRY(em_aead_seal(EM_AEAD_CHACHA20_POLY1305, &k->e2c, nonce, EM_BYTES(aad), plain,
                        out));
    k->e2c_seq++;
    return EM_OK;
}

static em_err open(em_session_keys *k, const em_record_head *head, bool to_client,
                   em_bytes sealed, uint8_t *out)
{
    uint8_t aad[AAD_LEN], nonce[EM_AEAD_NONCE_LEN];

    make_aad(head, to_client, to_client ? k->e2c_seq : k->c2e.seq, aad);
    if (!to_client) return em_hpke_open(&k->c2e, EM_BYTES(aad), sealed, out);
    if (k->e2c_seq == UINT64_MAX) return EM_ERR_SEQUENCE;
    em_hpke_nonce(k->e2c_nonce, k->e2c_seq, nonce);
    EM_TRY(em_aead_open(EM_AEAD_CHACHA20_POLY1305, &k->e2c, nonce, EM_BYTES(aad), sealed,
                        out));
    k->e2c_seq++;
    return EM_OK;
}

/* `len` bytes behind what is pending, or NULL. */
static uint8_t *reserve(em_session *s, size_t len)
{
    size_t used = s->out_len - s->out_from;

    if (len > s->room.out_cap - used) return NULL;
    if (len > s->room.out_cap - s->out_len) {
        memmove(s->room.out, s->room.out + s->out_from, used);
        s->out_from = 0;
        s->out_len = used;
    }
    return s->room.out + s->out_len;
}

static em_err count_out(em_session *s, size_t len)
{
    if (s->bytes_in + s->bytes_out + len > EM_SESSION_BYTES) return EM_ERR_SESSION_LIMIT;
    s->bytes_out += len;
    s->out_len += len;
    return EM_OK;
}

em_err em_session_record_put(em_session *s, em_bytes record)
{
    uint8_t *at = reserve(s, record.len);

    if (at == NULL) return EM_ERR_FULL;
    EM_TRY(count_out(s, record.len));
    memcpy(at, record.at, record.len);
    return EM_OK;
}

em_err em_session_record_seal(em_session *s, em_record_type type, bool final,
                              em_bytes body)
{
    if (body.len > em_hello_max_body(type)) return EM_ERR_LIMIT;

    size_t padded = em_hello_padded(body.len), len = padded + EM_TAG_LEN;
    em_record_head head = {type, final, len};
    uint8_t *at = reserve(s, EM_RECORD_HEAD + len);

    if (at == NULL) return EM_ERR_FULL;
    em_out o = em_out_over(at, EM_RECORD_HEAD + len);
    em_hello_put_head(&o, type, final, len);
    em_write_be32(&o, (uint32_t)body.len);
    em_write_bytes(&o, body);
    em_write_zeros(&o, padded - LENGTH_LEN - body.len);

    uint8_t *plain = at + EM_RECORD_HEAD;
    em_err err = seal(&s->keys, &head, s->role == EM_SESSION_SERVER,
                      em_view(plain, padded), plain);
    if (err == EM_OK) err = count_out(s, EM_RECORD_HEAD + len);
    if (err == EM_OK) return EM_OK;
    em_wipe(plain, padded);
    return em_session_close(s, err);
}

em_err em_session_record_open(em_session *s, em_bytes *ret_body)
{
    uint8_t *plain = s->room.in + EM_RECORD_HEAD;
    em_bytes sealed = em_view(plain, s->head.len);
    em_err err = open(&s->keys, &s->head, s->role == EM_SESSION_CLIENT, sealed, plain);

    if (err == EM_ERR_OPEN_FAILED) return EM_ERR_RECORD_SEALED;
    EM_TRY(err);

    em_reader r = {.left = em_view(plain, s->head.len - EM_TAG_LEN)};
    size_t padded = r.left.len;
    uint32_t len = em_read_be32(&r);
    em_bytes body = em_read_bytes(&r, len);

    if (em_read_ok(&r) != EM_OK) return EM_ERR_RECORD_PADDING;
    if (len > em_hello_max_body(s->head.type)) return EM_ERR_RECORD_SIZE;
    if (em_hello_padded(len) != padded || !em_all_zero(r.left))
        return EM_ERR_RECORD_PADDING;
    *ret_body = body;
    return EM_OK;
}
