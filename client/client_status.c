#include "client/client.h"

static em_err status(em_client *c, em_client_status *ret_status)
{
    em_status_body s;
    em_bytes body;

    EM_TRY(em_client_ask(c, EM_OP_STATUS, &body));
    EM_TRY(em_answer_parse_status(body, &s));
    em_client_status out = {.models = s.models,
                            .uptime_ms = s.uptime_ms,
                            .age_ms = s.age_ms,
                            .left_ms = s.left_ms,
                            .messages = s.messages,
                            .bytes_in = s.bytes_in,
                            .bytes_out = s.bytes_out,
                            .tokens = s.tokens};
    em_client_put_text(out.mode, sizeof out.mode, s.mode);
    em_client_put_text(out.software, sizeof out.software, s.software);
    em_client_put_text(out.deployment, sizeof out.deployment, s.deployment);
    em_client_put_text(out.configuration, sizeof out.configuration, s.configuration);
    *ret_status = out;
    return EM_OK;
}

int em_client_status_of(em_client *client, em_client_status *ret_status,
                        em_client_error *ret_error)
{
    return em_client_tell(client, status(client, ret_status), ret_error);
}
