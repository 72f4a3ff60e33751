#include "client/client_scores.h"

int em_client_classify(em_client *client, const em_client_classify_request *request,
                       em_client_scores *ret_scores, em_client_error *ret_error)
{
    const em_client_rows_ask ask = {.op = EM_OP_CLASSIFY,
                                    .model = request->model,
                                    .text = request->text,
                                    .n = request->n,
                                    .refuse_truncation = request->refuse_truncation != 0,
                                    .evidence = request->evidence != 0};

    return em_client_scores_get(client, &ask, ret_scores, ret_error);
}
