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
    const em_model_shape *shape = &image->manifest->body.model.shape;

    EM_TRY(em_bind_image(image, &s->bert, &s->words));
    /* one sequence of the longest length must always fit */
    if (limits.tokens < shape->max_tokens) limits.tokens = shape->max_tokens;
    if (limits.sequences > limits.tokens) limits.sequences = limits.tokens;
    EM_TRY(em_plan_bert(shape, limits, &s->plan));
    limits.workers = 1;
    return em_plan_bert(shape, limits, &s->alone);
}
