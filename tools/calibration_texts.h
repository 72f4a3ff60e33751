/* calibration_texts.h - the texts by which a model is quantised when the publisher names
 * none of his own: words, questions, sentences, reviews, messages, code, numbers, a dozen
 * scripts, and some pages; written for this purpose, and nobody's data.
 *
 * Trust:  constants.
 * Memory: static.
 */
#ifndef EM_TOOLS_CALIBRATION_TEXTS_H
#define EM_TOOLS_CALIBRATION_TEXTS_H

#include "base/em.h"

/* All of them, NUL-terminated UTF-8; the first is empty. */
const char *const *em_calibration_texts_all(size_t *ret_n);

#endif
