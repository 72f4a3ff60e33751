#include "host/metrics.h"
#include "os/clock.h"

static const struct {
    const char *family, *labels, *type, *help;
} rows[] = {
#define EM_METRIC(name, family, labels, type, help) {family, labels, type, help},
#include "host/metrics.def"
#undef EM_METRIC
};

void em_metrics_add(em_metrics *m, em_metric what, uint64_t by)
{
    (void)__atomic_add_fetch(&m->cell[what], by, __ATOMIC_RELAXED);
}

void em_metrics_lower(em_metrics *m, em_metric what)
{
    (void)__atomic_sub_fetch(&m->cell[what], 1, __ATOMIC_RELAXED);
}

void em_metrics_set(em_metrics *m, em_metric what, uint64_t value)
{
    __atomic_store_n(&m->cell[what], value, __ATOMIC_RELAXED);
}

uint64_t em_metrics_get(em_metrics *m, em_metric what)
{
    return __atomic_load_n(&m->cell[what], __ATOMIC_RELAXED);
}

static void put(em_out *o, const char *text)
{
    em_write_bytes(o, em_view(text, strlen(text)));
}

static void put_head(em_out *o, const char *family, const char *type, const char *help)
{
    put(o, "# HELP ");
    put(o, family);
    put(o, " ");
    put(o, help);
    put(o, "\n# TYPE ");
    put(o, family);
    put(o, " ");
    put(o, type);
    put(o, "\n");
}

void em_metrics_put(em_metrics *m, em_out *o)
{
    for (size_t i = 0; i < EM_METRIC_COUNT_; i++) {
        if (i == 0 || strcmp(rows[i].family, rows[i - 1].family) != 0)
            put_head(o, rows[i].family, rows[i].type, rows[i].help);
        put(o, rows[i].family);
        if (rows[i].labels[0] != 0) {
            put(o, "{");
            put(o, rows[i].labels);
            put(o, "}");
        }
        put(o, " ");
        em_write_decimal(o, em_metrics_get(m, (em_metric)i));
        put(o, "\n");
    }
    put_head(o, "em_host_start_time_seconds", "gauge", "When this process started");
    put(o, "em_host_start_time_seconds ");
    em_write_decimal(o, m->started_ms / 1000);
    put(o, "\n");
    put_head(o, "em_host_build_info", "gauge", "The version, always 1");
    put(o, "em_host_build_info{version=\"" EM_VERSION "\"} 1\n");
}
