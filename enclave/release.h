/* release.h - a model's content key, from KMS to this enclave and nobody else:
 * PROTOCOL 5.
 *
 * Trust:  KMS is who the measured roots say; host and network are not believed.  What
 * comes out has met the manifest's commitment. Memory: the RSA key of one request lives
 * in its call; everything is wiped.
 */
#ifndef EM_ENCLAVE_RELEASE_H
#define EM_ENCLAVE_RELEASE_H

#include "enclave/identity.h"

/* Ask KMS for the key that `wrapped` holds, under the manifest's encryption context.  A
 * fresh RSA key and a document of purpose "kms" for every try; at most
 * EM_KEY_RELEASE_TRIES of them may fail in the life of the process, all models together,
 * and only where the line broke or the server was in trouble is another one made.
 * EM_ERR_KEY_RELEASE for everything cryptographic, one for all; EM_ERR_AWS_REFUSED where
 * KMS said no; EM_ERR_CREDENTIALS, EM_ERR_TLS_ROOT, EM_ERR_CONNECT and the like. */
em_err em_release_key(const em_config *config, em_attestor *attestor, const em_time *time,
                      const em_manifest *manifest, em_bytes wrapped,
                      em_content_key *ret_key);

#endif
