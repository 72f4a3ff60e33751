/* sigv4.h - AWS Signature Version 4: canonical request, string to sign, signature, in the
 * form of header fields and of a presigned query.
 *
 * Trust:  everything is the caller's own; the secret key never leaves but as a MAC.
 * Memory: the stack, about 20 KiB; keys derived on the way are wiped.
 */
#ifndef EM_AWS_SIGV4_H
#define EM_AWS_SIGV4_H

#include "aws/credentials.h"

enum {
    EM_SIGV4_PAIRS = 32,          /* fields, or query parameters, ours included */
    EM_SIGV4_CANONICAL = 12 << 10 /* bytes of a canonical request */
};

typedef struct em_sigv4_pair {
    em_bytes name, value;
} em_sigv4_pair;

/* What is signed.  Nothing is percent-encoded yet. */
typedef struct em_sigv4_request {
    em_bytes method, path; /* the path begins with '/' */
    const em_sigv4_pair *query;
    size_t n_query;
    const em_sigv4_pair *field; /* Host is among them */
    size_t n_fields;
    em_bytes payload;
    bool keep_path; /* S3: "." and ".." and empty segments stay as they are */
    bool sign_body; /* adds X-Amz-Content-Sha256; S3 wants it */
} em_sigv4_request;

typedef struct em_sigv4_scope {
    em_bytes region, service;
    uint64_t now_ms;
} em_sigv4_scope;

/* The three steps, as AWS documents them.  `canonical` is a canonical request;
 * `ret_signature` 64 lower hexadecimal digits.  EM_ERR_FULL, EM_ERR_LIMIT. */
em_err em_sigv4_canonical(const em_sigv4_request *request, em_out *o);
void em_sigv4_string_to_sign(em_bytes canonical, const em_sigv4_scope *scope, em_out *o);
void em_sigv4_signature(em_bytes string_to_sign, const em_sigv4_scope *scope,
                        const em_credentials *credentials, uint8_t ret_signature[64]);

/* Writes the field lines that make the request a signed one, each with its CRLF:
 * X-Amz-Date, X-Amz-Security-Token (with a token), X-Amz-Content-Sha256 (sign_body),
 * Authorization. */
em_err em_sigv4_put_fields(em_out *o, const em_sigv4_request *request,
                           const em_sigv4_scope *scope,
                           const em_credentials *credentials);

/* Writes path and query of a request that is good for `expires_s` seconds. */
em_err em_sigv4_put_presigned(em_out *o, const em_sigv4_request *request,
                              const em_sigv4_scope *scope,
                              const em_credentials *credentials, uint64_t expires_s);

#endif
