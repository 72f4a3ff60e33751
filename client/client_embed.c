#include "client/client_rows.h"

int em_client_embed(em_client *client, const em_client_embed_request *request,
                    em_client_vectors *ret_vectors, em_client_error *ret_error)
{
    const em_client_rows_ask ask = {.op = EM_OP_EMBED,
                                    .model = request->model,
                                    .text = request->text,
                                    .n = request->n,
                                    .prompt = request->prompt,
                                    .refuse_truncation = request->refuse_truncation != 0,
                                    .evidence = request->evidence != 0};
    em_err err = em_client_rows_get(client, &ask, ret_vectors, NULL);

    return em_client_tell(client, err, ret_error);
}
