/* embed_in.h - the texts of em embed: arguments, or the lines of files and of standard
 * input, one after the other.
 *
 * A line ends in LF or CRLF; the last one needs no end.  A UTF-8 byte order mark at the
 * start of a file is left out.  In plain files every line is a text, an empty one too, so
 * that the n-th vector is the n-th line's.  In JSON lines every line is a text, or an
 * object whose member `field` is the text and whose member "id", where there is one, goes
 * with its vector; lines of white space are passed over.
 *
 * Trust:  contents are hostile: lengths, UTF-8 and JSON are checked here, and a line that
 * is refused is named by its number. Memory: an em_embed_in owns its buffers; what
 * em_embed_in_next gives lives until the next call.
 */
#ifndef EM_CMD_EMBED_IN_H
#define EM_CMD_EMBED_IN_H

#include "base/limits.h"
#include "tools/problem.h"

#include <jansson.h>

enum {
    EM_EMBED_IN_BLOCK = 64 << 10,
    EM_EMBED_IN_MAX_LINE = 8 << 20, /* a JSON line: escapes make a text longer */
};

typedef struct em_embed_in {
    const char *const *word; /* arguments; NULL: files */
    const char *const *file; /* "-" is standard input */
    size_t n, at;
    const char *field; /* JSON lines, and the member that is the text; NULL: plain */

    int fd; /* of file[at] while it is open, else -1 */
    bool opened, ended;
    uint64_t line; /* of this file, from 1 */
    uint8_t *buffer;
    size_t first, len, cap; /* bytes first .. len are unread */
    json_t *json;           /* owns the last text */

    uint64_t bytes_read, bytes_all; /* all: 0 where a source is no regular file */
} em_embed_in;

typedef struct em_embed_in_text {
    em_bytes text; /* UTF-8 without NUL, at most EM_MAX_TEXT */
    json_t *id;    /* a text or an integer, borrowed; NULL: none */
} em_embed_in_text;

/* Arguments, or files.  `field` NULL means plain lines. */
void em_embed_in_words(em_embed_in *in, const char *const *word, size_t n);
void em_embed_in_files(em_embed_in *in, const char *const *file, size_t n,
                       const char *field);
void em_embed_in_drop(em_embed_in *in);

/* The next text; *ret_any is false behind the last one.  Problems say "FILE: line N:
 * ...". EM_ERR_NOT_UTF8, EM_ERR_LIMIT, the JSON errors, EM_ERR_NOT_FOUND, EM_ERR_DENIED,
 * EM_ERR_IO; EM_ERR_INTERRUPTED where a signal came while waiting. */
em_err em_embed_in_next(em_embed_in *in, em_problem *problem, em_embed_in_text *ret_text,
                        bool *ret_any);

/* One line, without its end, as em_embed_in_next judges it.  *ret_any is false for a line
 * that holds no text.  *ret_json owns the result of a JSON line: to be given back with
 * json_decref. */
em_err em_embed_in_line(em_bytes line, const char *field, em_problem *problem,
                        json_t **ret_json, em_embed_in_text *ret_text, bool *ret_any);

#endif
