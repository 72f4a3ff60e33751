#include "infer/bind.h"

em_err em_bind_image(const em_bundle_image *image, em_bert *ret_bert,
                     em_wordpiece *ret_words)
{
    const em_manifest_body *body = &image->manifest->body;
    const em_model *model = &body->model;
    em_bytes bytes = image->bytes;

    /* companions name the profile: what it names is what we compute, to the bit */
    if (!em_same(body->profile, em_bert_profile(model->shape.precision)))
        return EM_ERR_UNSUPPORTED;
    if (model->tokenizer_offset > bytes.len ||
        model->tokenizer_len > bytes.len - model->tokenizer_offset)
        return EM_ERR_MODEL_MALFORMED;
    em_bytes section =
        em_view(bytes.at + model->tokenizer_offset, (size_t)model->tokenizer_len);
    EM_TRY(em_bert_bind(model, bytes, ret_bert));
    EM_TRY(em_wordpiece_open(section, ret_words));
    return ret_words->id_limit > model->shape.vocab ? EM_ERR_MODEL_MALFORMED : EM_OK;
}
