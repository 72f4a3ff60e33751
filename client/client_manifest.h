/* client_manifest.h - what the verified manifests of this session say of their models.
 *
 * Trust:  em_peer_verify took the manifests of E1 for facts; a body is found again by the
 *         hash that was verified then.
 * Memory: words live as long as the client; a body views the client's E1, and its tensors
 *         are scratch that the next call uses again.
 */
#ifndef EM_CLIENT_CLIENT_MANIFEST_H
#define EM_CLIENT_CLIENT_MANIFEST_H

#include "client/client.h"

/* EM_ERR_INTERNAL where the model is none of this session's. */
em_err em_client_manifest_read(em_client *client, const em_peer_model *model,
                               em_manifest_body *ret_body);

/* Labels and prompts as C texts. */
em_err em_client_manifest_words(em_client *client, const em_peer_model *model,
                                const em_client_words **ret_words);

#endif
