/* client_scores.h - rows that are scores of labels.
 *
 * Trust:  as client_rows.h.
 * Memory: as client_rows.h.
 */
#ifndef EM_CLIENT_CLIENT_SCORES_H
#define EM_CLIENT_CLIENT_SCORES_H

#include "client/client_rows.h"

/* Ask, and name the columns. */
int em_client_scores_get(em_client *client, const em_client_rows_ask *ask,
                         em_client_scores *ret_scores, em_client_error *ret_error);

#endif
