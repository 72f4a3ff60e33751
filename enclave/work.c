#include "enclave/work.h"

enum { FIRST_PAGES = 16 << 10 };

void em_work_drop(em_work *w)
{
    em_work_budget *budget = w->budget;

    em_map_drop(&w->body);
    em_map_drop(&w->inputs);
    em_map_drop(&w->tokens);
    em_map_drop(&w->result);
    if (budget != NULL) budget->left += w->charged;
    em_wipe(w, sizeof *w);
    w->budget = budget;
}

size_t em_work_memory(const em_work *w)
{
    return w->body.len + w->inputs.len + w->tokens.len + w->result.len;
}

/* Pages out of the budget. */
static em_err take(em_work *w, size_t len, em_map *ret_map)
{
    if (len > w->budget->left) return EM_ERR_BUSY;
    EM_TRY(em_map_anonymous(len, 0, ret_map));
    w->budget->left -= len;
    w->charged += len;
    return EM_OK;
}

static void give_back(em_work *w, em_map *map)
{
    w->budget->left += map->len;
    w->charged -= map->len;
    em_map_drop(map);
}

em_err em_work_append(em_work *w, em_bytes part)
{
    size_t len, cap = w->body.len > 0 ? w->body.len : FIRST_PAGES;

    EM_TRY(em_add(w->body_len, part.len, &len));
    if (len > EM_MAX_REQUEST) return EM_ERR_LIMIT;
    if (len > w->body.len) {
        em_map bigger = {0};
        while (cap < len) cap *= 2;
        EM_TRY(take(w, cap, &bigger));
        if (w->body_len > 0) memcpy(bigger.at, w->body.at, w->body_len);
        give_back(w, &w->body);
        w->body = bigger;
    }
    if (part.len > 0) memcpy(w->body.at + w->body_len, part.at, part.len);
    w->body_len = len;
    return EM_OK;
}

em_err em_work_parse(em_work *w)
{
    EM_TRY(take(w, EM_MAX_INPUTS * sizeof(em_bytes), &w->inputs));
    return em_message_parse_request(em_view(w->body.at, w->body_len),
                                    (em_bytes *)(void *)w->inputs.at, &w->request);
}

em_err em_work_reserve(em_work *w, const em_served *served, unsigned index)
{
    size_t ids, rows;

    w->served = served;
    EM_TRY(em_task_begin(&served->bert, &served->words, &w->request, &w->task));
    EM_TRY(em_task_need(&w->task, &ids, &rows));
    EM_TRY(take(w, rows, &w->result));
    EM_TRY(take(w, ids, &w->tokens));
    em_task_lay(&w->task, w->tokens.at, w->result.at);
    w->job = (em_schedule_job){.model = index, .n = w->task.n, .start = w->task.start};
    return EM_OK;
}

uint64_t em_work_ms(const em_work *w)
{
    return w->run_ns / 1000000;
}
