#include "os/harden.h"
#include "os/filter_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

em_err em_harden_process(void)
{
    struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_CORE, &none) != 0) return EM_ERR_DENIED;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return EM_ERR_DENIED;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return EM_ERR_DENIED;
    return EM_OK;
}

em_err em_harden_environment(void)
{
    return clearenv() == 0 ? EM_OK : EM_ERR_INTERNAL;
}

em_err em_harden_lock_memory(void)
{
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY}, now;

    (void)setrlimit(RLIMIT_MEMLOCK, &all);
    /* locking the future under a finite limit would make later mappings fail */
    if (getrlimit(RLIMIT_MEMLOCK, &now) != 0 || now.rlim_cur != RLIM_INFINITY)
        return EM_ERR_DENIED;
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) return EM_OK;
    return errno == ENOMEM ? EM_ERR_MEMORY : EM_ERR_DENIED;
}

em_err em_harden_descriptors(uint64_t n, uint64_t *ret_n)
{
    struct rlimit now;

    if (getrlimit(RLIMIT_NOFILE, &now) != 0) return EM_ERR_INTERNAL;
    if (now.rlim_cur < n) {
        now.rlim_cur = now.rlim_max < n ? now.rlim_max : n;
        if (setrlimit(RLIMIT_NOFILE, &now) != 0) return EM_ERR_DENIED;
    }
    *ret_n = now.rlim_cur;
    return EM_OK;
}

em_err em_harden_filter(unsigned groups)
{
    size_t n = 0;
    const em_filter_rule *rules = em_calls(&n);

    return em_filter_install(rules, n, groups);
}
