/* pack_impl.h - what an em_pack is inside.
 *
 * Trust:  as pack.h.
 * Memory: points into itself; lives on the heap.
 */
#ifndef EM_TOOLS_PACK_IMPL_H
#define EM_TOOLS_PACK_IMPL_H

#include "tools/hf.h"
#include "tools/pack.h"

struct em_pack {
    em_hf hf;
    em_map image;
    em_model model;
    em_tensor tensor[EM_MAX_TENSORS];
    char name[EM_MAX_TENSORS][32]; /* em_bert_want.name */
};

static inline void pack_tell(const em_pack_progress *p, const char *step, uint64_t done,
                             uint64_t all)
{
    if (p != NULL && p->tell != NULL) p->tell(p->arg, step, done, all);
}

#endif
