/* covers: tools/hf_head.c
 *
 * What a model folder gives, and its prompts.  The first byte says which: 'c' config.json
 * of a classifier, 'l' one beside modules.json, 'p' config_sentence_transformers.json. */
#include "tools/hf_head.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_head(const em_hf_head *h, bool listed)
{
    if (h->labels > EM_MAX_LABELS || (listed && h->labels > 0)) abort();
    if (h->activation < EM_ACTIVATION_NONE || h->activation > EM_ACTIVATION_SOFTMAX)
        abort();
    if (h->labels == 0 && h->activation != EM_ACTIVATION_NONE) abort();
    for (uint32_t i = 0; i < h->labels; i++) {
        size_t len = strnlen(h->label[i], sizeof h->label[i]);
        if (len == 0 || len > EM_MAX_LABEL) abort();
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(h->label[i], h->label[k]) == 0) abort();
    }
}

static void check_prompts(const em_hf_prompts *p)
{
    if (p->n > EM_MAX_PROMPTS) abort();
    for (uint32_t i = 0; i < p->n; i++) {
        size_t len = strnlen(p->at[i].name, sizeof p->at[i].name);
        if (len == 0 || len > EM_MAX_PROMPT_NAME) abort();
        len = strnlen(p->at[i].text, sizeof p->at[i].text);
        if (len > EM_MAX_PROMPT || !em_is_utf8(em_view(p->at[i].text, len))) abort();
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(p->at[i].name, p->at[k].name) == 0) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static em_hf_head head;
    static em_hf_prompts prompts;
    const em_hf_choice choice = {0};
    em_problem problem;

    if (size < 2) return 0;
    const em_hf_config_file file = {em_view(data + 1, size - 1), "f"};
    bool listed = data[0] == 'l';
    if (data[0] == 'p') {
        if (em_hf_head_read_prompts(file, &problem, &prompts) == EM_OK)
            check_prompts(&prompts);
    } else if (em_hf_head_read(file, listed, !listed, &choice, &problem, &head) ==
               EM_OK) {
        check_head(&head, listed);
    }
    return 0;
}
