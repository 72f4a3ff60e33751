/* Small files: limits, atomic replacement, folders. */
#include "os/file.h"
#include "os/thread.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static const char *in(const char *name)
{
    static char path[4][256];
    static unsigned turn;
    char *p = path[turn++ % 4];

    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

static void a_file_is_read_whole_or_not_at_all(void)
{
    uint8_t b[8] = {9, 9, 9, 9, 9, 9, 9, 9};
    size_t n = 77;

    CHECK_OK(em_file_write(in("a"), EM_STR("12345678"), 0640));
    CHECK_OK(em_file_read(in("a"), b, 8, &n));
    CHECK(n == 8 && memcmp(b, "12345678", 8) == 0);
    n = 77;
    CHECK_ERR(em_file_read(in("a"), b, 7, &n), EM_ERR_LIMIT);
    CHECK_ERR(em_file_read(in("none"), b, 8, &n), EM_ERR_NOT_FOUND);
    CHECK_ERR(em_file_read(in("a/b"), b, 8, &n), EM_ERR_NOT_FOUND);
    CHECK_ERR(em_file_read(folder, b, 8, &n), EM_ERR_IO);
    CHECK_ERR(em_file_read("/dev/zero", b, 8, &n), EM_ERR_IO);
    CHECK(n == 77);
    /* a pipe must not make us wait */
    CHECK(mkfifo(in("pipe"), 0600) == 0);
    CHECK_ERR(em_file_read(in("pipe"), b, 8, &n), EM_ERR_IO);
    if (geteuid() != 0) {
        CHECK(chmod(in("a"), 0) == 0);
        CHECK_ERR(em_file_read(in("a"), b, 8, &n), EM_ERR_DENIED);
    }
    /* /proc files have size 0 and contents: taken as far as the limit goes */
    CHECK_ERR(em_file_read("/proc/self/status", b, 8, &n), EM_ERR_LIMIT);
}

static void a_file_is_loaded_with_a_zero_behind(void)
{
    EM_DROP(em_map) m = {0};
    EM_DROP(em_map) empty = {0};

    CHECK_OK(em_file_write(in("b"), EM_STR("text"), 0600));
    CHECK_OK(em_file_load(in("b"), 4, &m));
    CHECK(em_same(em_map_view(&m), EM_STR("text")) && m.at[4] == 0);
    CHECK_OK(em_file_write(in("e"), em_view(NULL, 0), 0600));
    CHECK_OK(em_file_load(in("e"), 0, &empty));
    CHECK(empty.len == 0 && empty.at[0] == 0);
    em_map none = {0};
    CHECK_ERR(em_file_load(in("b"), 3, &none), EM_ERR_LIMIT);
    CHECK(none.at == NULL);
}

static void writing_replaces_and_creating_does_not(void)
{
    em_file_info info = {0};
    uint8_t b[8];
    size_t n = 0;

    CHECK_OK(em_file_create(in("c"), EM_STR("first"), 0600));
    CHECK_OK(em_file_stat(in("c"), &info));
    CHECK(info.kind == EM_FILE_REGULAR && info.size == 5 && info.mode == 0600);
    CHECK_ERR(em_file_create(in("c"), EM_STR("other"), 0600), EM_ERR_EXISTS);
    CHECK_OK(em_file_read(in("c"), b, 8, &n));
    CHECK(em_same(em_view(b, n), EM_STR("first")));
    CHECK_OK(em_file_write(in("c"), EM_STR("second"), 0444));
    CHECK_OK(em_file_stat(in("c"), &info));
    CHECK(info.size == 6 && info.mode == 0444);
    /* a link at the path is replaced, not written through */
    CHECK(symlink(in("c"), in("link")) == 0);
    CHECK_OK(em_file_stat(in("link"), &info));
    CHECK(info.kind == EM_FILE_LINK);
    CHECK_OK(em_file_write(in("link"), EM_STR("x"), 0600));
    CHECK_OK(em_file_stat(in("link"), &info));
    CHECK(info.kind == EM_FILE_REGULAR);
    CHECK_OK(em_file_read(in("c"), b, 8, &n));
    CHECK(n == 6);
    CHECK_ERR(em_file_write(in("no/such/folder"), EM_STR("x"), 0600), EM_ERR_NOT_FOUND);
    CHECK_ERR(em_file_write(folder, EM_STR("x"), 0600), EM_ERR_IO);
}

static em_err count_new(void *arg, const char *name)
{
    size_t *n = arg;

    if (strstr(name, ".new-") != NULL) n[0]++;
    n[1]++;
    return EM_OK;
}

static void nothing_temporary_stays(void)
{
    size_t n[2] = {0};

    CHECK_OK(em_file_list(folder, count_new, n));
    CHECK(n[0] == 0 && n[1] > 0);
}

typedef struct race {
    const char *path;
    bool stop;
    int torn;
} race;

static void read_often(void *arg)
{
    race *r = arg;
    static uint8_t b[60000];
    size_t n = 0;

    while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED)) {
        if (em_file_read(r->path, b, sizeof b, &n) != EM_OK) {
            r->torn++;
            continue;
        }
        for (size_t i = 1; i < n; i++)
            if (b[i] != b[0]) r->torn++;
        if (n != (b[0] == 'a' ? 50000 : 60000)) r->torn++;
    }
}

static void a_reader_sees_the_old_or_the_new(void)
{
    static uint8_t a[50000], b[60000];
    char path[256];
    race r = {.path = strcpy(path, in("race"))};
    em_thread t = {0};

    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    CHECK_OK(em_file_write(path, EM_BYTES(a), 0600));
    CHECK_OK(em_thread_start(read_often, &r, "read", &t));
    for (int i = 0; i < 40; i++) {
        CHECK_OK(em_file_write(path, EM_BYTES(b), 0600));
        CHECK_OK(em_file_write(path, EM_BYTES(a), 0600));
    }
    __atomic_store_n(&r.stop, true, __ATOMIC_RELAXED);
    em_thread_drop(&t);
    CHECK(r.torn == 0);
}

static em_err collect(void *arg, const char *name)
{
    char *text = arg;

    if (strcmp(name, "stop") == 0) return EM_ERR_CANCELLED;
    strncat(text, name, 10);
    return EM_OK;
}

static void folders_are_made_listed_and_removed(void)
{
    char text[64] = "";

    CHECK_OK(em_file_make_folder(in("x/y/z"), 0700));
    CHECK_OK(em_file_make_folder(in("x/y/z/"), 0700));
    CHECK_OK(em_file_make_folder("/", 0700));
    CHECK_ERR(em_file_make_folder("", 0700), EM_ERR_ARGUMENT);
    CHECK_OK(em_file_write(in("x/file"), EM_STR("1"), 0600));
    CHECK_ERR(em_file_make_folder(in("x/file"), 0700), EM_ERR_EXISTS);
    CHECK_ERR(em_file_make_folder(in("x/file/z"), 0700), EM_ERR_NOT_FOUND);
    CHECK_OK(em_file_write(in("x/b"), EM_STR("1"), 0600));
    CHECK_OK(em_file_write(in("x/A"), EM_STR("1"), 0600));
    CHECK_OK(em_file_list(in("x"), collect, text));
    CHECK(strcmp(text, "Abfiley") == 0);
    CHECK_OK(em_file_write(in("x/stop"), EM_STR("1"), 0600));
    CHECK_ERR(em_file_list(in("x"), collect, text), EM_ERR_CANCELLED);
    CHECK_ERR(em_file_list(in("none"), collect, text), EM_ERR_NOT_FOUND);
    CHECK_ERR(em_file_remove(in("x")), EM_ERR_EXISTS);
    CHECK_ERR(em_file_remove(in("none")), EM_ERR_NOT_FOUND);

    /* links inside a tree are removed, what they point to is not */
    CHECK_OK(em_file_write(in("outside"), EM_STR("1"), 0600));
    CHECK(symlink(in("outside"), in("x/y/link")) == 0);
    CHECK(symlink(folder, in("x/y/up")) == 0);
    CHECK_OK(em_file_remove_tree(in("x")));
    CHECK(!em_file_exists(in("x")) && em_file_exists(in("outside")));
    CHECK_ERR(em_file_remove_tree(in("x")), EM_ERR_NOT_FOUND);
}

int main(void)
{
    strcpy(folder, "/tmp/em-test-file-XXXXXX");
    if (mkdtemp(folder) == NULL) return 1;
    RUN(a_file_is_read_whole_or_not_at_all);
    RUN(a_file_is_loaded_with_a_zero_behind);
    RUN(writing_replaces_and_creating_does_not);
    RUN(a_reader_sees_the_old_or_the_new);
    RUN(nothing_temporary_stays);
    RUN(folders_are_made_listed_and_removed);
    (void)!em_file_remove_tree(folder);
    return test_end();
}
