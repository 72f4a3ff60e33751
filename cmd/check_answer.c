#include "cmd/check_answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void em_check_answer_drop(em_check_answer *answer)
{
    json_decref(answer->facts);
    answer->facts = NULL;
}

void em_check_answer_set(em_check_answer *answer, em_verdict verdict, em_err code,
                         const char *detail, ...)
{
    va_list args;

    answer->verdict = verdict;
    int len = snprintf(answer->code, sizeof answer->code, "%s", em_err_name(code));
    answer->code_len = (size_t)len;
    va_start(args, detail);
    vsnprintf(answer->detail, sizeof answer->detail, detail, args);
    va_end(args);
}

void em_check_answer_accept(em_check_answer *answer, json_t *facts)
{
    if (facts == NULL) {
        em_check_answer_refuse(answer, EM_ERR_MEMORY, NULL);
        return;
    }
    em_check_answer_set(answer, EM_VERDICT_ACCEPT, EM_OK, "verified");
    answer->facts = facts;
}

static bool is_ours(em_err err)
{
    switch (err) {
    case EM_ERR_FULL:
    case EM_ERR_ARGUMENT:
    case EM_ERR_INTERNAL:
    case EM_ERR_MEMORY:
    case EM_ERR_CRYPTO:
    case EM_ERR_ENTROPY:
        return true;
    default:
        return false;
    }
}

void em_check_answer_refuse(em_check_answer *answer, em_err err, const char *about)
{
    em_verdict verdict = is_ours(err)                ? EM_VERDICT_ERROR
                         : err == EM_ERR_UNSUPPORTED ? EM_VERDICT_UNSUPPORTED
                                                     : EM_VERDICT_REJECT;

    em_check_answer_set(answer, verdict, is_ours(err) ? EM_ERR_INTERNAL : err, "%s%s%s",
                        about != NULL ? about : "", about != NULL ? ": " : "",
                        em_err_text(err));
    if (verdict == EM_VERDICT_ERROR) fprintf(stderr, "em check: %s\n", answer->detail);
}

void em_check_answer_file(em_check_answer *answer, em_err err, const char *detail)
{
    bool is_unread = err == EM_ERR_IO || err == EM_ERR_NOT_FOUND || err == EM_ERR_DENIED;

    if (is_unread)
        em_check_answer_set(answer, EM_VERDICT_ERROR, EM_ERR_IO, "%s", em_err_text(err));
    else
        em_check_answer_refuse(answer, err, NULL);
    if (detail != NULL && detail[0] != 0)
        snprintf(answer->detail, sizeof answer->detail, "%s", detail);
}

void em_check_answer_subject(em_check_answer *answer, em_bytes subject)
{
    size_t room = sizeof answer->code - answer->code_len - 1;
    size_t len = subject.len < room ? subject.len : room;

    /* what was cut may end within a character */
    while (len > 0 && !em_is_utf8(em_view(subject.at, len))) len--;
    answer->code[answer->code_len++] = ':';
    if (len > 0) memcpy(answer->code + answer->code_len, subject.at, len);
    answer->code_len += len;
}

/* ---- JSON out ---- */

/* `text` is UTF-8. */
static void put_text(em_bytes text)
{
    putchar('"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < ' ' || c == 127)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

/* Whatever it is: jansson's messages quote the request. */
static void put_ascii(const char *text)
{
    char clean[sizeof((em_check_answer *)0)->detail];
    size_t n = 0;

    for (; *text != 0; text++) clean[n++] = *text < ' ' || *text > '~' ? '?' : *text;
    put_text(em_view(clean, n));
}

static void put(json_t *value);

static void put_object(json_t *object)
{
    const char *name, *comma = "";
    json_t *value;

    putchar('{');
    json_object_foreach(object, name, value)
    {
        printf("%s", comma);
        put_text(em_view(name, strlen(name)));
        putchar(':');
        put(value);
        comma = ",";
    }
    putchar('}');
}

static void put_array(const json_t *array)
{
    putchar('[');
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (i > 0) putchar(',');
        put(json_array_get(array, i));
    }
    putchar(']');
}

static void put(json_t *value)
{
    if (json_is_object(value))
        put_object(value);
    else if (json_is_array(value))
        put_array(value);
    else if (json_is_string(value))
        put_text(em_view(json_string_value(value), json_string_length(value)));
    else if (json_is_integer(value))
        printf("%" PRIu64, (uint64_t)json_integer_value(value));
    else
        printf("%s", json_is_true(value)    ? "true"
                     : json_is_false(value) ? "false"
                                            : "null");
}

int em_check_answer_print(const em_check_answer *answer)
{
    static const struct {
        em_verdict verdict;
        const char *name;
    } names[] = {
        {EM_VERDICT_ACCEPT, "accept"},
        {EM_VERDICT_REJECT, "reject"},
        {EM_VERDICT_UNSUPPORTED, "unsupported"},
        {EM_VERDICT_MALFORMED, "malformed"},
        {EM_VERDICT_ERROR, "error"},
    };
    const char *name = "error";

    for (size_t i = 0; i < EM_COUNT(names); i++)
        if (names[i].verdict == answer->verdict) name = names[i].name;
    printf("{\"verdict\":\"%s\",\"code\":", name);
    put_text(em_view(answer->code, answer->code_len));
    printf(",\"detail\":");
    put_ascii(answer->detail);
    printf(",\"facts\":");
    if (answer->facts != NULL)
        put(answer->facts);
    else
        printf("{}");
    printf("}\n");
    if (fflush(stdout) != 0 || ferror(stdout)) return EM_VERDICT_ERROR;
    return (int)answer->verdict;
}
