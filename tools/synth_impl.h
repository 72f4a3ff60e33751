/* synth_impl.h - what the parts of synth share.
 *
 * Trust:  none needed.
 * Memory: the caller's.
 */
#ifndef EM_TOOLS_SYNTH_IMPL_H
#define EM_TOOLS_SYNTH_IMPL_H

#include "base/limits.h"
#include "tools/synth.h"

/* A folder that is being made. */
typedef struct em_synth_maker {
    const em_synth *options;
    uint32_t layers, hidden, heads, intermediate, positions, max_tokens, vocab;
    const char *folder;
    em_problem *problem;
} em_synth_maker;

/* Writes one file of the folder (synth.c). */
em_err em_synth_put(const em_synth_maker *m, const char *name, em_bytes bytes);

/* Writes the safetensors and, for shards, their index (synth_weights.c). */
em_err em_synth_weights_write(const em_synth_maker *m);

#endif
