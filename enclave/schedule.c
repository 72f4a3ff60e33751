#include "enclave/schedule.h"

void em_schedule_init(em_schedule *s, const em_schedule_terms *terms,
                      const uint32_t *most, uint32_t n_models)
{
    *s = (em_schedule){.lanes = terms->lanes,
                       .least = terms->least,
                       .first = terms->first,
                       .most_sequences = terms->sequences,
                       .n_models = n_models};
    for (uint32_t i = 0; i < n_models; i++) s->model[i].most = most[i];
}

/* Lists --------------------------------------------------------------------------------
 */

static void put_last(em_schedule_list *list, em_schedule_job *job)
{
    job->in = list;
    job->before = list->last;
    job->after = NULL;
    if (list->last != NULL)
        list->last->after = job;
    else
        list->first = job;
    list->last = job;
}

static void take_out(em_schedule_job *job)
{
    em_schedule_list *list = job->in;

    if (list == NULL) return;
    if (job->before != NULL)
        job->before->after = job->after;
    else
        list->first = job->after;
    if (job->after != NULL)
        job->after->before = job->before;
    else
        list->last = job->before;
    job->in = NULL;
    job->before = job->after = NULL;
}

static uint32_t tokens_of(const em_schedule_job *job, uint32_t first, uint32_t n)
{
    return job->start[first + n] - job->start[first];
}

/* Coming and going ---------------------------------------------------------------------
 */

void em_schedule_add(em_schedule *s, em_schedule_job *job)
{
    em_schedule_model *m = &s->model[job->model];

    job->next = job->done = 0;
    job->number = 0;
    job->tag = m->tag;
    if (job->account->model == job->model && job->account->tag > job->tag)
        job->tag = job->account->tag;
    put_last(&m->fresh, job);
    m->waiting += tokens_of(job, 0, job->n);
    s->fresh++;
}

/* What is in no batch yet will not be. */
static void forget_rest(em_schedule *s, em_schedule_job *job)
{
    s->model[job->model].waiting -= tokens_of(job, job->next, job->n - job->next);
    if (job->next == 0) s->fresh--;
    take_out(job);
}

static void forget_part(em_schedule_batch *batch, const em_schedule_job *job)
{
    bool wanted = false, changed = false;

    for (uint32_t i = 0; i < batch->parts; i++) {
        if (batch->part[i].job == job) {
            batch->part[i].job = NULL;
            changed = true;
        }
        wanted |= batch->part[i].job != NULL;
    }
    if (changed && !wanted) atomic_store(&batch->cancel, true);
}

void em_schedule_drop(em_schedule *s, em_schedule_job *job)
{
    forget_rest(s, job);
    for (em_schedule_batch *b = s->running; b != NULL; b = b->next) forget_part(b, job);
}

em_schedule_job *em_schedule_late(em_schedule *s, uint64_t before_ms)
{
    for (uint32_t i = 0; i < s->n_models; i++)
        for (em_schedule_job *j = s->model[i].fresh.first; j != NULL; j = j->after)
            if (j->next == 0 && j->since_ms < before_ms) {
                forget_rest(s, j);
                return j;
            }
    return NULL;
}

/* Batches ------------------------------------------------------------------------------
 */

bool em_schedule_waits(const em_schedule *s)
{
    for (uint32_t i = 0; i < s->n_models; i++)
        if (s->model[i].waiting > 0) return true;
    return false;
}

static void take_one(em_schedule *s, em_schedule_job *job, em_schedule_batch *batch)
{
    em_schedule_part *last =
        batch->parts > 0 ? &batch->part[batch->parts - 1] : &batch->part[0];
    uint32_t tokens = tokens_of(job, job->next, 1);
    em_schedule_model *m = &s->model[job->model];

    if (batch->parts == 0 || last->job != job) {
        last = &batch->part[batch->parts++];
        *last = (em_schedule_part){
            .job = job, .first = job->next, .again = job->number == s->number};
        job->number = s->number;
    }
    last->n++;
    batch->sequences++;
    batch->tokens += tokens;
    if (job->next++ == 0) s->fresh--;
    if (job->tag > m->tag) m->tag = job->tag;
    job->tag += tokens;
    *job->account = (em_schedule_account){.model = job->model, .tag = job->tag};
    m->waiting -= tokens;
}

/* What its session will have been given after the next sequence. */
static uint64_t tag_after(const em_schedule_job *job)
{
    return job->tag + tokens_of(job, job->next, 1);
}

static em_schedule_job *lowest(const em_schedule_list *list)
{
    em_schedule_job *low = list->first;

    for (em_schedule_job *j = low; j != NULL; j = j->after)
        if (tag_after(j) < tag_after(low)) low = j;
    return low;
}

static bool has_room(const em_schedule *s, const em_schedule_batch *batch, uint32_t most,
                     uint32_t tokens)
{
    return batch->sequences == 0 ||
           (batch->tokens + tokens <= most && batch->sequences < s->most_sequences);
}

/* From the lowest tag on; false where the batch has no room for the next one. */
static bool fill(em_schedule *s, em_schedule_list *list, uint32_t most,
                 em_schedule_batch *batch)
{
    em_schedule_job *job;

    while ((job = lowest(list)) != NULL) {
        bool fresh = job->next == 0;
        uint32_t given = 0;
        do {
            uint32_t tokens = tokens_of(job, job->next, 1);
            if (!has_room(s, batch, most, tokens)) break;
            take_one(s, job, batch);
            given += tokens;
        } while (fresh && job->next < job->n && given < s->first);
        bool full = given == 0;
        if (job->next == job->n || (fresh && job->next > 0)) take_out(job);
        if (job->in == NULL && job->next < job->n)
            put_last(&s->model[job->model].old, job);
        if (full) return false;
    }
    return true;
}

bool em_schedule_next(em_schedule *s, em_schedule_batch *batch)
{
    em_schedule_model *m = NULL;

    for (uint32_t i = 1; i <= s->n_models && m == NULL; i++) {
        uint32_t k = (s->turn + i) % s->n_models;
        if (s->model[k].waiting == 0) continue;
        m = &s->model[k];
        s->turn = k;
    }
    if (m == NULL) return false;

    uint64_t share = (m->waiting + s->lanes - 1) / s->lanes;
    uint32_t most = m->most;
    if (share < most) most = share > s->least ? (uint32_t)share : s->least;
    if (most > m->most) most = m->most;
    s->number++;
    batch->model = s->turn;
    batch->sequences = batch->tokens = batch->parts = 0;
    atomic_store(&batch->cancel, false);
    bool alone = m->old.first == NULL;
    bool fresh = m->fresh.first != NULL && (alone || !m->fresh_before);
    bool room = !fresh || fill(s, &m->fresh, most, batch);
    if (room && (!fresh || alone)) room = fill(s, &m->old, most, batch);
    if (room && !fresh) (void)fill(s, &m->fresh, most, batch);
    m->fresh_before = fresh;
    batch->next = s->running;
    s->running = batch;
    return true;
}

void em_schedule_done(em_schedule *s, em_schedule_batch *batch)
{
    em_schedule_batch **at = &s->running;

    while (*at != batch) at = &(*at)->next;
    *at = batch->next;
    for (uint32_t i = 0; i < batch->parts; i++)
        if (batch->part[i].job != NULL) batch->part[i].job->done += batch->part[i].n;
}
