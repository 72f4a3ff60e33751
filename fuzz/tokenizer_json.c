/* covers: tools/tokenizer_json.c tools/tokenizer_vocab.c
 *
 * tokenizer.json ('j' first) and vocab.txt ('v', the tokenizer_config.json behind the
 * first NUL): whatever is taken builds a section that opens, encodes any text and stays
 * below its id limit; or it is refused. */
#include "tools/tokenizer_json.h"
#include "tools/tokenizer_vocab.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(em_bytes section)
{
    static const char text[] =
        "Hot dogs [SEP] caf\xC3\xA9, \xE4\xB8\x80 x\xCC\x81 [CLS]!";
    uint32_t ids[sizeof text + 2];
    size_t n, all;
    em_wordpiece w;

    if (em_wordpiece_open(section, &w) != EM_OK) abort();
    if (em_wordpiece_encode(&w, em_view(text, sizeof text - 1), EM_COUNT(ids), ids, &n,
                            &all) != EM_OK)
        abort();
    for (size_t i = 0; i < n; i++)
        if (ids[i] >= w.id_limit) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    EM_DROP(em_tokenizer_json) t = {0};
    EM_DROP(em_map) pages = {0};
    em_problem problem;
    size_t len;
    em_err err;

    if (size == 0) return 0;
    em_bytes in = em_view(data + 1, size - 1), config = {0};
    const uint8_t *nul = in.len > 0 ? memchr(in.at, 0, in.len) : NULL;
    if (data[0] == 'v' && nul != NULL) {
        config = em_view(nul + 1, (size_t)(in.at + in.len - nul) - 1);
        in.len = (size_t)(nul - in.at);
    }
    if (data[0] == 'v')
        err = em_tokenizer_vocab_read(in, config, "v", "c", &problem, &t);
    else
        err = em_tokenizer_json_read(in, "j", &problem, &t);
    if (err != EM_OK) return 0;
    if (em_tokenizer_json_build(&t, "b", &problem, &pages, &len) == EM_OK)
        encode(em_view(pages.at, len));
    return 0;
}
