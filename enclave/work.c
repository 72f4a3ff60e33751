#include "enclave/work.h"

enum { FIRST_PAGES = 16 << 10 };

void em_work_drop(em_work *w)
{
    const em_work keep = {.budget = w->budget, .account = w->account, .small = w->small};

    em_map_drop(&w->body.map);
    em_map_drop(&w->inputs.map);
    em_map_drop(&w->tokens.map);
    em_map_drop(&w->result.map);
    if (w->budget != NULL) w->budget->left += w->charged;
    if (w->small_len > 0) em_wipe(w->small, w->small_len);
    em_wipe(w, sizeof *w);
    w->budget = keep.budget;
    w->account = keep.account;
    w->small = keep.small;
}

size_t em_work_memory(const em_work *w)
{
    return w->small_len + (size_t)w->charged;
}

/* Bytes of the session's own, or pages out of the budget. */
static em_err take(em_work *w, size_t len, em_work_pages *ret_pages)
{
    size_t room = EM_WORK_SMALL - w->small_len, whole = (len + 63) / 64 * 64;
    em_work_pages p = {.len = len};

    if (w->small != NULL && len <= room && whole <= room) {
        p.at = w->small + w->small_len;
        w->small_len += whole;
    } else {
        if (len > w->budget->left) return EM_ERR_BUSY;
        EM_TRY(em_map_anonymous(len, 0, &p.map));
        p.at = p.map.at;
        w->budget->left -= len;
        w->charged += len;
    }
    *ret_pages = p;
    return EM_OK;
}

static void give_back(em_work *w, em_work_pages *pages)
{
    if (pages->map.at != NULL) {
        w->budget->left += pages->len;
        w->charged -= pages->len;
        em_map_drop(&pages->map);
    }
    *pages = (em_work_pages){0};
}

em_err em_work_append(em_work *w, em_bytes part)
{
    size_t len, cap = w->body.len > 0 ? w->body.len : FIRST_PAGES;

    EM_TRY(em_add(w->body_len, part.len, &len));
    if (len > EM_MAX_REQUEST) return EM_ERR_LIMIT;
    if (len > w->body.len) {
        em_work_pages bigger;
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
    w->job = (em_schedule_job){
        .model = index, .n = w->task.n, .start = w->task.start, .account = w->account};
    return EM_OK;
}

uint64_t em_work_ms(const em_work *w)
{
    return w->run_ns / 1000000;
}
