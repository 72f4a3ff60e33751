#include "tools/pack.h"

#include "os/jobs.h"
#include "tools/calibrate.h"
#include "tools/calibration_texts.h"
#include "tools/hf_tensors.h"
#include "tools/pack_impl.h"

#include <stdlib.h>

_Static_assert(sizeof(((em_bert_want *)0)->name) == sizeof(((em_pack *)0)->name[0]),
               "a pack keeps whole names");

/* The next multiple of EM_IMAGE_ALIGN. */
static uint64_t aligned(uint64_t at)
{
    return (at + EM_IMAGE_ALIGN - 1) / EM_IMAGE_ALIGN * EM_IMAGE_ALIGN;
}

/* Gives every tensor its place behind the tokenizer; the length of the image. */
static em_err place_tensors(em_pack *p, em_problem *problem, uint64_t *ret_len)
{
    uint32_t n = em_bert_tensors_count(&p->model.shape);
    uint64_t at = p->model.tokenizer_len;
    em_bert_want want;

    if (n > EM_MAX_TENSORS) return em_problem_err(problem, EM_ERR_LIMIT, p->hf.folder);
    for (uint32_t i = 0; i < n; i++) {
        EM_TRY(em_bert_tensors_wanted(&p->model.shape, i, &want));
        memcpy(p->name[i], want.name, sizeof p->name[i]);
        p->tensor[i] = (em_tensor){.name = em_view(p->name[i], strlen(p->name[i])),
                                   .layout = want.layout,
                                   .rows = want.rows,
                                   .cols = want.cols,
                                   .offset = aligned(at),
                                   .len = want.len};
        at = p->tensor[i].offset + want.len;
    }
    p->model.n = n;
    p->model.tensor = p->tensor;
    if (at > EM_MAX_BUNDLE) return em_problem_err(problem, EM_ERR_LIMIT, p->hf.folder);
    *ret_len = at;
    return EM_OK;
}

/* What the folder has as it is wanted. */
static em_err fill(em_pack *p, const em_pack_progress *progress, em_problem *problem)
{
    em_bert_want want;

    for (uint32_t i = 0; i < p->model.n; i++) {
        const em_tensor *t = &p->tensor[i];
        EM_TRY(em_bert_tensors_wanted(&p->model.shape, i, &want));
        if (!em_hf_tensors_derived(&want))
            EM_TRY(em_hf_tensors_write(&p->hf, &want, problem, p->image.at + t->offset));
        pack_tell(progress, "pack", t->offset + t->len, p->image.len);
    }
    return EM_OK;
}

/* What an int8 model has beyond that. */
static em_err quantize(em_pack *p, const em_pack_options *o, em_problem *problem)
{
    EM_DROP(em_jobs_pool) pool = {0};
    const char *const *own;
    em_bytes *texts = NULL;
    size_t n = o->n_texts;

    EM_TRY(em_jobs_create(o->workers > 0 ? o->workers : 1, &pool));
    if (o->texts == NULL) {
        own = em_calibration_texts_all(&n);
        texts = calloc(n, sizeof *texts);
        if (texts == NULL) return em_problem_err(problem, EM_ERR_MEMORY, p->hf.folder);
        for (size_t i = 0; i < n; i++) texts[i] = em_view(own[i], strlen(own[i]));
    }
    em_err err =
        em_calibrate_fill(&p->hf, &p->model, &p->image, texts != NULL ? texts : o->texts,
                          n, em_jobs_of(&pool), &o->progress, problem);
    free(texts);
    return err;
}

static em_err make(em_pack *p, const char *folder, const em_pack_options *o,
                   em_problem *problem)
{
    EM_DROP(em_map) section = {0};
    size_t section_len = 0;
    uint64_t len = 0;

    EM_TRY(em_hf_open_as(folder, &o->choice, problem, &p->hf));
    EM_TRY(em_tokenizer_json_build(&p->hf.tokenizer, folder, problem, &section,
                                   &section_len));
    p->model.shape = p->hf.shape;
    if (o->precision != 0) p->model.shape.precision = o->precision;
    p->model.tokenizer_len = section_len;
    EM_TRY(place_tensors(p, problem, &len));
    em_err err = em_map_anonymous((size_t)len, EM_MAP_HUGE, &p->image);
    if (err != EM_OK) return em_problem_err(problem, err, folder);
    memcpy(p->image.at, section.at, section_len);
    EM_TRY(fill(p, &o->progress, problem));
    return o->precision == EM_PRECISION_INT8 ? quantize(p, o, problem) : EM_OK;
}

em_err em_pack_precision(em_bytes name, em_precision *ret_precision)
{
    static const char *const names[] = {[EM_PRECISION_F32] = "f32",
                                        [EM_PRECISION_BF16] = "bf16",
                                        [EM_PRECISION_INT8] = "int8"};

    for (uint32_t i = EM_PRECISION_F32; i < EM_COUNT(names); i++) {
        if (!em_same(name, em_view(names[i], strlen(names[i])))) continue;
        *ret_precision = (em_precision)i;
        return EM_OK;
    }
    return EM_ERR_UNSUPPORTED;
}

em_err em_pack_folder(const char *folder, const em_pack_options *options,
                      em_problem *problem, em_pack **ret_pack)
{
    const em_pack_options plain = {0};
    em_pack *p = calloc(1, sizeof *p);

    if (p == NULL) return em_problem_err(problem, EM_ERR_MEMORY, folder);
    em_err err = make(p, folder, options != NULL ? options : &plain, problem);
    if (err != EM_OK) {
        em_pack_free(p);
        return err;
    }
    *ret_pack = p;
    return EM_OK;
}

void em_pack_free(em_pack *pack)
{
    if (pack == NULL) return;
    em_hf_drop(&pack->hf);
    em_map_drop(&pack->image);
    free(pack);
}

const em_model *em_pack_model(const em_pack *pack)
{
    return &pack->model;
}

em_bytes em_pack_image(const em_pack *pack)
{
    return em_map_view(&pack->image);
}

em_bytes em_pack_tokenizer(const em_pack *pack)
{
    return em_view(pack->image.at, (size_t)pack->model.tokenizer_len);
}
