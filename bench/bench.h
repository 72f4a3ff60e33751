/* bench.h - how every bench here measures: medians of many runs, one line a figure,
 *     NAME  NUMBER  UNIT  NOTE
 * on standard output, for people and for bench/run.sh.
 *
 * Trust:  none.
 * Memory: the caller's.
 */
#ifndef EM_BENCH_BENCH_H
#define EM_BENCH_BENCH_H

#include "base/em.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double bench_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static inline int bench_by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static inline double bench_median(double *took, size_t n)
{
    qsort(took, n, sizeof took[0], bench_by_size);
    return took[n / 2];
}

static inline void bench_line(const char *name, double number, const char *unit,
                              const char *note)
{
    printf("%-34s %10.3f %-6s %s\n", name, number, unit, note);
    fflush(stdout);
}

static inline void bench_must(em_err err, const char *what)
{
    if (err == EM_OK) return;
    fprintf(stderr, "bench: %s: %s\n", what, em_err_name(err));
    exit(1);
}

#endif
