/* embed_out.h - vectors written as they come: for people, as JSON lines, as a NumPy file
 * or as plain float32.
 *
 * JSON lines: {"id", "index", "tokens", "truncated", "vector"}; "id" where the input had
 * one.  npy: version 1.0, '<f4', C order, shape (texts, dim).  f32: rows of little-endian
 * float32, nothing else.
 *
 * A file is written as FILE.part and renamed when it is whole; after a failure FILE.part
 * keeps the rows that were written, with a header that says how many.
 *
 * Trust:  the vectors are verified answers; texts shown to people are the user's own.
 * Memory: an em_embed_out owns its stream.
 */
#ifndef EM_CMD_EMBED_OUT_H
#define EM_CMD_EMBED_OUT_H

#include "em/client.h"
#include "tools/problem.h"

#include <jansson.h>
#include <stdio.h>

typedef enum em_embed_format {
    EM_EMBED_PEOPLE,
    EM_EMBED_JSONL,
    EM_EMBED_NPY,
    EM_EMBED_F32,
} em_embed_format;

enum { EM_EMBED_OUT_PATH = 4096, EM_EMBED_OUT_NPY_HEAD = 128 };

typedef struct em_embed_out {
    em_embed_format format;
    FILE *to;
    const char *path;             /* NULL: standard output */
    char part[EM_EMBED_OUT_PATH]; /* empty: written in place */
    uint64_t rows, dim;
    uint64_t promised; /* rows that the header names already; 0: it is written again */
} em_embed_out;

/* One request's answers, and what was asked. */
typedef struct em_embed_out_batch {
    const em_client_vectors *vectors;
    const em_client_text *text; /* as the user gave them */
    json_t *const *id;          /* NULL entries: none; NULL: none at all */
} em_embed_out_batch;

/* Which format a word names; false where it names none. */
bool em_embed_out_format(const char *word, em_embed_format *ret_format);

/* `path` NULL means standard output.  `expected` is the number of texts where it is
 * known, else 0: npy needs it, or a regular file.  EM_ERR_ARGUMENT with a problem that
 * says what to do. */
em_err em_embed_out_open(em_embed_out *out, em_embed_format format, const char *path,
                         uint64_t expected, em_problem *problem);

/* Appends rows.  EM_ERR_ANSWER_MALFORMED for a number that JSON has no word for or rows
 * of another length than before, EM_ERR_IO. */
em_err em_embed_out_write(em_embed_out *out, const em_embed_out_batch *batch,
                          em_problem *problem);

/* The end.  `whole`: the file takes its name.  Otherwise *ret_kept is the path that keeps
 * what there is, or NULL where nothing is kept. */
em_err em_embed_out_close(em_embed_out *out, bool whole, em_problem *problem,
                          const char **ret_kept);

/* The head of a version 1.0 file for this shape. */
void em_embed_out_npy_head(uint64_t rows, uint64_t dim,
                           char ret_head[EM_EMBED_OUT_NPY_HEAD]);

#endif
