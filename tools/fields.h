/* fields.h - JSON files of model folders: loaded with limits, members read by type, every
 * complaint naming file and member.
 *
 * Trust:  the text is hostile.  Duplicate members, text that is not UTF-8 and anything
 *         behind the value refuse; nesting and size are limited.
 * Memory: an em_fields owns the parsed tree; what the readers give lives as long.
 */
#ifndef EM_TOOLS_FIELDS_H
#define EM_TOOLS_FIELDS_H

#include "tools/problem.h"

#include <jansson.h>

typedef struct em_fields {
    json_t *root;
    const char *file; /* its name in problems; the caller's */
    em_problem *problem;
} em_fields;

/* Parses a text of at most `max` bytes whose root is an object (or array, where asked).
 * Where one whole number is too long for 64 bits, all of the text's are reals.
 * EM_ERR_LIMIT, EM_ERR_JSON_SYNTAX, EM_ERR_JSON_TYPE. */
em_err em_fields_load(em_bytes text, size_t max, json_type root, const char *file,
                      em_problem *problem, em_fields *ret_fields);
void em_fields_drop(em_fields *fields);

/* Member `key` of `object`.  A missing or null member is EM_ERR_JSON_MEMBER, or for the
 * `_or` forms the default; another type is EM_ERR_JSON_TYPE; a number outside min .. max
 * EM_ERR_RANGE. */
em_err em_fields_uint(const em_fields *f, const json_t *object, const char *key,
                      uint32_t min, uint32_t max, uint32_t *ret_value);
em_err em_fields_uint_or(const em_fields *f, const json_t *object, const char *key,
                         uint32_t otherwise, uint32_t min, uint32_t max,
                         uint32_t *ret_value);
em_err em_fields_bool_or(const em_fields *f, const json_t *object, const char *key,
                         bool otherwise, bool *ret_value);
em_err em_fields_text(const em_fields *f, const json_t *object, const char *key,
                      const char **ret_text);
em_err em_fields_text_or(const em_fields *f, const json_t *object, const char *key,
                         const char *otherwise, const char **ret_text);
em_err em_fields_real(const em_fields *f, const json_t *object, const char *key,
                      double *ret_value);
em_err em_fields_object(const em_fields *f, const json_t *object, const char *key,
                        json_t **ret_value);
em_err em_fields_array(const em_fields *f, const json_t *object, const char *key,
                       json_t **ret_value);

#endif
