/* wordpiece_build.h - makes the tokenizer section that engine/wordpiece.h describes, out
 * of a vocabulary.  For the publisher's tool and for tests; an enclave only opens
 * sections.
 *
 * Trust:  the strings may come out of a hostile tokenizer.json; everything is checked.
 * Memory: section and scratch are the caller's; nothing is allocated or kept.
 */
#ifndef EM_ENGINE_WORDPIECE_BUILD_H
#define EM_ENGINE_WORDPIECE_BUILD_H

#include "engine/wordpiece.h"

/* One entry of the vocabulary ("model.vocab" of tokenizer.json): any order, ids may leave
 * gaps.  Text: up to EM_MAX_TOKEN_BYTES bytes of UTF-8, each text once; an empty one
 * stands for nothing. */
typedef struct em_wordpiece_build_word {
    em_bytes text;
    uint32_t id;
} em_wordpiece_build_word;

/* One added token: its text as tokenizer.json has it ("content") and em_wordpiece_added
 * flags.  Those with NORMALIZED are put through the normaliser here; each normal form
 * once, and not empty. */
typedef struct em_wordpiece_build_added {
    em_bytes text;
    uint32_t id;
    uint32_t flags;
} em_wordpiece_build_added;

typedef struct em_wordpiece_build_input {
    const em_wordpiece_build_word *words;
    size_t words_n; /* at most EM_MAX_VOCAB */
    const em_wordpiece_build_added *added;
    size_t added_n;      /* at most EM_MAX_ADDED_TOKENS */
    uint32_t options;    /* em_wordpiece_option; strip_accents null means as lowercase */
    em_bytes prefix;     /* continuing_subword_prefix: "##" */
    uint32_t word_chars; /* max_input_chars_per_word: 100 */
    uint32_t unk, cls, sep, pad, mask; /* pad, mask: EM_WORDPIECE_NONE where absent */
} em_wordpiece_build_input;

/* How much room em_wordpiece_build needs at most: what the section is long is known only
 * afterwards, and far less (memory of the kernel's that is never touched costs nothing).
 * EM_ERR_LIMIT when a number or length is over its limit. */
em_err em_wordpiece_build_plan(const em_wordpiece_build_input *input,
                               size_t *ret_section_cap, size_t *ret_scratch_len);

/* Writes the section to `section` (aligned to 64 bytes, with room for section_cap bytes
 * as planned) and gives its length, a multiple of 64; scratch is aligned to 64 bytes.
 * The same input gives the same bytes.  Errors: as of the plan; EM_ERR_MODEL_MALFORMED
 * when an added token is empty, a text is not UTF-8 or stands there twice, or an id is
 * EM_MAX_VOCAB or more; the section's bytes are then worthless. */
em_err em_wordpiece_build(const em_wordpiece_build_input *input, void *scratch,
                          size_t scratch_len, void *section, size_t section_cap,
                          size_t *ret_section_len);

#endif
