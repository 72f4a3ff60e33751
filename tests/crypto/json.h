/* json.h - published vectors in JSON, for the tests of this folder.
 *
 * Trust:  test code only.
 * Memory: bytes live to the program's end; a document until it is let go.
 */
#ifndef EM_TESTS_CRYPTO_JSON_H
#define EM_TESTS_CRYPTO_JSON_H

#include "tests/support/test.h"

#include <jansson.h>

/* Is $SHARED/path there?  A skip line names it otherwise. */
static inline bool json_here(const char *path)
{
    bool here = test_shared(path) != NULL;

    if (!here) test_skip(path, "not beside this tree");
    return here;
}

static inline json_t *json_shared(const char *path)
{
    return json_load_file(test_shared(path), 0, NULL);
}

static inline const char *json_text(json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text != NULL ? text : "";
}

static inline em_bytes json_hex(json_t *object, const char *member)
{
    return test_hex(json_text(object, member));
}

static inline json_int_t json_int(json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

static inline bool json_is(json_t *object, const char *member, const char *text)
{
    return strcmp(json_text(object, member), text) == 0;
}

/* Wycheproof: calls `run` for every test of every group, and tells how many ran. */
static inline size_t json_wycheproof(const char *path,
                                     bool (*run)(json_t *group, json_t *test))
{
    json_t *doc = json_shared(path), *group, *test;
    size_t i, k, ran = 0;

    if (doc == NULL) return 0;
    json_array_foreach(json_object_get(doc, "testGroups"), i, group)
    {
        json_array_foreach(json_object_get(group, "tests"), k, test)
        {
            test_note("%s tcId %d (%s)", path, (int)json_int(test, "tcId"),
                      json_text(test, "comment"));
            if (run(group, test)) ran++;
        }
    }
    json_decref(doc);
    return ran;
}

#endif
