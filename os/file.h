/* file.h - small files, whole: read with a limit, replaced atomically, listed.
 *
 * EM_ERR_NOT_FOUND, EM_ERR_DENIED, EM_ERR_EXISTS and EM_ERR_IO mean what they say.
 *
 * Trust:  contents are the caller's to judge; paths are the operator's.
 * Memory: buffers are the caller's, or an em_map.
 */
#ifndef EM_OS_FILE_H
#define EM_OS_FILE_H

#include "os/map.h"

/* All of a regular file into `to`; EM_ERR_LIMIT when it is larger than `cap`. */
em_err em_file_read(const char *path, void *to, size_t cap, size_t *ret_len);

/* All of a regular file of at most `limit` bytes into pages of its own, wiped when
 * dropped; one zero byte follows the contents. */
em_err em_file_load(const char *path, size_t limit, em_map *ret_map);

/* Replaces the file as a whole: readers see the old or the new one, also after a crash.
 * `mode` as in 0600. */
em_err em_file_write(const char *path, em_bytes contents, unsigned mode);

/* The same, but EM_ERR_EXISTS when there is something at `path`. */
em_err em_file_create(const char *path, em_bytes contents, unsigned mode);

typedef enum em_file_kind {
    EM_FILE_REGULAR = 1,
    EM_FILE_FOLDER,
    EM_FILE_LINK, /* a symbolic link, not followed */
    EM_FILE_OTHER,
} em_file_kind;

typedef struct em_file_info {
    em_file_kind kind;
    uint64_t size;
    unsigned mode; /* permission bits */
    uint64_t changed_ms;
} em_file_info;

/* Of the path itself: a link is not followed. */
em_err em_file_stat(const char *path, em_file_info *ret_info);
bool em_file_exists(const char *path);

/* Calls `each` with every name of a folder except . and .., in byte order; an error of
 * its ends the listing and is returned. */
em_err em_file_list(const char *folder, em_err (*each)(void *arg, const char *name),
                    void *arg);

/* The folder and all above it; what exists is left as it is. */
em_err em_file_make_folder(const char *path, unsigned mode);

/* A file, or an empty folder. */
em_err em_file_remove(const char *path);

/* A folder with all it contains; links are removed, not followed. */
em_err em_file_remove_tree(const char *path);

#endif
