#include "os/map.h"
#include "os/fail_impl.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, HUGE_PAGE = 2 << 20 };

static em_err round_up(size_t len, size_t unit, size_t *ret_len)
{
    size_t sum = 0;

    EM_TRY(em_add(len, unit - 1, &sum));
    *ret_len = sum / unit * unit;
    return EM_OK;
}

em_err em_map_anonymous(size_t len, unsigned flags, em_map *ret_map)
{
    EM_DROP(em_map) m = {0};
    bool huge = (flags & EM_MAP_HUGE) != 0 && len >= HUGE_PAGE;
    size_t span = 0;

    if (len == 0) return EM_ERR_ARGUMENT;
    EM_TRY(round_up(len, huge ? HUGE_PAGE : PAGE, &span));
    if (huge) EM_TRY(em_add(span, HUGE_PAGE, &span)); /* room to align */
    void *base =
        mmap(NULL, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) return EM_ERR_MEMORY;

    size_t skip = huge ? (HUGE_PAGE - (uintptr_t)base % HUGE_PAGE) % HUGE_PAGE : 0;
    m = (em_map){.at = (uint8_t *)base + skip, .len = len, .base = base, .span = span};
    (void)madvise(base, span, MADV_DONTDUMP);
    if (huge) (void)madvise(m.at, span - skip, MADV_HUGEPAGE);
    if ((flags & EM_MAP_LOCK) != 0 && mlock(m.at, len) != 0) return EM_ERR_MEMORY;
    *ret_map = EM_TAKE(m);
    return EM_OK;
}

static em_err map_open_file(int fd, em_map *ret_map)
{
    struct stat info;
    em_map m = {.file = true};

    if (fstat(fd, &info) != 0) return em_fail_errno(errno);
    if (!S_ISREG(info.st_mode)) return EM_ERR_IO;
    m.len = (size_t)info.st_size;
    if (m.len > 0) {
        m.span = m.len;
        m.base = mmap(NULL, m.len, PROT_READ, MAP_PRIVATE, fd, 0);
        if (m.base == MAP_FAILED) return em_fail_errno(errno);
        m.at = m.base;
    }
    *ret_map = m;
    return EM_OK;
}

em_err em_map_file(const char *path, em_map *ret_map)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) return em_fail_errno(errno);
    em_err err = map_open_file(fd, ret_map);
    (void)close(fd);
    return err;
}

/* Only what was ever touched: wiping the rest would first make it exist. */
static void wipe_touched(uint8_t *at, size_t len)
{
    unsigned char there[1024];

    for (size_t from = 0; from < len; from += sizeof there * PAGE) {
        size_t span = len - from < sizeof there * PAGE ? len - from : sizeof there * PAGE;
        bool known = mincore(at + from, span, there) == 0;
        for (size_t i = 0; i < span; i += PAGE)
            if (!known || (there[i / PAGE] & 1) != 0)
                em_wipe(at + from + i, span - i < PAGE ? span - i : PAGE);
    }
}

void em_map_drop(em_map *map)
{
    if (map->base != NULL) {
        if (!map->file) wipe_touched(map->at, map->len);
        (void)munmap(map->base, map->span);
    }
    *map = (em_map){0};
}
