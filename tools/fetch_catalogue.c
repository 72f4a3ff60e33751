#include "tools/fetch_catalogue.h"

static const em_fetch_catalogue_file all_minilm_l6_v2[] = {
    {"config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
     612},
    {"tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
     466247},
    {"tokenizer_config.json",
     "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b", 350},
    {"vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
     231508},
    {"special_tokens_map.json",
     "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3", 112},
    {"modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
     349},
    {"1_Pooling/config.json",
     "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23", 190},
    {"sentence_bert_config.json",
     "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7", 53},
    {"config_sentence_transformers.json",
     "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3", 116},
    {"model.safetensors",
     "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90868376},
};

static const em_fetch_catalogue_file bge_small_en_v15[] = {
    {"config.json", "094f8e891b932f2000c92cfc663bac4c62069f5d8af5b5278c4306aef3084750",
     743},
    {"tokenizer.json", "d241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66",
     711396},
    {"tokenizer_config.json",
     "9261e7d79b44c8195c1cada2b453e55b00aeb81e907a6664974b4d7776172ab3", 366},
    {"vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
     231508},
    {"special_tokens_map.json",
     "b6d346be366a7d1d48332dbc9fdf3bf8960b5d879522b7799ddba59e76237ee3", 125},
    {"modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
     349},
    {"1_Pooling/config.json",
     "d1caf60c96f5fba2157c0c26b76d80818fad6cf0b8eb5e73ec372ff9818eba5c", 190},
    {"sentence_bert_config.json",
     "84e39fda68ccbff05bfa723ae9c0e70e23e2ec373b76e0f8c6e71af72a693cbf", 52},
    {"config_sentence_transformers.json",
     "940d5f50db195fa6e5e6a4f122c095f77880de259d74b14a65779ed48bdd7c56", 124},
    {"model.safetensors",
     "3c9f31665447c8911517620762200d2245a2518d6e7208acc78cd9db317e21ad", 133466304},
};

static const em_fetch_catalogue_model table[] = {
    {"all-minilm-l6-v2", "sentence-transformers/all-MiniLM-L6-v2",
     "c9745ed1d9f207416be6d2e6f8de32d1f16199bf", "Apache-2.0",
     "hashed here, from a published copy of this revision; public pin lists say the same",
     all_minilm_l6_v2, EM_COUNT(all_minilm_l6_v2)},
    {"bge-small-en-v1.5", "BAAI/bge-small-en-v1.5",
     "5c38ec7c405ec4b44b94cc5a9bb96e735b38267a", "MIT",
     "not held here: as several independent public pin lists of this revision say it",
     bge_small_en_v15, EM_COUNT(bge_small_en_v15)},
};

const em_fetch_catalogue_model *em_fetch_catalogue_at(size_t i)
{
    return i < EM_COUNT(table) ? &table[i] : NULL;
}

const em_fetch_catalogue_model *em_fetch_catalogue_find(const char *name)
{
    em_bytes want = em_view(name, strlen(name));

    for (size_t i = 0; i < EM_COUNT(table); i++)
        if (em_same(want, em_view(table[i].name, strlen(table[i].name))) ||
            em_same(want, em_view(table[i].repository, strlen(table[i].repository))))
            return &table[i];
    return NULL;
}

em_err em_fetch_catalogue_pins(const em_fetch_catalogue_model *model, em_pins *ret_pins)
{
    em_bytes repository = em_view(model->repository, strlen(model->repository));
    em_bytes revision = em_view(model->revision, strlen(model->revision));

    if (!em_pins_is_repository(repository) || !em_pins_is_revision(revision))
        return EM_ERR_INTERNAL;
    *ret_pins = (em_pins){0};
    memcpy(ret_pins->repository, repository.at, repository.len);
    memcpy(ret_pins->revision, revision.at, revision.len);
    for (size_t i = 0; i < model->n; i++) {
        const em_fetch_catalogue_file *f = &model->file[i];
        if (em_pins_add(ret_pins, em_view(f->name, strlen(f->name)),
                        em_view(f->sha256, strlen(f->sha256)), NULL) != EM_OK)
            return EM_ERR_INTERNAL;
        ret_pins->pin[i].len = f->len;
    }
    return EM_OK;
}
