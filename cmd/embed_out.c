#include "cmd/embed_out.h"

#include "base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool em_embed_out_format(const char *word, em_embed_format *ret_format)
{
    static const char *const words[] = {"text", "jsonl", "npy", "f32"};

    for (size_t i = 0; i < EM_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0) {
            *ret_format = (em_embed_format)i;
            return true;
        }
    return false;
}

void em_embed_out_npy_head(uint64_t rows, uint64_t dim,
                           char ret_head[EM_EMBED_OUT_NPY_HEAD])
{
    static const uint8_t magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    enum { LEAD = sizeof magic + 2, REST = EM_EMBED_OUT_NPY_HEAD - LEAD };
    char dict[REST + 1];

    int len =
        snprintf(dict, sizeof dict,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (%llu, %llu), }",
                 (unsigned long long)rows, (unsigned long long)dim);
    memset(ret_head, ' ', EM_EMBED_OUT_NPY_HEAD);
    memcpy(ret_head, magic, sizeof magic);
    ret_head[sizeof magic] = REST; /* little-endian, below 256 */
    ret_head[sizeof magic + 1] = 0;
    memcpy(ret_head + LEAD, dict, (size_t)len);
    ret_head[EM_EMBED_OUT_NPY_HEAD - 1] = '\n';
}

static em_err fail_io(const em_embed_out *o, em_problem *problem)
{
    return em_problem_set(problem, EM_ERR_IO,
                          o->path != NULL ? o->path : "standard output", "%s",
                          errno != 0 ? strerror(errno) : "writing failed");
}

/* Can the head be written again, once the number of rows is known? */
static bool is_rewritable(FILE *to)
{
    struct stat st;

    return fstat(fileno(to), &st) == 0 && S_ISREG(st.st_mode) &&
           (fcntl(fileno(to), F_GETFL) & O_APPEND) == 0 && ftello(to) == 0;
}

static em_err open_path(em_embed_out *o, em_problem *problem)
{
    struct stat st;
    bool special = stat(o->path, &st) == 0 && !S_ISREG(st.st_mode);

    /* a device or a pipe is written, not replaced */
    int len = special ? 0 : snprintf(o->part, sizeof o->part, "%s.part", o->path);
    if (len < 0 || (size_t)len >= sizeof o->part)
        return em_problem_err(problem, EM_ERR_LIMIT, o->path);
    o->to = fopen(special ? o->path : o->part, "wbe");
    if (o->to == NULL) return fail_io(o, problem);
    return EM_OK;
}

em_err em_embed_out_open(em_embed_out *out, em_embed_format format, const char *path,
                         uint64_t expected, em_problem *problem)
{
    bool binary = format == EM_EMBED_NPY || format == EM_EMBED_F32;

    *out = (em_embed_out){.format = format, .path = path, .to = stdout};
    if (path == NULL && binary && isatty(STDOUT_FILENO))
        return em_problem_set(problem, EM_ERR_ARGUMENT, NULL,
                              "binary numbers are not written to a terminal: --out FILE");
    errno = 0;
    if (path != NULL) EM_TRY(open_path(out, problem));
    if (format == EM_EMBED_NPY && !is_rewritable(out->to)) {
        if (expected == 0)
            return em_problem_set(
                problem, EM_ERR_ARGUMENT, NULL,
                "a NumPy file begins with the number of texts, which is "
                "not known yet: --out FILE, or --format f32");
        out->promised = expected;
    }
    return EM_OK;
}

/* JSON has no word for a number that is none. */
static bool is_finite(const em_client_vectors *v)
{
    for (size_t i = 0; i < v->n * v->dim; i++)
        if (!__builtin_isfinite(v->vector[i])) return false;
    return true;
}

static em_err write_json(em_embed_out *o, const em_embed_out_batch *b,
                         em_problem *problem)
{
    const em_client_vectors *v = b->vectors;

    if (!is_finite(v))
        return em_problem_set(problem, EM_ERR_ANSWER_MALFORMED, NULL,
                              "the model gave a number that is infinite or none; npy and "
                              "f32 can hold it");
    for (size_t i = 0; i < v->n; i++) {
        json_t *vector = json_array(), *line = json_object();
        for (size_t k = 0; k < v->dim; k++)
            json_array_append_new(vector, json_real((double)v->vector[i * v->dim + k]));
        if (b->id != NULL && b->id[i] != NULL) json_object_set(line, "id", b->id[i]);
        json_object_set_new(line, "index", json_integer((json_int_t)(o->rows + i)));
        json_object_set_new(line, "tokens", json_integer((json_int_t)v->tokens[i]));
        json_object_set_new(line, "truncated", json_boolean(v->truncated[i]));
        json_object_set_new(line, "vector", vector);
        int bad = json_dumpf(line, o->to, JSON_COMPACT | JSON_REAL_PRECISION(9));
        json_decref(line);
        if (bad != 0 || fputc('\n', o->to) == EOF) return fail_io(o, problem);
    }
    return EM_OK;
}

static em_err write_people(em_embed_out *o, const em_embed_out_batch *b)
{
    enum { SHOWN = 5, LETTERS = 48 };
    const em_client_vectors *v = b->vectors;

    for (size_t i = 0; i < v->n; i++) {
        const float *row = v->vector + i * v->dim;
        bool long_one = b->text[i].len > LETTERS;
        fprintf(o->to, "[");
        for (size_t k = 0; k < v->dim && k < SHOWN; k++)
            fprintf(o->to, "% .5f ", (double)row[k]);
        fprintf(o->to, "... %zu]  %u tokens%s  %.*s%s\n", v->dim, v->tokens[i],
                v->truncated[i] ? " (cut)" : "", long_one ? LETTERS : (int)b->text[i].len,
                b->text[i].at, long_one ? "..." : "");
    }
    return EM_OK;
}

/* Rows of little-endian float32, whatever this machine's order. */
static em_err write_floats(em_embed_out *o, const em_client_vectors *v,
                           em_problem *problem)
{
    enum { AT_ONCE = 1024 };
    uint8_t bytes[4 * AT_ONCE];
    size_t all = v->n * v->dim;

    for (size_t i = 0; i < all;) {
        em_out row = EM_OUT(bytes);
        for (size_t k = 0; k < AT_ONCE && i < all; k++, i++) {
            uint32_t bits;
            memcpy(&bits, &v->vector[i], sizeof bits);
            em_write_le32(&row, bits);
        }
        if (fwrite(bytes, 1, row.len, o->to) != row.len) return fail_io(o, problem);
    }
    return EM_OK;
}

static em_err write_head(em_embed_out *o, uint64_t rows, em_problem *problem)
{
    char head[EM_EMBED_OUT_NPY_HEAD];

    em_embed_out_npy_head(rows, o->dim, head);
    return fwrite(head, 1, sizeof head, o->to) == sizeof head ? EM_OK
                                                              : fail_io(o, problem);
}

em_err em_embed_out_write(em_embed_out *out, const em_embed_out_batch *batch,
                          em_problem *problem)
{
    const em_client_vectors *v = batch->vectors;
    bool first = out->rows == 0;
    em_err err = EM_OK;

    errno = 0;
    if (first) out->dim = v->dim;
    if (v->dim != out->dim)
        return em_problem_set(problem, EM_ERR_ANSWER_MALFORMED, NULL,
                              "vectors of %zu numbers after others of %llu", v->dim,
                              (unsigned long long)out->dim);
    if (first && out->format == EM_EMBED_NPY)
        EM_TRY(write_head(out, out->promised, problem));
    switch (out->format) {
    case EM_EMBED_JSONL:
        err = write_json(out, batch, problem);
        break;
    case EM_EMBED_NPY:
    case EM_EMBED_F32:
        err = write_floats(out, v, problem);
        break;
    case EM_EMBED_PEOPLE:
        err = write_people(out, batch);
        break;
    }
    EM_TRY(err);
    out->rows += v->n;
    /* what was computed is not lost with what comes later */
    return fflush(out->to) == 0 ? EM_OK : fail_io(out, problem);
}

static em_err finish_npy(em_embed_out *o, em_problem *problem)
{
    if (o->format != EM_EMBED_NPY || o->rows == 0 || o->promised != 0) return EM_OK;
    if (fseeko(o->to, 0, SEEK_SET) != 0) return fail_io(o, problem);
    EM_TRY(write_head(o, o->rows, problem));
    return fseeko(o->to, 0, SEEK_END) == 0 ? EM_OK : fail_io(o, problem);
}

em_err em_embed_out_close(em_embed_out *out, bool whole, em_problem *problem,
                          const char **ret_kept)
{
    *ret_kept = NULL;
    if (out->to == NULL) return EM_OK;
    errno = 0;
    em_err err = finish_npy(out, problem);
    if (fflush(out->to) != 0 && err == EM_OK) err = fail_io(out, problem);
    if (out->path == NULL) {
        out->to = NULL;
        return err;
    }
    if (whole && out->part[0] != 0 && fsync(fileno(out->to)) != 0 && err == EM_OK)
        err = fail_io(out, problem);
    if (fclose(out->to) != 0 && err == EM_OK) err = fail_io(out, problem);
    out->to = NULL;
    if (out->part[0] == 0) return err;
    if (whole && err == EM_OK) {
        if (rename(out->part, out->path) != 0) err = fail_io(out, problem);
        return err;
    }
    if (out->rows == 0)
        (void)remove(out->part);
    else
        *ret_kept = out->part;
    return err;
}
