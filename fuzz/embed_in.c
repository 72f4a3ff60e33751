/* covers: cmd/embed_in.c
 *
 * A file of texts, as plain lines and as JSON lines.  What is given out is UTF-8 without
 * NUL and no longer than a text may be; plain lines are as many as there are line feeds.
 */
#include "cmd/embed_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const char *path, const char *field, size_t lines)
{
    em_problem problem = {0};
    em_embed_in_text text;
    em_embed_in in;
    size_t n = 0;
    bool any = true;

    em_embed_in_files(&in, &path, 1, field);
    em_err err = EM_OK;
    for (;; n++) {
        err = em_embed_in_next(&in, &problem, &text, &any);
        if (err != EM_OK || !any) break;
        if (text.text.len > EM_MAX_TEXT || !em_is_utf8(text.text)) abort();
        if (text.text.len > 0 && memchr(text.text.at, 0, text.text.len) != NULL) abort();
        if (field == NULL && text.id != NULL) abort();
    }
    if (err == EM_OK && (field == NULL ? n != lines : n > lines)) abort();
    if (err != EM_OK && problem.text[0] == 0) abort();
    em_embed_in_drop(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    size_t lines = size > 0 && data[size - 1] != '\n';

    if (fd < 0) {
        fd = memfd_create("texts", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    for (size_t i = 0; i < size; i++) lines += data[i] == '\n';
    read_all(path, NULL, lines);
    read_all(path, "text", lines);
    return 0;
}
