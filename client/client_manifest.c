#include "client/client_manifest.h"

em_err em_client_manifest_read(em_client *client, const em_peer_model *model,
                               em_manifest_body *ret_body)
{
    em_tensor *tensors = (em_tensor *)(void *)client->tensors.at;
    uint8_t hash[EM_MANIFEST_HASH_LEN];
    em_hello_e1 e1;

    EM_TRY(em_hello_parse_e1(em_map_view(&client->e1), &e1));
    for (size_t i = 0; i < e1.n_manifests; i++) {
        EM_TRY(em_manifest_hash(e1.manifest[i], hash));
        if (em_same(EM_BYTES(hash), EM_BYTES(model->hash)))
            return em_manifest_parse(e1.manifest[i], tensors, ret_body);
    }
    return EM_ERR_INTERNAL;
}

static const char *activation_name(em_activation activation)
{
    switch (activation) {
    case EM_ACTIVATION_SIGMOID:
        return "sigmoid";
    case EM_ACTIVATION_SOFTMAX:
        return "softmax";
    case EM_ACTIVATION_NONE:
        break;
    }
    return "none";
}

static void put_words(const em_manifest_body *body, em_client_words *w)
{
    w->n_labels = body->model.shape.labels;
    w->n_prompts = body->n_prompts;
    w->activation = activation_name(body->model.shape.activation);
    for (size_t i = 0; i < w->n_labels; i++) {
        em_client_put_text(w->label_text[i], sizeof w->label_text[i], body->label[i]);
        w->label[i] = w->label_text[i];
    }
    for (size_t i = 0; i < w->n_prompts; i++) {
        const em_prompt *p = &body->prompt[i];
        em_client_put_text(w->prompt_name[i], sizeof w->prompt_name[i], p->name);
        em_client_put_text(w->prompt_text[i], sizeof w->prompt_text[i], p->text);
        w->prompt[i] = (em_client_prompt){w->prompt_name[i], w->prompt_text[i]};
    }
}

em_err em_client_manifest_words(em_client *client, const em_peer_model *model,
                                const em_client_words **ret_words)
{
    em_manifest_body body;

    if (client->words.at == NULL)
        EM_TRY(
            em_map_anonymous(EM_MAX_MODELS * sizeof(em_client_words), 0, &client->words));
    em_client_words *w = (em_client_words *)(void *)client->words.at;
    w += model - client->peer.model;
    if (w->activation == NULL) {
        EM_TRY(em_client_manifest_read(client, model, &body));
        put_words(&body, w);
    }
    *ret_words = w;
    return EM_OK;
}
