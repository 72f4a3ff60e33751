#include "os/file.h"
#include "os/entropy.h"
#include "os/fail_impl.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Descriptors that close themselves. */
typedef struct em_file_fd {
    int fd;
    bool open;
} em_file_fd;

static void em_file_fd_drop(em_file_fd *f)
{
    if (f->open) (void)close(f->fd);
    f->open = false;
}

static em_err open_fd(const char *path, int flags, em_file_fd *ret_fd)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd < 0) return em_fail_errno(errno);
    *ret_fd = (em_file_fd){fd, true};
    return EM_OK;
}

/* Opens a regular file for reading; a pipe or device must not make us wait. */
static em_err open_regular(const char *path, em_file_fd *ret_fd, size_t *ret_size)
{
    EM_DROP(em_file_fd) f = {0};
    struct stat info;

    EM_TRY(open_fd(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &f));
    if (fstat(f.fd, &info) != 0) return em_fail_errno(errno);
    if (!S_ISREG(info.st_mode)) return EM_ERR_IO;
    *ret_size = (size_t)info.st_size;
    *ret_fd = EM_TAKE(f);
    return EM_OK;
}

/* Until the end or `cap`: what a file's size says may be old when it is read. */
static em_err read_up_to(int fd, uint8_t *to, size_t cap, size_t *ret_len)
{
    size_t len = 0;

    while (len < cap) {
        ssize_t n = read(fd, to + len, cap - len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return em_fail_errno(errno);
        if (n == 0) break;
        len += (size_t)n;
    }
    *ret_len = len;
    return EM_OK;
}

em_err em_file_read(const char *path, void *to, size_t cap, size_t *ret_len)
{
    EM_DROP(em_file_fd) f = {0};
    size_t size = 0, len = 0, more = 0;
    uint8_t one;

    EM_TRY(open_regular(path, &f, &size));
    if (size > cap) return EM_ERR_LIMIT;
    EM_TRY(read_up_to(f.fd, to, cap, &len));
    EM_TRY(read_up_to(f.fd, &one, 1, &more));
    if (more != 0) return EM_ERR_LIMIT;
    *ret_len = len;
    return EM_OK;
}

em_err em_file_load(const char *path, size_t limit, em_map *ret_map)
{
    EM_DROP(em_file_fd) f = {0};
    EM_DROP(em_map) m = {0};
    size_t size = 0, len = 0, room = 0;

    EM_TRY(open_regular(path, &f, &size));
    if (size > limit) return EM_ERR_LIMIT;
    EM_TRY(em_add(size, 1, &room));
    EM_TRY(em_map_anonymous(room, 0, &m));
    EM_TRY(read_up_to(f.fd, m.at, room, &len));
    if (len > size) return EM_ERR_IO; /* it grew while we read */
    m.len = len;
    *ret_map = EM_TAKE(m);
    return EM_OK;
}

/* ---- writing: a new file beside the old one takes its name when it is whole ---- */

static em_err write_all(int fd, em_bytes contents)
{
    while (contents.len > 0) {
        ssize_t n = write(fd, contents.at, contents.len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return EM_ERR_IO;
        contents = em_view(contents.at + n, contents.len - (size_t)n);
    }
    return EM_OK;
}

static em_err join(const char *a, size_t a_len, const char *b, char ret_path[PATH_MAX])
{
    size_t b_len = strlen(b);

    if (a_len + b_len >= PATH_MAX) return EM_ERR_LIMIT;
    memcpy(ret_path, a, a_len);
    memcpy(ret_path + a_len, b, b_len + 1);
    return EM_OK;
}

/* The folder of a path: "" for none, else with its slash. */
static size_t folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

/* So that the new name is there after a crash as well. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX] = ".";
    EM_DROP(em_file_fd) f = {0};
    size_t len = folder_len(path);

    if (len > 0 && len < sizeof folder) {
        memcpy(folder, path, len);
        folder[len] = 0;
    }
    if (open_fd(folder, O_RDONLY | O_DIRECTORY, &f) == EM_OK) (void)fsync(f.fd);
}

static em_err temporary_name(const char *path, char ret_name[PATH_MAX])
{
    static const char letters[] = "0123456789abcdef";
    char tail[] = ".new-0123456789abcdef";
    uint8_t random[8];

    EM_TRY(em_entropy_fill(random, sizeof random));
    for (size_t i = 0; i < sizeof random; i++) {
        tail[5 + 2 * i] = letters[random[i] >> 4];
        tail[6 + 2 * i] = letters[random[i] & 15];
    }
    return join(path, strlen(path), tail, ret_name);
}

static em_err write_new(const char *name, em_bytes contents, unsigned mode)
{
    EM_DROP(em_file_fd) f = {0};

    EM_TRY(open_fd(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, &f));
    EM_TRY(write_all(f.fd, contents));
    if (fchmod(f.fd, mode & 07777) != 0) return em_fail_errno(errno);
    return fsync(f.fd) == 0 ? EM_OK : EM_ERR_IO;
}

static em_err put(const char *path, em_bytes contents, unsigned mode, bool replace)
{
    char name[PATH_MAX];
    int failed;

    EM_TRY(temporary_name(path, name));
    em_err err = write_new(name, contents, mode);
    if (err == EM_OK) {
        /* link() refuses where rename() would replace */
        failed = replace ? rename(name, path) : link(name, path);
        if (failed != 0) err = em_fail_errno(errno);
    }
    if (err != EM_OK || !replace) (void)unlink(name);
    if (err == EM_OK) sync_folder(path);
    return err;
}

em_err em_file_write(const char *path, em_bytes contents, unsigned mode)
{
    return put(path, contents, mode, true);
}

em_err em_file_create(const char *path, em_bytes contents, unsigned mode)
{
    return put(path, contents, mode, false);
}

/* ---- what is there ---- */

em_err em_file_stat(const char *path, em_file_info *ret_info)
{
    struct stat info;

    if (lstat(path, &info) != 0) return em_fail_errno(errno);
    *ret_info = (em_file_info){
        .kind = S_ISREG(info.st_mode)   ? EM_FILE_REGULAR
                : S_ISDIR(info.st_mode) ? EM_FILE_FOLDER
                : S_ISLNK(info.st_mode) ? EM_FILE_LINK
                                        : EM_FILE_OTHER,
        .size = (uint64_t)info.st_size,
        .mode = info.st_mode & 07777,
        .changed_ms = (uint64_t)info.st_mtim.tv_sec * 1000 +
                      (uint64_t)info.st_mtim.tv_nsec / 1000000,
    };
    return EM_OK;
}

bool em_file_exists(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0;
}

static int not_dots(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

em_err em_file_list(const char *folder, em_err (*each)(void *arg, const char *name),
                    void *arg)
{
    struct dirent **list = NULL;
    em_err err = EM_OK;
    int n = scandir(folder, &list, not_dots, by_bytes);

    if (n < 0) return em_fail_errno(errno);
    for (int i = 0; i < n; i++) {
        if (err == EM_OK) err = each(arg, list[i]->d_name);
        free(list[i]);
    }
    free(list);
    return err;
}

em_err em_file_make_folder(const char *path, unsigned mode)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    struct stat info;

    if (len == 0 || len >= sizeof part) return EM_ERR_ARGUMENT;
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != 0) continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, (mode_t)mode) != 0 && errno != EEXIST)
            return em_fail_errno(errno);
    }
    if (stat(path, &info) != 0) return em_fail_errno(errno);
    return S_ISDIR(info.st_mode) ? EM_OK : EM_ERR_EXISTS;
}

em_err em_file_remove(const char *path)
{
    if (unlink(path) == 0 || rmdir(path) == 0) return EM_OK;
    return em_fail_errno(errno);
}

static em_err remove_inside(void *arg, const char *name)
{
    const char *folder = arg;
    char path[PATH_MAX], slashed[PATH_MAX];

    EM_TRY(join(folder, strlen(folder), "/", slashed));
    EM_TRY(join(slashed, strlen(slashed), name, path));
    return em_file_remove_tree(path);
}

em_err em_file_remove_tree(const char *path)
{
    em_file_info info;
    char folder[PATH_MAX];

    EM_TRY(em_file_stat(path, &info));
    if (info.kind == EM_FILE_FOLDER) {
        EM_TRY(join(path, strlen(path), "", folder));
        EM_TRY(em_file_list(folder, remove_inside, folder));
    }
    return em_file_remove(path);
}
