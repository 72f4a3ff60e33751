#include "enclave/runner.h"

#include "os/clock.h"

enum {
    READ_TURN = 16 << 10,   /* bytes of text that one request reads at a time */
    READ_BYTES = 128 << 10, /* that are read before a batch is computed again */
    LEAST = 64,             /* tokens below which a batch is not split among lanes */
};

/* All statics are called with the lock held; read_some and compute let go of it while
 * they work. */

static void finish(em_runner *r, em_work *w, em_err outcome)
{
    w->outcome = outcome;
    /* what was computed, or about to be */
    w->task.n_tokens = w->began ? w->task.start[w->job.next] : 0;
    atomic_store(&w->over, true);
    if (r->terms.finished != NULL) r->terms.finished(r->terms.arg);
}

/* Wake the lane that should look first: the first one, which may use all workers, or
 * another where that one is at work alone. */
static void call(em_runner *r)
{
    if (r->wide) return;
    for (size_t i = 0; i < r->n_lanes; i++) {
        if (!r->lane[i].idle) continue;
        r->lane[i].idle = false;
        em_thread_wake_one(&r->lane[i].work);
        return;
    }
}

static bool waits(const em_runner *r)
{
    return r->reading != NULL || em_schedule_waits(&r->schedule);
}

/* Reading ------------------------------------------------------------------------------
 */

static void put_reading(em_runner *r, em_work *w)
{
    w->next = NULL;
    *r->reading_end = w;
    r->reading_end = &w->next;
}

static em_work *take_reading(em_runner *r)
{
    em_work *w = r->reading;

    if (w == NULL) return NULL;
    r->reading = w->next;
    if (w->next == NULL) r->reading_end = &r->reading;
    return w;
}

static bool is_late(const em_runner *r, const em_work *w)
{
    return w->job.since_ms + r->terms.wait_ms < em_clock_monotonic_ms();
}

/* Some texts of one request become ids; without the lock. */
static size_t read_some(em_runner *r, em_work *w)
{
    uint64_t from_ns = em_clock_monotonic_ns();
    size_t read = READ_TURN;
    bool done = false;

    w->held = true;
    em_thread_unlock(&r->lock);
    em_err err = em_task_read(&w->task, READ_TURN, &read, &done);
    em_thread_lock(&r->lock);
    w->held = false;
    w->run_ns += em_clock_monotonic_ns() - from_ns;
    if (err == EM_OK && atomic_load(&w->cancel)) err = EM_ERR_CANCELLED;
    if (err == EM_OK && is_late(r, w)) err = EM_ERR_BUSY;
    if (err == EM_OK && !done) {
        put_reading(r, w);
        return read;
    }
    r->n_reading--;
    if (err == EM_OK)
        em_schedule_add(&r->schedule, &w->job);
    else
        finish(r, w, err);
    return read;
}

/* Short requests become ready at once, long ones piece by piece between batches. */
static void read_texts(em_runner *r)
{
    size_t read = 0;
    em_work *w;

    while (read < READ_BYTES && (w = take_reading(r)) != NULL) read += read_some(r, w);
}

/* Computing ----------------------------------------------------------------------------
 */

static void refuse_late(em_runner *r)
{
    uint64_t now_ms = em_clock_monotonic_ms();
    em_schedule_job *job;

    if (now_ms <= r->terms.wait_ms) return;
    while ((job = em_schedule_late(&r->schedule, now_ms - r->terms.wait_ms)) != NULL)
        finish(r, em_work_of(job), EM_ERR_BUSY);
}

static void give_out(em_runner *r, em_batch *b, em_err err, uint64_t took_ns)
{
    em_schedule_done(&r->schedule, &b->of);
    /* from the last on: once a work is over nothing of it may be touched, and its first
     * part comes last */
    for (uint32_t i = b->of.parts; i-- > 0;) {
        em_schedule_job *job = b->of.part[i].job;
        if (job == NULL || b->of.part[i].again) continue;
        em_work *w = em_work_of(job);
        w->run_ns += took_ns;
        if (err != EM_OK) {
            em_schedule_drop(&r->schedule, job);
            finish(r, w, err);
        } else if (job->done == job->n) {
            finish(r, w, EM_OK);
        }
    }
}

/* Computes one batch; without the lock while it runs. */
static bool compute(em_runner_lane *lane)
{
    em_runner *r = lane->runner;
    em_batch *b = &lane->batch;

    refuse_late(r);
    if (!em_schedule_next(&r->schedule, &b->of)) return false;
    for (uint32_t i = 0; i < b->of.parts; i++)
        em_work_of(b->of.part[i].job)->began = true;
    em_batch_gather(b);
    bool wide = b->wide && r->busy == 1 && (r->n_lanes == 1 || !waits(r));
    r->wide |= wide;
    if (waits(r)) call(r);
    const em_served *served = &r->terms.served[b->of.model];
    lane->since_ns = em_clock_monotonic_ns();
    lane->computing = true;
    em_thread_unlock(&r->lock);
    em_err err =
        em_batch_run(b, served, r->terms.kernels, wide ? r->terms.jobs : &r->alone);
    em_thread_lock(&r->lock);
    lane->computing = false;
    if (wide) r->wide = false;
    if (err == EM_OK) em_batch_scatter(b, served);
    give_out(r, b, err, em_clock_monotonic_ns() - lane->since_ns);
    em_thread_unlock(&r->lock);
    em_batch_wipe(b, served);
    em_thread_lock(&r->lock);
    return true;
}

static bool step(em_runner_lane *lane)
{
    em_runner *r = lane->runner;
    bool read = r->reading != NULL;

    r->busy++;
    read_texts(r);
    bool computed = compute(lane);
    r->busy--;
    return read || computed;
}

bool em_runner_step(em_runner *r)
{
    EM_DROP(em_thread_held) held = em_thread_hold(&r->lock);

    return step(&r->lane[0]);
}

/* The others leave a lone batch to the first lane. */
static bool may_work(const em_runner_lane *lane)
{
    const em_runner *r = lane->runner;

    if (r->wide || !waits(r)) return false;
    return lane == &r->lane[0] || r->busy > 0;
}

static void run_lane(void *arg)
{
    em_runner_lane *lane = arg;
    em_runner *r = lane->runner;
    EM_DROP(em_thread_held) held = em_thread_hold(&r->lock);

    while (!r->closed) {
        if (may_work(lane)) {
            (void)step(lane);
            continue;
        }
        lane->idle = true;
        (void)em_thread_wait(&lane->work, &r->lock, EM_NEVER); /* never times out */
        lane->idle = false;
    }
}

/* From outside -------------------------------------------------------------------------
 */

em_err em_runner_open(em_runner *r, const em_runner_terms *terms)
{
    uint32_t most[EM_MAX_MODELS], longest = 1;

    memset(r, 0, sizeof *r);
    r->terms = *terms;
    r->alone = em_jobs_inline();
    r->reading_end = &r->reading;
    for (size_t i = 0; i < terms->n_served; i++) {
        most[i] = terms->served[i].plan.limits.tokens;
        if (terms->tokens != 0 && terms->tokens < most[i])
            most[i] = (uint32_t)terms->tokens;
        if (terms->served[i].bert.shape.max_tokens > longest)
            longest = terms->served[i].bert.shape.max_tokens;
    }
    size_t lanes = terms->lanes != 0 ? terms->lanes : terms->jobs->workers;
    const em_schedule_terms how = {.lanes = (uint32_t)lanes,
                                   .least = LEAST,
                                   .first = longest,
                                   .sequences = EM_SCHEDULE_SEQUENCES};
    em_schedule_init(&r->schedule, &how, most, (uint32_t)terms->n_served);
    EM_TRY(em_map_anonymous(lanes * sizeof(em_runner_lane), 0, &r->pages));
    r->lane = (em_runner_lane *)(void *)r->pages.at;
    for (; r->n_lanes < lanes; r->n_lanes++) {
        em_runner_lane *lane = &r->lane[r->n_lanes];
        lane->runner = r;
        EM_TRY(
            em_batch_open(terms->served, terms->n_served, r->n_lanes == 0, &lane->batch));
    }
    return EM_OK;
}

em_err em_runner_start(em_runner *r)
{
    for (size_t i = 0; i < r->n_lanes; i++)
        EM_TRY(em_thread_start_on(i, run_lane, &r->lane[i], "lane", &r->lane[i].thread));
    return EM_OK;
}

void em_runner_drop(em_runner *r)
{
    em_thread_lock(&r->lock);
    r->closed = true;
    for (size_t i = 0; i < r->n_lanes; i++) em_thread_wake_all(&r->lane[i].work);
    em_thread_unlock(&r->lock);
    for (size_t i = 0; i < r->n_lanes; i++) {
        em_thread_drop(&r->lane[i].thread);
        em_batch_drop(&r->lane[i].batch);
    }
    em_map_drop(&r->pages);
    r->n_lanes = 0;
}

em_err em_runner_submit(em_runner *r, em_work *w)
{
    EM_DROP(em_thread_held) held = em_thread_hold(&r->lock);

    if (r->closed || r->n_reading + r->schedule.fresh >= r->terms.queue)
        return EM_ERR_BUSY;
    w->job.since_ms = em_clock_monotonic_ms();
    r->n_reading++;
    put_reading(r, w);
    call(r);
    return EM_OK;
}

/* Out of the row of those to be read. */
static bool forget_reading(em_runner *r, const em_work *w)
{
    for (em_work **at = &r->reading; *at != NULL; at = &(*at)->next) {
        if (*at != w) continue;
        *at = w->next;
        if (w->next == NULL) r->reading_end = at;
        r->n_reading--;
        return true;
    }
    return false;
}

void em_runner_cancel(em_runner *r, em_work *w)
{
    EM_DROP(em_thread_held) held = em_thread_hold(&r->lock);

    atomic_store(&w->cancel, true);
    if (atomic_load(&w->over) || w->held) return;
    if (!forget_reading(r, w)) {
        uint64_t now_ns = em_clock_monotonic_ns();
        for (size_t i = 0; i < r->n_lanes; i++) {
            const em_runner_lane *lane = &r->lane[i];
            bool in = false;
            for (uint32_t k = 0; lane->computing && k < lane->batch.of.parts; k++)
                in |= lane->batch.of.part[k].job == &w->job;
            if (in) w->run_ns += now_ns - lane->since_ns;
        }
        em_schedule_drop(&r->schedule, &w->job);
    }
    finish(r, w, EM_ERR_CANCELLED);
}
