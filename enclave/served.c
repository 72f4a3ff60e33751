#include "enclave/served.h"

void em_served_drop(em_served *s)
{
    em_map_drop(&s->image);
    em_map_drop(&s->tensors);
    em_map_drop(&s->head);
    *s = (em_served){0};
}

em_err em_served_bind(em_served *s, const em_bundle_image *image, em_plan_limits limits)
{
    const em_model *model = &image->manifest->body.model;
    em_bytes section;

    if (model->tokenizer_offset > image->bytes.len ||
        model->tokenizer_len > image->bytes.len - model->tokenizer_offset)
        return EM_ERR_MODEL_MALFORMED;
    section =
        em_view(image->bytes.at + model->tokenizer_offset, (size_t)model->tokenizer_len);
    /* one sequence of the longest length must always fit */
    if (limits.tokens < model->shape.max_tokens) limits.tokens = model->shape.max_tokens;
    EM_TRY(em_bert_bind(model, image->bytes, &s->bert));
    EM_TRY(em_wordpiece_open(section, &s->words));
    if (s->words.id_limit > model->shape.vocab) return EM_ERR_MODEL_MALFORMED;
    return em_plan_bert(&model->shape, limits, &s->plan);
}
