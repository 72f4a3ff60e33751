#include "base/jobs.h"

static void run_here(em_jobs *self, em_job *job, void *arg, size_t n)
{
    (void)self;
    for (size_t i = 0; i < n; i++) job(arg, i, 0);
}

em_jobs em_jobs_inline(void)
{
    return (em_jobs){.run = run_here, .workers = 1};
}
