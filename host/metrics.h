/* metrics.h - numbers about the work, in Prometheus' text format.
 *
 * Trust:  numbers only; nothing of a peer's is ever a label.
 * Memory: one em_metrics for the process; every cell is touched atomically.
 */
#ifndef EM_HOST_METRICS_H
#define EM_HOST_METRICS_H

#include "base/write.h"

typedef enum em_metric {
#define EM_METRIC(name, family, labels, type, help) EM_METRIC_##name,
#include "host/metrics.def"
#undef EM_METRIC
    EM_METRIC_COUNT_
} em_metric;

typedef struct em_metrics {
    uint64_t cell[EM_METRIC_COUNT_];
    uint64_t started_ms; /* wall clock */
} em_metrics;

void em_metrics_add(em_metrics *m, em_metric what, uint64_t by);
void em_metrics_lower(em_metrics *m, em_metric what); /* a gauge, by one */
void em_metrics_set(em_metrics *m, em_metric what, uint64_t value);
uint64_t em_metrics_get(em_metrics *m, em_metric what);

/* The whole page; fits EM_METRICS_PAGE. */
enum { EM_METRICS_PAGE = 16 << 10 };
void em_metrics_put(em_metrics *m, em_out *o);

#endif
