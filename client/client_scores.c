#include "client/client_scores.h"

int em_client_scores_get(em_client *client, const em_client_rows_ask *ask,
                         em_client_scores *ret_scores, em_client_error *ret_error)
{
    const em_client_words *words;
    em_client_vectors rows;
    em_err err = em_client_rows_get(client, ask, &rows, &words);

    if (err == EM_OK)
        *ret_scores = (em_client_scores){.n = rows.n,
                                         .labels = rows.dim,
                                         .score = rows.vector,
                                         .label = words->label,
                                         .activation = words->activation,
                                         .answer = rows};
    return em_client_tell(client, err, ret_error);
}
