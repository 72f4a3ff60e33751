#include "client/seen.h"

#include "os/file.h"

em_err em_seen_remember(const char *path, const em_policy *policy,
                        em_policy_seen *ret_seen)
{
    uint8_t old[EM_MAX_POLICY_STATE], new[EM_MAX_POLICY_STATE];
    em_out o = EM_OUT(new);
    em_policy_seen seen;
    size_t len = 0;

    em_err err = em_file_read(path, old, sizeof old, &len);
    if (err == EM_ERR_LIMIT) err = EM_ERR_POLICY_STATE;
    if (err != EM_OK && err != EM_ERR_NOT_FOUND) return err;
    EM_TRY(em_policy_state_advance(em_view(old, len), policy, &o, &seen));
    EM_TRY(em_write_end(&o));
    if (seen != EM_POLICY_SAME) EM_TRY(em_file_write(path, em_write_view(&o), 0600));
    *ret_seen = seen;
    return EM_OK;
}
