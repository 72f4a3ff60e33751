#include "tools/pins.h"

#include "wire/text.h"

enum { MAX_WORD = 96, MAX_DEPTH = 4, HEX = 2 * EM_SHA256_LEN };

static bool is_plain(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-';
}

/* A word that means nothing to a file system or a command line. */
static bool is_word(em_bytes text)
{
    if (text.len == 0 || text.len > MAX_WORD) return false;
    if (text.at[0] == '.' || text.at[0] == '-') return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_plain(text.at[i])) return false;
    return true;
}

/* How many words stand between slashes; 0 where one of them is none. */
static size_t count_words(em_bytes text)
{
    size_t n = 0;

    for (;;) {
        const uint8_t *slash = text.len > 0 ? memchr(text.at, '/', text.len) : NULL;
        size_t len = slash != NULL ? (size_t)(slash - text.at) : text.len;
        if (!is_word(em_view(text.at, len))) return 0;
        n++;
        if (slash == NULL) return n;
        text = em_view(slash + 1, text.len - len - 1);
    }
}

static bool ends_in(em_bytes text, em_bytes end)
{
    return text.len >= end.len &&
           em_same(em_view(text.at + text.len - end.len, end.len), end);
}

bool em_pins_is_repository(em_bytes text)
{
    return text.len < EM_PINS_REPOSITORY && count_words(text) == 2;
}

bool em_pins_is_revision(em_bytes text)
{
    uint8_t bytes[20];
    size_t len;

    return em_text_from_hex(text, bytes, sizeof bytes, &len) == EM_OK &&
           len == sizeof bytes;
}

bool em_pins_is_file(em_bytes text)
{
    if (text.len >= EM_PINS_NAME) return false;
    size_t n = count_words(text);
    return n >= 1 && n <= MAX_DEPTH && !ends_in(text, EM_STR(".part")) &&
           !ends_in(text, EM_STR(".etag"));
}

em_err em_pins_add(em_pins *pins, em_bytes name, em_bytes hex, em_problem *problem)
{
    uint8_t sha256[EM_SHA256_LEN];
    size_t len;

    if (!em_pins_is_file(name))
        return em_problem_set(problem, EM_ERR_FORMAT, NULL,
                              "'%.*s' is no name of a file inside a model folder",
                              (int)(name.len < 80 ? name.len : 80),
                              (const char *)name.at);
    if (em_text_from_hex(hex, sha256, sizeof sha256, &len) != EM_OK ||
        len != sizeof sha256)
        return em_problem_set(problem, EM_ERR_FORMAT, NULL,
                              "%.*s: its SHA-256 is not 64 lower-case hexadecimal digits",
                              (int)name.len, (const char *)name.at);
    for (size_t i = 0; i < pins->n; i++)
        if (em_same(name, em_view(pins->pin[i].name, strlen(pins->pin[i].name))))
            return em_problem_set(problem, EM_ERR_EXISTS, NULL, "%s is pinned twice",
                                  pins->pin[i].name);
    if (pins->n == EM_MAX_SOURCES)
        return em_problem_set(problem, EM_ERR_LIMIT, NULL, "more than %d files",
                              EM_MAX_SOURCES);
    em_pin *pin = &pins->pin[pins->n++];
    *pin = (em_pin){0};
    memcpy(pin->name, name.at, name.len);
    memcpy(pin->sha256, sha256, sizeof sha256);
    return EM_OK;
}

/* What follows `word` in a comment. */
static bool says(em_bytes line, em_bytes word, em_bytes *ret_value)
{
    if (line.len <= word.len || !em_same(em_view(line.at, word.len), word)) return false;
    *ret_value = em_view(line.at + word.len, line.len - word.len);
    return true;
}

/* Takes a value that may be said once, or again in the same words. */
static em_err take(em_bytes value, bool good, char *to)
{
    if (!good) return EM_ERR_FORMAT;
    if (to[0] != 0 && !em_same(value, em_view(to, strlen(to)))) return EM_ERR_EXISTS;
    memcpy(to, value.at, value.len);
    to[value.len] = 0;
    return EM_OK;
}

static em_err read_comment(em_bytes line, em_pins *pins, em_problem *problem)
{
    em_err err = EM_OK;
    em_bytes value;

    if (says(line, EM_STR("# repository "), &value))
        err = take(value, em_pins_is_repository(value), pins->repository);
    else if (says(line, EM_STR("# revision "), &value))
        err = take(value, em_pins_is_revision(value), pins->revision);
    if (err == EM_ERR_EXISTS)
        return em_problem_set(problem, err, NULL,
                              "'%.*s' contradicts what was said before", (int)line.len,
                              (const char *)line.at);
    if (err != EM_OK)
        return em_problem_set(problem, err, NULL,
                              "not '# repository OWNER/NAME' or '# revision COMMIT'");
    return EM_OK;
}

static em_err read_line(em_bytes line, em_pins *pins, em_problem *problem)
{
    if (line.len > 0 && line.at[line.len - 1] == '\r') line.len--;
    if (line.len == 0) return EM_OK;
    if (line.at[0] == '#') return read_comment(line, pins, problem);
    /* sha256sum's form: digest, space, space or '*', name */
    if (line.len < HEX + 3 || line.at[HEX] != ' ' ||
        (line.at[HEX + 1] != ' ' && line.at[HEX + 1] != '*'))
        return em_problem_set(problem, EM_ERR_FORMAT, NULL,
                              "not 'SHA256  FILE' as sha256sum writes it");
    return em_pins_add(pins, em_view(line.at + HEX + 2, line.len - HEX - 2),
                       em_view(line.at, HEX), problem);
}

em_err em_pins_read(em_bytes text, const char *file, em_problem *problem, em_pins *pins)
{
    em_problem inner = {0};
    size_t number = 0;

    if (text.len > EM_PINS_MAX_FILE)
        return em_problem_set(problem, EM_ERR_LIMIT, file,
                              "%zu bytes; at most %d are read", text.len,
                              EM_PINS_MAX_FILE);
    for (size_t at = 0; at < text.len;) {
        const uint8_t *end = memchr(text.at + at, '\n', text.len - at);
        size_t len = end != NULL ? (size_t)(end - text.at) - at : text.len - at;
        em_err err = read_line(em_view(text.at + at, len), pins, &inner);
        number++;
        if (err != EM_OK)
            return em_problem_set(problem, err, file, "line %zu: %s", number, inner.text);
        at += len + 1;
    }
    return EM_OK;
}

static void put_text(em_out *o, const char *text)
{
    em_write_bytes(o, em_view(text, strlen(text)));
}

void em_pins_put(em_out *o, const em_pins *pins)
{
    if (pins->repository[0] != 0) {
        put_text(o, "# repository ");
        put_text(o, pins->repository);
        put_text(o, "\n");
    }
    if (pins->revision[0] != 0) {
        put_text(o, "# revision ");
        put_text(o, pins->revision);
        put_text(o, "\n");
    }
    for (size_t i = 0; i < pins->n; i++) {
        em_write_hex(o, EM_BYTES(pins->pin[i].sha256));
        put_text(o, "  ");
        put_text(o, pins->pin[i].name);
        put_text(o, "\n");
    }
}
