/* fetch_catalogue.h - models that `em model fetch` knows by name: where they are and the
 * SHA-256 of every file.
 *
 * Trust:  each entry says how its digests are known; a wrong one makes a fetch fail,
 * never pass.  A pin says which bytes, not that the model is good. Memory: static.
 */
#ifndef EM_TOOLS_FETCH_CATALOGUE_H
#define EM_TOOLS_FETCH_CATALOGUE_H

#include "tools/pins.h"

typedef struct em_fetch_catalogue_file {
    const char *name, *sha256;
    uint64_t len;
} em_fetch_catalogue_file;

typedef struct em_fetch_catalogue_model {
    const char *name, *repository, *revision;
    const char *licence; /* as the model card says, SPDX */
    const char *known;   /* how the digests are known */
    const em_fetch_catalogue_file *file;
    size_t n;
} em_fetch_catalogue_model;

/* The i-th entry, or NULL behind the last. */
const em_fetch_catalogue_model *em_fetch_catalogue_at(size_t i);

/* By its name or repository; NULL where there is none. */
const em_fetch_catalogue_model *em_fetch_catalogue_find(const char *name);

/* Its files as pins, with lengths.  An entry that breaks its form is EM_ERR_INTERNAL. */
em_err em_fetch_catalogue_pins(const em_fetch_catalogue_model *model, em_pins *ret_pins);

#endif
