/* hello.h - record heads, the opening messages of a session (C1 HELLO, E1 ATTEST, HOST),
 * what the enclave puts into user_data, and the two values that bind them together.
 *
 * A record is type u8, flags u8 (bit 0 `final`), length u32 BE, body.  "C1 record" and
 * "E1 record" below mean head and body.  All maps are deterministic CBOR and closed; keys
 * stand in the order they have on the wire:
 *
 *   C1 HELLO   {v: 1, nonce: bstr 32, deployment: tstr 1..128}
 *   E1 ATTEST  {v: 1, document: bstr, manifests: [0*8 bstr]}
 *   HOST       {code: 0..23}
 *   user_data  {v: 1, purpose: "session", manifests: [0*8 bstr 32], receipt_key: bstr 32}
 *   user_data  {v: 1, purpose: "kms"}
 *
 * Trust:  input is hostile and what comes out are claims.  user_data becomes a fact only
 *         with the verified document that carries it; HOST is never authenticated.
 * Memory: views point into the input; nothing is allocated.
 */
#ifndef EM_TRUST_HELLO_H
#define EM_TRUST_HELLO_H

#include "base/limits.h"
#include "base/write.h"
#include "crypto/ed25519.h"

/* Records, PROTOCOL 2 -------------------------------------------------------------- */

typedef enum em_record_type {
    EM_RECORD_HELLO = 1,
    EM_RECORD_ATTEST = 2,
    EM_RECORD_OPEN = 3,
    EM_RECORD_DATA = 4,
    EM_RECORD_END = 5,
    EM_RECORD_RECEIPT = 6,
    EM_RECORD_AUTH = 7,
    EM_RECORD_CANCEL = 8,
    EM_RECORD_HOST = 9,
} em_record_type;

typedef struct em_record_head {
    em_record_type type;
    bool final; /* last record of its message */
    size_t len; /* of the body that follows */
} em_record_head;

/* Reads a head and judges all that a head can show, so that no body is waited for that
 * would be refused: EM_ERR_RECORD_TYPE for an unknown type; EM_ERR_RECORD_FLAGS for a bit
 * other than final, or for a type whose message is always one record (all but DATA and
 * END) without it; EM_ERR_RECORD_SIZE above the type's limit (OPEN: other than 32);
 * EM_ERR_RECORD_PADDING where a sealed body is no bucket and a tag long. */
em_err em_hello_read_head(const uint8_t at[EM_RECORD_HEAD], em_record_head *ret_head);

void em_hello_put_head(em_out *o, em_record_type type, bool final, size_t len);

/* One whole record of this type and nothing behind it: its body.  For what travels
 * outside a session, as in evidence files.  EM_ERR_SHORT, EM_ERR_TRAILING, or as for the
 * head; EM_ERR_RECORD_TYPE for another type. */
em_err em_hello_read_record(em_bytes record, em_record_type want, em_bytes *ret_body);

/* Is a record of this type sealed (DATA, END, RECEIPT, AUTH, CANCEL)? */
bool em_hello_is_sealed(em_record_type type);

/* The longest body that a record of this type may carry; of a sealed one, opened and
 * without padding.  0 for no type, and for CANCEL, whose body is empty. */
size_t em_hello_max_body(em_record_type type);

/* The sealed plaintext's length for a body: u32 length, body, zeros up to the smallest
 * bucket that takes them.  Buckets are 2^k and 3 * 2^(k-1) from EM_PAD_MIN to EM_PAD_MAX;
 * `body_len` is at most EM_MAX_DATA_BODY. */
size_t em_hello_padded(size_t body_len);

/* C1 HELLO --------------------------------------------------------------------------- */

enum { EM_HELLO_NONCE_LEN = 32 };

typedef struct em_hello_c1 {
    uint8_t nonce[EM_HELLO_NONCE_LEN];
    em_bytes deployment;
} em_hello_c1;

/* The whole C1 record.  EM_ERR_HELLO_MALFORMED for any breach of the schema; the errors
 * of em_hello_read_record before. */
em_err em_hello_parse_c1(em_bytes record, em_hello_c1 *ret_c1);

/* Writes the record, head included; EM_ERR_ARGUMENT sticks to `o` where the deployment is
 * empty, too long, not UTF-8 or has a NUL.  At most EM_RECORD_HEAD + EM_MAX_HELLO bytes.
 */
void em_hello_put_c1(em_out *o, const uint8_t nonce[EM_HELLO_NONCE_LEN],
                     em_bytes deployment);

/* SHA-256("em/1 nonce" || C1 record): what the document's nonce must be. */
void em_hello_nonce(em_bytes c1_record, uint8_t ret_nonce[32]);

/* E1 ATTEST -------------------------------------------------------------------------- */

typedef struct em_hello_e1 {
    em_bytes document; /* at most EM_MAX_DOCUMENT, to be given to trust/attest */
    size_t n_manifests;
    em_bytes manifest[EM_MAX_MODELS]; /* signed, to be given to trust/manifest */
} em_hello_e1;

/* The whole E1 record; errors as em_hello_parse_c1. */
em_err em_hello_parse_e1(em_bytes record, em_hello_e1 *ret_e1);

/* The E1 record's length, head included.  EM_ERR_LIMIT where the parts are more than an
 * ATTEST record may carry. */
em_err em_hello_e1_len(const em_hello_e1 *e1, size_t *ret_len);

/* Writes the record, head included. */
void em_hello_put_e1(em_out *o, const em_hello_e1 *e1);

/* HPKE's info: "em/1 session" || SHA-256(C1 record || E1 record). */
enum { EM_HELLO_INFO_LEN = 12 + 32 };
void em_hello_info(em_bytes c1_record, em_bytes e1_record,
                   uint8_t ret_info[EM_HELLO_INFO_LEN]);

/* HOST ------------------------------------------------------------------------------- */

/* Stands in place of E1 and is unauthenticated; `code` is an em_face's number.  The whole
 * record: 09 01 00000007 a1 64 63 6f 64 65 code.  EM_ERR_HELLO_MALFORMED. */
em_err em_hello_parse_host(em_bytes record, unsigned *ret_code);
void em_hello_put_host(em_out *o, unsigned code);

/* user_data -------------------------------------------------------------------------- */

typedef enum em_purpose {
    EM_PURPOSE_SESSION = 1,
    EM_PURPOSE_KMS = 2,
} em_purpose;

typedef struct em_user_data {
    em_purpose purpose;
    /* of a session: */
    em_ed25519_public receipt_key;
    size_t n_manifests;
    uint8_t manifest[EM_MAX_MODELS][32]; /* manifest hashes, strictly ascending */
} em_user_data;

/* EM_ERR_USER_DATA for any breach of the schema, EM_ERR_PURPOSE where the purpose is not
 * `want`. */
em_err em_hello_parse_user_data(em_bytes in, em_purpose want, em_user_data *ret_data);

/* At most EM_MAX_USER_DATA bytes.  EM_ERR_ARGUMENT sticks to `o` where the hashes are not
 * strictly ascending or too many. */
void em_hello_put_user_data(em_out *o, const em_user_data *data);

/* Is this manifest hash among them? */
bool em_hello_names_manifest(const em_user_data *data, const uint8_t hash[32]);

#endif
