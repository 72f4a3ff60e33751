#include "tools/fields.h"

em_err em_fields_load(em_bytes text, size_t max, json_type root, const char *file,
                      em_problem *problem, em_fields *ret_fields)
{
    json_error_t error;

    if (text.len > max)
        return em_problem_set(problem, EM_ERR_LIMIT, file,
                              "%zu bytes; at most %zu are read", text.len, max);
    json_t *at =
        json_loadb((const char *)text.at, text.len, JSON_REJECT_DUPLICATES, &error);
    /* tokenizers that know no longest text write a number of thirty digits: where one is
     * so long, whole numbers are read like others */
    if (at == NULL && json_error_code(&error) == json_error_numeric_overflow)
        at = json_loadb((const char *)text.at, text.len,
                        JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
    if (at == NULL)
        return em_problem_set(problem, EM_ERR_JSON_SYNTAX, file, "line %d: %s",
                              error.line, error.text);
    if (json_typeof(at) != root) {
        json_decref(at);
        return em_problem_set(problem, EM_ERR_JSON_TYPE, file, "not a JSON %s",
                              root == JSON_ARRAY ? "array" : "object");
    }
    *ret_fields = (em_fields){at, file, problem};
    return EM_OK;
}

void em_fields_drop(em_fields *fields)
{
    json_decref(fields->root);
    fields->root = NULL;
}

/* The member, or NULL where it is missing or null. */
static json_t *member(const json_t *object, const char *key)
{
    json_t *v = json_object_get(object, key);
    return json_is_null(v) ? NULL : v;
}

static em_err missing(const em_fields *f, const char *key)
{
    return em_problem_set(f->problem, EM_ERR_JSON_MEMBER, f->file, "%s is missing", key);
}

static em_err not_a(const em_fields *f, const char *key, const char *kind)
{
    return em_problem_set(f->problem, EM_ERR_JSON_TYPE, f->file, "%s is not %s", key,
                          kind);
}

em_err em_fields_uint(const em_fields *f, const json_t *object, const char *key,
                      uint32_t min, uint32_t max, uint32_t *ret_value)
{
    const json_t *v = member(object, key);

    if (v == NULL) return missing(f, key);
    if (!json_is_integer(v)) return not_a(f, key, "an integer");
    json_int_t n = json_integer_value(v);
    if (n < (json_int_t)min || n > (json_int_t)max)
        return em_problem_set(f->problem, EM_ERR_RANGE, f->file,
                              "%s is %lld; %u to %u are possible", key, (long long)n, min,
                              max);
    *ret_value = (uint32_t)n;
    return EM_OK;
}

em_err em_fields_uint_or(const em_fields *f, const json_t *object, const char *key,
                         uint32_t otherwise, uint32_t min, uint32_t max,
                         uint32_t *ret_value)
{
    if (member(object, key) != NULL)
        return em_fields_uint(f, object, key, min, max, ret_value);
    *ret_value = otherwise;
    return EM_OK;
}

em_err em_fields_bool_or(const em_fields *f, const json_t *object, const char *key,
                         bool otherwise, bool *ret_value)
{
    const json_t *v = member(object, key);

    if (v != NULL && !json_is_boolean(v)) return not_a(f, key, "true or false");
    *ret_value = v == NULL ? otherwise : json_is_true(v);
    return EM_OK;
}

em_err em_fields_text(const em_fields *f, const json_t *object, const char *key,
                      const char **ret_text)
{
    const json_t *v = member(object, key);

    if (v == NULL) return missing(f, key);
    if (!json_is_string(v)) return not_a(f, key, "a text");
    *ret_text = json_string_value(v);
    return EM_OK;
}

em_err em_fields_text_or(const em_fields *f, const json_t *object, const char *key,
                         const char *otherwise, const char **ret_text)
{
    if (member(object, key) != NULL) return em_fields_text(f, object, key, ret_text);
    *ret_text = otherwise;
    return EM_OK;
}

em_err em_fields_real(const em_fields *f, const json_t *object, const char *key,
                      double *ret_value)
{
    const json_t *v = member(object, key);

    if (v == NULL) return missing(f, key);
    if (!json_is_number(v)) return not_a(f, key, "a number");
    *ret_value = json_number_value(v);
    return EM_OK;
}

em_err em_fields_object(const em_fields *f, const json_t *object, const char *key,
                        json_t **ret_value)
{
    json_t *v = member(object, key);

    if (v == NULL) return missing(f, key);
    if (!json_is_object(v)) return not_a(f, key, "an object");
    *ret_value = v;
    return EM_OK;
}

em_err em_fields_array(const em_fields *f, const json_t *object, const char *key,
                       json_t **ret_value)
{
    json_t *v = member(object, key);

    if (v == NULL) return missing(f, key);
    if (!json_is_array(v)) return not_a(f, key, "an array");
    *ret_value = v;
    return EM_OK;
}
