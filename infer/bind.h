/* bind.h - a whole image becomes what computes: the encoder and its tokenizer.
 *
 * Trust:  the image is a fact, its publisher's numbers are not believed: engine and
 *         tokenizer check every one.
 * Memory: nothing is allocated; both results view the image, which must outlive them.
 */
#ifndef EM_INFER_BIND_H
#define EM_INFER_BIND_H

#include "bundle/bundle_open.h"
#include "engine/bert.h"
#include "engine/wordpiece.h"

/* EM_ERR_UNSUPPORTED for a numeric profile that this build does not compute;
 * EM_ERR_MODEL_MALFORMED, EM_ERR_MODEL_SHAPE, EM_ERR_LIMIT. */
em_err em_bind_image(const em_bundle_image *image, em_bert *ret_bert,
                     em_wordpiece *ret_words);

#endif
