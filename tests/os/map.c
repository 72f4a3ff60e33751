/* Memory from the kernel, and files as memory. */
#include "os/map.h"
#include "tests/support/test.h"

#include <sys/mman.h>
#include <unistd.h>

static void pages_are_zeroed_aligned_and_private(void)
{
    static const size_t sizes[] = {1, 4095, 4096, 4097, 5 << 20};

    for (size_t i = 0; i < EM_COUNT(sizes); i++) {
        EM_DROP(em_map) m = {0};
        EM_DROP(em_map) huge = {0};
        CHECK_OK(em_map_anonymous(sizes[i], 0, &m));
        CHECK(m.len == sizes[i] && (uintptr_t)m.at % 4096 == 0);
        CHECK(em_all_zero(em_map_view(&m)));
        memset(m.at, 0x5A, m.len);
        CHECK_OK(em_map_anonymous(sizes[i], EM_MAP_HUGE, &huge));
        CHECK(sizes[i] < 2 << 20 || (uintptr_t)huge.at % (2 << 20) == 0);
        memset(huge.at, 0x5A, huge.len);
    }
    em_map none = {0};
    CHECK_ERR(em_map_anonymous(0, 0, &none), EM_ERR_ARGUMENT);
    CHECK_ERR(em_map_anonymous(SIZE_MAX, 0, &none), EM_ERR_LIMIT);
    CHECK_ERR(em_map_anonymous(SIZE_MAX - 4096, EM_MAP_HUGE, &none), EM_ERR_LIMIT);
    CHECK_ERR(em_map_anonymous((size_t)1 << 60, 0, &none), EM_ERR_MEMORY);
    CHECK(none.at == NULL);
    em_map_drop(&none);
}

static void locking_works_or_says_so(void)
{
    EM_DROP(em_map) m = {0};
    em_err err = em_map_anonymous(8192, EM_MAP_LOCK, &m);

    CHECK(err == EM_OK || err == EM_ERR_MEMORY);
}

static size_t resident(const em_map *m)
{
    static unsigned char there[65536];
    size_t n = 0;

    if (mincore(m->base, m->span, there) != 0) return SIZE_MAX;
    for (size_t i = 0; i < (m->span + 4095) / 4096; i++) n += there[i] & 1;
    return n;
}

/* What is behind a dropped map cannot be read, so the wipe is watched through a second
 * mapping of the same (shared) pages. */
static void a_drop_wipes_what_was_touched(void)
{
    enum { LEN = 20 << 20 };
    int fd = memfd_create("em-test", 0);

    REQUIRE(fd >= 0 && ftruncate(fd, LEN) == 0);
    uint8_t *ours = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    uint8_t *view = mmap(NULL, LEN, PROT_READ, MAP_SHARED, fd, 0);
    REQUIRE(ours != MAP_FAILED && view != MAP_FAILED);
    memset(ours, 0xA5, 5000);
    memset(ours + (9 << 20), 0xA5, 1);
    memset(ours + LEN - 5000, 0xA5, 5000);
    em_map m = {.at = ours, .len = LEN - 7, .base = ours, .span = LEN};
    em_map_drop(&m);
    CHECK(m.at == NULL && m.base == NULL);
    CHECK(em_all_zero(em_view(view, LEN - 7)));
    CHECK(view[LEN - 7] == 0xA5); /* not past its length */
    munmap(view, LEN);
    close(fd);

    em_map big = {0};
    CHECK_OK(em_map_anonymous(64 << 20, 0, &big));
    big.at[30 << 20] = 1;
    CHECK(resident(&big) <= 512);
    em_map_drop(&big);
}

static void files_are_mapped_read_only(void)
{
    char path[] = "/tmp/em-test-map-XXXXXX";
    int fd = mkstemp(path);
    EM_DROP(em_map) m = {0};
    EM_DROP(em_map) empty = {0};

    REQUIRE(fd >= 0);
    CHECK_OK(em_map_file(path, &empty));
    CHECK(empty.len == 0 && empty.at == NULL);
    CHECK(write(fd, "contents", 8) == 8);
    CHECK_OK(em_map_file(path, &m));
    CHECK(em_same(em_map_view(&m), EM_STR("contents")));
    close(fd);
    unlink(path);
    em_map none = {0};
    CHECK_ERR(em_map_file(path, &none), EM_ERR_NOT_FOUND);
    CHECK_ERR(em_map_file("/tmp", &none), EM_ERR_IO);
    CHECK_ERR(em_map_file("/dev/null", &none), EM_ERR_IO);
}

int main(void)
{
    RUN(pages_are_zeroed_aligned_and_private);
    RUN(locking_works_or_says_so);
    RUN(a_drop_wipes_what_was_touched);
    RUN(files_are_mapped_read_only);
    return test_end();
}
