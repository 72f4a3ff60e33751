#include "enclave/loader.h"

#include "aws/http.h"
#include "enclave/release.h"
#include "os/thread.h"

enum { WAIT_MS = 60 * 1000 };

/* One ranged read of the store's object.  `to` gets exactly `len` bytes. */
static em_err get_range(em_http *http, const em_config_text *object, uint64_t from,
                        size_t len, uint8_t *to)
{
    uint8_t target[EM_CONFIG_OBJECT + 2], fields[80];
    em_out t = EM_OUT(target), f = EM_OUT(fields);
    uint64_t deadline_ms = em_clock_deadline(WAIT_MS);
    em_bytes body;

    em_write_u8(&t, '/');
    em_write_bytes(&t, em_view(object->at, object->len));
    em_write_bytes(&f, EM_STR("Range: bytes="));
    em_write_decimal(&f, from);
    em_write_u8(&f, '-');
    em_write_decimal(&f, from + len - 1);
    em_write_bytes(&f, EM_STR("\r\n"));
    EM_TRY(em_write_end(&t));
    EM_TRY(em_write_end(&f));
    const em_http_request request = {.method = EM_STR("GET"),
                                     .target = em_write_view(&t),
                                     .host = EM_STR("store"),
                                     .fields = em_write_view(&f)};
    EM_TRY(em_http_send(http, &request, deadline_ms));
    if (http->head.status == 404) return EM_ERR_NOT_FOUND;
    if (http->head.status == 416) return EM_ERR_BUNDLE_COUNT; /* the object ends before */
    if (http->head.status != 206) return EM_ERR_HTTP_STATUS;
    EM_TRY(em_http_read_all(http, to, len, deadline_ms, &body));
    return body.len == len ? EM_OK : EM_ERR_BUNDLE_COUNT;
}

/* Head, manifest, and whether the configuration wants just this one. */
static em_err take_head(const em_loader *loader, size_t i, em_served *s,
                        em_bytes *ret_wrapped)
{
    static em_http http; /* boot only; too big for a stack */
    const em_config_model *wanted = &loader->config->model[i];
    em_publisher publishers[EM_MAX_MODELS * EM_CONFIG_KEYS];
    em_bundle_head head;
    em_tensor *tensors;

    EM_TRY(em_map_anonymous(EM_BUNDLE_HEAD_LEN, 0, &s->head));
    EM_TRY(em_map_anonymous(EM_MAX_TENSORS * sizeof(em_tensor), 0, &s->tensors));
    tensors = (em_tensor *)(void *)s->tensors.at;
    em_err err = em_http_open(&loader->config->store, em_clock_deadline(WAIT_MS), &http);
    if (err == EM_OK)
        err = get_range(&http, &wanted->object, 0, EM_BUNDLE_HEAD_LEN, s->head.at);
    em_http_drop(&http);
    EM_TRY(err);
    EM_TRY(em_bundle_head_parse(em_map_view(&s->head), &head));
    size_t n = em_config_publishers(loader->config, publishers);
    EM_TRY(em_manifest_verify(head.manifest, publishers, n, em_time_now_ms(loader->time),
                              tensors, &s->manifest));
    if (!em_same(s->manifest.body.id, em_view(wanted->id.at, wanted->id.len)) ||
        !em_same(s->manifest.body.kms_key,
                 em_view(wanted->kms_key.at, wanted->kms_key.len)))
        return EM_ERR_MANIFEST_UNKNOWN;
    s->signed_manifest = head.manifest;
    *ret_wrapped = head.wrapped_key;
    return EM_OK;
}

/* Chunks are fetched and opened by a few threads, each with a connection of its own. */
typedef struct fetch {
    const em_loader *loader;
    const em_config_text *object;
    const em_manifest_body *body;
    em_bundle_open *open;
    atomic_uint next;
    atomic_int err;
} fetch;

static em_err fetch_chunks(fetch *f, em_http *http, uint8_t *sealed)
{
    EM_TRY(em_http_open(&f->loader->config->store, em_clock_deadline(WAIT_MS), http));
    for (;;) {
        uint32_t i = atomic_fetch_add(&f->next, 1);
        em_bundle_span span;
        if (i >= f->body->n_chunks || atomic_load(&f->err) != EM_OK) return EM_OK;
        EM_TRY(em_bundle_head_span(f->body, i, &span));
        if (http->is_over) { /* the store may end a connection between two answers */
            em_http_drop(http);
            EM_TRY(em_http_open(&f->loader->config->store, em_clock_deadline(WAIT_MS),
                                http));
        }
        EM_TRY(get_range(http, f->object, span.file_at, span.sealed_len, sealed));
        EM_TRY(em_bundle_open_chunk(f->open, i, em_view(sealed, span.sealed_len)));
    }
}

static void run_fetch(void *arg)
{
    fetch *f = arg;
    em_map http = {0}, sealed = {0};
    size_t len = (size_t)f->body->chunk_len + EM_AEAD_TAG_LEN;

    em_err err = em_map_anonymous(sizeof(em_http), 0, &http);
    if (err == EM_OK) err = em_map_anonymous(len, 0, &sealed);
    if (err == EM_OK) err = fetch_chunks(f, (em_http *)(void *)http.at, sealed.at);
    if (http.at != NULL) em_http_drop((em_http *)(void *)http.at);
    em_map_drop(&http);
    em_map_drop(&sealed);
    int none = EM_OK;
    if (err != EM_OK) atomic_compare_exchange_strong(&f->err, &none, err);
}

static em_err fetch_all(const em_loader *loader, size_t i, em_served *s,
                        em_bundle_open *open)
{
    em_thread thread[EM_LOADER_THREADS - 1] = {0};
    fetch f = {.loader = loader,
               .object = &loader->config->model[i].object,
               .body = &s->manifest.body,
               .open = open};
    em_err err = EM_OK;

    for (size_t t = 0; t < EM_COUNT(thread) && err == EM_OK; t++)
        err = em_thread_start(run_fetch, &f, "fetch", &thread[t]);
    if (err != EM_OK) atomic_store(&f.err, err);
    run_fetch(&f);
    for (size_t t = 0; t < EM_COUNT(thread); t++) em_thread_drop(&thread[t]);
    return (em_err)atomic_load(&f.err);
}

static em_err load(const em_loader *loader, size_t i, em_served *s, bool *ret_key)
{
    EM_DROP(em_content_key) key = {0};
    EM_DROP(em_bundle_open) open = {0};
    EM_DROP(em_map) slots = {0};
    em_bundle_image image;
    em_bytes wrapped;
    size_t n;

    EM_TRY(take_head(loader, i, s, &wrapped));
    n = s->manifest.body.n_chunks;
    EM_TRY(em_map_anonymous((size_t)s->manifest.body.image_len, EM_MAP_HUGE, &s->image));
    EM_TRY(em_map_anonymous(n * sizeof(em_bundle_slot), 0, &slots));
    *ret_key = true;
    EM_TRY(em_release_key(loader->config, loader->attestor, loader->time, &s->manifest,
                          wrapped, &key));
    *ret_key = false;
    EM_TRY(em_bundle_open_init(&s->manifest, &key, s->image.at, s->image.len,
                               (em_bundle_slot *)(void *)slots.at, n, &open));
    EM_TRY(fetch_all(loader, i, s, &open));
    EM_TRY(em_bundle_open_finish(&open, &image));
    return em_served_bind(s, &image, loader->limits);
}

em_err em_loader_load(const em_loader *loader, size_t i, em_served *ret_served,
                      bool *ret_key)
{
    em_served *s = ret_served;
    em_err err;

    *ret_key = false;
    *s = (em_served){
        0}; /* filled in place: the manifest is viewed by what is bound to it */
    err = load(loader, i, s, ret_key);
    if (err != EM_OK) em_served_drop(s);
    return err;
}
