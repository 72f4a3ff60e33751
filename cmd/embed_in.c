#include "cmd/embed_in.h"

#include "os/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t byte_order_mark[] = {0xEF, 0xBB, 0xBF};

void em_embed_in_words(em_embed_in *in, const char *const *word, size_t n)
{
    *in = (em_embed_in){.word = word, .n = n, .fd = -1};
}

void em_embed_in_files(em_embed_in *in, const char *const *file, size_t n,
                       const char *field)
{
    *in = (em_embed_in){.file = file, .n = n, .field = field, .fd = -1};
    /* how much there is to read, for those who watch */
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        int bad =
            strcmp(file[i], "-") == 0 ? fstat(STDIN_FILENO, &st) : stat(file[i], &st);
        if (bad != 0 || !S_ISREG(st.st_mode)) {
            in->bytes_all = 0;
            return;
        }
        in->bytes_all += (uint64_t)st.st_size;
    }
}

static void close_file(em_embed_in *in)
{
    if (in->fd > STDIN_FILENO) close(in->fd);
    in->fd = -1;
    in->opened = in->ended = false;
}

void em_embed_in_drop(em_embed_in *in)
{
    close_file(in);
    free(in->buffer);
    json_decref(in->json);
    *in = (em_embed_in){.fd = -1};
}

/* A line's text
 * --------------------------------------------------------------------------
 */

static em_err check_text(em_bytes text, em_problem *problem)
{
    if (text.len > EM_MAX_TEXT)
        return em_problem_set(problem, EM_ERR_LIMIT, NULL,
                              "a text of %zu bytes; one may have %d", text.len,
                              EM_MAX_TEXT);
    if (!em_is_utf8(text))
        return em_problem_set(problem, EM_ERR_FORMAT, NULL, "the text is not UTF-8");
    if (text.len > 0 && memchr(text.at, 0, text.len) != NULL)
        return em_problem_set(problem, EM_ERR_FORMAT, NULL, "the text contains NUL");
    return EM_OK;
}

static bool is_blank(em_bytes line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.at[i] != ' ' && line.at[i] != '\t' && line.at[i] != '\r') return false;
    return true;
}

/* The text, and the id, of a parsed line. */
static em_err take_json(json_t *json, const char *field, em_problem *problem,
                        em_embed_in_text *ret)
{
    json_t *text = json, *id = NULL;

    if (json_is_object(json)) {
        text = json_object_get(json, field);
        id = json_object_get(json, "id");
        if (json_is_null(id)) id = NULL;
        if (text == NULL)
            return em_problem_set(problem, EM_ERR_JSON_MEMBER, NULL,
                                  "the object has no member \"%s\"", field);
        if (id != NULL && !json_is_string(id) && !json_is_integer(id))
            return em_problem_set(problem, EM_ERR_JSON_TYPE, NULL,
                                  "\"id\" is neither a text nor an integer");
    }
    if (!json_is_string(text))
        return em_problem_set(problem, EM_ERR_JSON_TYPE, NULL,
                              json_is_object(json) ? "\"%s\" is not a text"
                                                   : "neither a text nor an object",
                              field);
    ret->text = em_view(json_string_value(text), json_string_length(text));
    ret->id = id;
    return EM_OK;
}

em_err em_embed_in_line(em_bytes line, const char *field, em_problem *problem,
                        json_t **ret_json, em_embed_in_text *ret_text, bool *ret_any)
{
    em_embed_in_text got = {.text = line};
    json_t *json = NULL;
    json_error_t error;
    em_err err = EM_OK;

    if (field != NULL) {
        if (is_blank(line)) {
            *ret_any = false;
            return EM_OK;
        }
        json =
            json_loadb((const char *)line.at, line.len,
                       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        if (json == NULL)
            return em_problem_set(problem, EM_ERR_JSON_SYNTAX, NULL, "%s", error.text);
        err = take_json(json, field, problem, &got);
    }
    if (err == EM_OK) err = check_text(got.text, problem);
    if (err != EM_OK) {
        json_decref(json);
        return err;
    }
    *ret_json = json;
    *ret_text = got;
    *ret_any = true;
    return EM_OK;
}

/* Lines out of files
 * ---------------------------------------------------------------------
 */

static const char *name_of(const em_embed_in *in)
{
    return strcmp(in->file[in->at], "-") == 0 ? "standard input" : in->file[in->at];
}

static em_err fail_io(const em_embed_in *in, em_problem *problem)
{
    em_err err = errno == ENOENT   ? EM_ERR_NOT_FOUND
                 : errno == EACCES ? EM_ERR_DENIED
                                   : EM_ERR_IO;
    return em_problem_set(problem, err, name_of(in), "%s", strerror(errno));
}

static em_err open_file(em_embed_in *in, em_problem *problem)
{
    const char *path = in->file[in->at];

    in->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0) return fail_io(in, problem);
    in->opened = true;
    in->ended = false;
    in->line = 0;
    in->first = in->len = 0;
    return EM_OK;
}

/* More room behind what is unread; grows up to a line's limit. */
static em_err make_room(em_embed_in *in, em_problem *problem)
{
    size_t most =
        (in->field != NULL ? EM_EMBED_IN_MAX_LINE : EM_MAX_TEXT + 2) + EM_EMBED_IN_BLOCK;

    if (in->first > 0) {
        memmove(in->buffer, in->buffer + in->first, in->len - in->first);
        in->len -= in->first;
        in->first = 0;
    }
    if (in->cap - in->len >= EM_EMBED_IN_BLOCK) return EM_OK;
    if (in->cap >= most)
        return em_problem_set(problem, EM_ERR_LIMIT, name_of(in),
                              "line %llu: longer than %zu bytes",
                              (unsigned long long)in->line + 1, most - EM_EMBED_IN_BLOCK);
    size_t cap = in->cap < EM_EMBED_IN_BLOCK ? 2 * EM_EMBED_IN_BLOCK : 2 * in->cap;
    if (cap > most) cap = most;
    uint8_t *bigger = realloc(in->buffer, cap);
    if (bigger == NULL) return EM_ERR_MEMORY;
    in->buffer = bigger;
    in->cap = cap;
    return EM_OK;
}

/* Reads some more; a signal ends the wait for a slow source. */
static em_err read_more(em_embed_in *in, em_problem *problem)
{
    struct pollfd wait[2] = {{.fd = in->fd, .events = POLLIN},
                             {.fd = em_signals_fd(), .events = POLLIN}};

    EM_TRY(make_room(in, problem));
    for (;;) {
        int ready = poll(wait, 2, -1);
        if (ready < 0 && errno != EINTR) return fail_io(in, problem);
        if (em_signals_caught() != 0) return EM_ERR_INTERRUPTED;
        if (ready <= 0 || wait[0].revents == 0) continue;
        ssize_t n = read(in->fd, in->buffer + in->len, in->cap - in->len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n < 0) return fail_io(in, problem);
        in->len += (size_t)n;
        in->bytes_read += (uint64_t)n;
        in->ended = n == 0;
        return EM_OK;
    }
}

/* The next line of the open file, without its end; *ret_any is false behind the last. */
static em_err next_line(em_embed_in *in, em_problem *problem, em_bytes *ret_line,
                        bool *ret_any)
{
    size_t looked = 0;

    for (;;) {
        size_t have = in->len - in->first;
        const uint8_t *from = have > 0 ? in->buffer + in->first : NULL;
        const uint8_t *end =
            have > looked ? memchr(from + looked, '\n', have - looked) : NULL;
        if (end != NULL || (in->ended && have > 0)) {
            size_t len = end != NULL ? (size_t)(end - from) : have;
            in->first += end != NULL ? len + 1 : len;
            if (in->line++ == 0 && len >= sizeof byte_order_mark &&
                memcmp(from, byte_order_mark, sizeof byte_order_mark) == 0) {
                from += sizeof byte_order_mark;
                len -= sizeof byte_order_mark;
            }
            if (len > 0 && from[len - 1] == '\r') len--;
            *ret_line = em_view(from, len);
            *ret_any = true;
            return EM_OK;
        }
        if (in->ended) {
            *ret_any = false;
            return EM_OK;
        }
        looked = have;
        EM_TRY(read_more(in, problem));
    }
}

static em_err next_word(em_embed_in *in, em_problem *problem, em_embed_in_text *ret_text,
                        bool *ret_any)
{
    *ret_any = in->at < in->n;
    if (!*ret_any) return EM_OK;
    em_problem inner = {0};
    em_bytes word = em_view(in->word[in->at], strlen(in->word[in->at]));
    em_err err = check_text(word, &inner);
    in->at++;
    if (err != EM_OK)
        return em_problem_set(problem, err, NULL, "text %zu: %s", in->at, inner.text);
    *ret_text = (em_embed_in_text){.text = word};
    return EM_OK;
}

em_err em_embed_in_next(em_embed_in *in, em_problem *problem, em_embed_in_text *ret_text,
                        bool *ret_any)
{
    em_problem inner = {0};
    em_bytes line;
    bool any = false;

    if (in->word != NULL) return next_word(in, problem, ret_text, ret_any);
    json_decref(in->json);
    in->json = NULL;
    while (in->at < in->n) {
        if (!in->opened) EM_TRY(open_file(in, problem));
        EM_TRY(next_line(in, problem, &line, &any));
        if (!any) {
            close_file(in);
            in->at++;
            continue;
        }
        em_err err = em_embed_in_line(line, in->field, &inner, &in->json, ret_text, &any);
        if (err != EM_OK)
            return em_problem_set(problem, err, name_of(in), "line %llu: %s",
                                  (unsigned long long)in->line, inner.text);
        if (any) {
            *ret_any = true;
            return EM_OK;
        }
    }
    *ret_any = false;
    return EM_OK;
}
