/* What a process gives up.  Each case runs in a child, which reports by its exit. */
#include "os/harden.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "os/file.h"
#include "os/jobs.h"
#include "os/log.h"
#include "os/loop.h"
#include "os/note.h"
#include "os/nsm.h"
#include "os/stream.h"
#include "os/thread.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILLED = 1000 };

/* Runs `child` in a process of its own; its exit code, or KILLED + the signal. */
static int run(int (*child)(void))
{
    int status = 0;

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        _exit(child());
    }
    if (waitpid(pid, &status, 0) != pid) return -1;
    return WIFSIGNALED(status) ? KILLED + WTERMSIG(status) : WEXITSTATUS(status);
}

static int give_up(void)
{
    struct rlimit core;

    if (em_harden_process() != EM_OK || em_harden_environment() != EM_OK) return 1;
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0) return 2;
    if (prctl(PR_GET_DUMPABLE) != 0) return 3;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 4;
    if (getenv("PATH") != NULL || (environ != NULL && environ[0] != NULL)) return 5;
    return 0;
}

static void rights_and_environment_are_gone(void)
{
    CHECK(run(give_up) == 0);
}

static int more_descriptors(void)
{
    struct rlimit low = {64, 256}, now;
    uint64_t n = 0;

    if (setrlimit(RLIMIT_NOFILE, &low) != 0) return 1;
    if (em_harden_descriptors(128, &n) != EM_OK || n != 128) return 2;
    if (em_harden_descriptors(16, &n) != EM_OK || n != 128) return 3; /* never lowered */
    if (em_harden_descriptors(100000, &n) != EM_OK || n != 256) return 4;
    return getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 256 ? 0 : 5;
}

static void descriptors_are_raised_as_far_as_allowed(void)
{
    CHECK(run(more_descriptors) == 0);
}

static int lock_memory(void)
{
    em_err err = em_harden_lock_memory();
    em_map m = {0};

    if (err != EM_OK && err != EM_ERR_DENIED && err != EM_ERR_MEMORY) return 1;
    /* whatever it said, memory can still be had */
    return em_map_anonymous(1 << 20, 0, &m) == EM_OK ? 0 : 2;
}

static void memory_is_locked_or_it_says_so(void)
{
    CHECK(run(lock_memory) == 0);
}

#if !defined(EM_SANITIZED)

static int filter(unsigned groups)
{
    em_err err = em_harden_filter(groups);

    return err == EM_OK ? 0 : err == EM_ERR_UNSUPPORTED ? 77 : 78;
}

static int basis(void)
{
    int failed = filter(EM_HARDEN_BASIS);
    uint8_t random[300];
    em_map m = {0};

    if (failed) return failed;
    em_note(1, 2, 3);
    if (em_entropy_fill(random, sizeof random) != EM_OK) return 1;
    if (em_map_anonymous(8 << 20, EM_MAP_HUGE, &m) != EM_OK) return 2;
    memset(m.at, 1, 100);
    em_map_drop(&m);
    void *p = malloc(1 << 22);
    if (p == NULL) return 3;
    free(p);
    em_thread_sleep_ms(1);
    if (em_clock_wall_ms() == 0) return 4;
    return 42;
}

static void no_op(void *arg, size_t i, size_t w)
{
    (void)arg;
    (void)i;
    (void)w;
}

static void read_one(void *arg)
{
    em_stream *s = arg;
    uint8_t b[5];

    (void)!em_stream_read_full(s, b, 5, em_clock_deadline(5000));
    (void)!em_stream_write_full(s, EM_STR("five!"), em_clock_deadline(5000));
}

static void stop_loop(void *arg)
{
    em_loop_stop(arg);
}

static void readable(void *arg, unsigned events)
{
    (void)arg;
    (void)events;
}

static em_address socket_at = {.kind = EM_ADDRESS_UNIX};

/* All that a serving enclave does, on Unix sockets. */
static int serve_all(void)
{
    em_stream_listener l = {0};
    const em_address at = socket_at;
    em_stream a = {0}, b = {0};
    em_thread t = {0};
    em_jobs_pool pool = {0};
    em_loop loop = {0};
    em_loop_timer timer = {.due = stop_loop, .arg = &loop};
    uint8_t answer[5];

    if (em_stream_listen(&at, &l) != EM_OK) return 1;
    int failed = filter(EM_HARDEN_THREADS | EM_HARDEN_STREAMS | EM_HARDEN_LISTEN |
                        EM_HARDEN_CONNECT | EM_HARDEN_NSM);
    if (failed) return failed;

    if (em_stream_connect(&at, em_clock_deadline(5000), &a) != EM_OK) return 2;
    if (em_stream_accept(&l, em_clock_deadline(5000), &b, NULL) != EM_OK) return 3;
    if (em_thread_start(read_one, &b, "reader", &t) != EM_OK) return 4;
    if (em_stream_write_full(&a, EM_STR("hello"), EM_NEVER) != EM_OK) return 5;
    if (em_stream_read_full(&a, answer, 5, em_clock_deadline(5000)) != EM_OK) return 6;
    em_thread_drop(&t);
    if (em_jobs_create(3, &pool) != EM_OK) return 7;
    em_jobs *jobs = em_jobs_of(&pool);
    for (int i = 0; i < 100; i++) jobs->run(jobs, no_op, NULL, 9);
    em_jobs_pool_drop(&pool);
    if (em_loop_open(NULL, NULL, &loop) != EM_OK) return 8;
    em_loop_watch w = {.fd = a.fd, .ready = readable};
    if (em_loop_add(&loop, &w, EM_LOOP_READ) != EM_OK) return 9;
    em_loop_set(&loop, &timer, em_clock_deadline(5));
    if (em_loop_run(&loop) != EM_OK) return 10;
    em_loop_remove(&loop, &w);
    if (em_stream_end(&a) != EM_OK) return 11;
    em_stream_drop(&a);
    /* the NSM's ioctl passes the filter (and fails on what is no NSM) */
    em_nsm_device nsm = {.stream = b, .device = true};
    static uint8_t response[EM_NSM_MAX_RESPONSE];
    size_t len;
    if (em_nsm_call(&nsm, EM_STR("x"), response, &len) != EM_ERR_NSM) return 12;
    em_note(1, 2, 3);
    EM_LOG(EM_LOG_DEBUG, "not.written");
    return 42;
}

static int connect_tcp(void)
{
    em_stream_listener l = {0};
    em_address at = {.kind = EM_ADDRESS_TCP, .name = "127.0.0.1"};
    em_stream a = {0};

    if (em_stream_listen(&at, &l) != EM_OK) return 1;
    int failed = filter(EM_HARDEN_STREAMS | EM_HARDEN_TCP);
    if (failed) return failed;
    if (em_stream_connect(&l.at, em_clock_deadline(5000), &a) != EM_OK) return 2;
    if (em_stream_write_full(&a, EM_STR("hello"), EM_NEVER) != EM_OK) return 3;
    return 42;
}

static int read_files(void)
{
    uint8_t b[65536];
    size_t n = 0;
    em_map m = {0};
    int failed = filter(EM_HARDEN_READ_FILES);

    if (failed) return failed;
    if (em_file_read("/etc/passwd", b, sizeof b, &n) != EM_OK) return 1;
    if (em_map_file("/etc/passwd", &m) != EM_OK || m.len != n) return 2;
    em_map_drop(&m);
    if (em_file_load("/etc/passwd", sizeof b, &m) != EM_OK) return 3;
    return 42;
}

static void what_a_group_needs_is_allowed(void)
{
    CHECK(run(basis) == 42);
    snprintf(socket_at.name, sizeof socket_at.name, "/tmp/em-test-filter-%d",
             (int)getpid());
    CHECK(run(serve_all) == 42);
    (void)unlink(socket_at.name); /* which the child may not */
    CHECK(run(connect_tcp) == 42);
    CHECK(run(read_files) == 42);
}

/* ---- and what it does not need ends the process ---- */

#define EVERYTHING                                                                       \
    (EM_HARDEN_THREADS | EM_HARDEN_STREAMS | EM_HARDEN_LISTEN | EM_HARDEN_CONNECT |      \
     EM_HARDEN_TCP | EM_HARDEN_NSM | EM_HARDEN_READ_FILES)

#define AFTER(name, groups, call)                                                        \
    static int name(void)                                                                \
    {                                                                                    \
        int failed = filter(groups);                                                     \
        if (failed) return failed;                                                       \
        (void)!(call);                                                                   \
        return 1;                                                                        \
    }

static char *const no_args[] = {NULL};
static const struct timeval no_time;

AFTER(do_exec, EVERYTHING, execve("/bin/true", no_args, no_args))
AFTER(do_fork, EVERYTHING, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
AFTER(do_write_file, EVERYTHING, open("/tmp/em-test-forbidden", O_CREAT | O_WRONLY, 0600))
AFTER(do_write_only, EVERYTHING, open("/dev/null", O_WRONLY))
AFTER(do_unlink, EVERYTHING, unlink("/tmp/em-test-forbidden"))
AFTER(do_udp_raw, EVERYTHING, socket(AF_NETLINK, SOCK_RAW, 0))
AFTER(do_packet, EVERYTHING, socket(AF_PACKET, SOCK_RAW, 0))
AFTER(do_ptrace, EVERYTHING, syscall(SYS_ptrace, 0, 0, 0, 0))
AFTER(do_ioctl, EVERYTHING, ioctl(0, 0x5401, NULL))
AFTER(do_dumpable, EVERYTHING, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
AFTER(do_exec_map, EVERYTHING,
      mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
           -1, 0) == MAP_FAILED)
AFTER(do_exec_protect, EVERYTHING,
      mprotect((void *)((uintptr_t)&no_time & ~4095ul), 4096, PROT_READ | PROT_EXEC))
AFTER(do_listen, EVERYTHING, listen(0, 1))
AFTER(do_bind, EVERYTHING, bind(0, NULL, 0))
AFTER(do_tcp, EM_HARDEN_CONNECT | EM_HARDEN_STREAMS, socket(AF_INET, SOCK_STREAM, 0))
AFTER(do_connect, EM_HARDEN_STREAMS, socket(AF_UNIX, SOCK_STREAM, 0))
AFTER(do_accept, EM_HARDEN_STREAMS, accept4(0, NULL, NULL, 0))
AFTER(do_read, EM_HARDEN_BASIS, read(0, NULL, 0))
AFTER(do_open, EM_HARDEN_STREAMS, open("/etc/passwd", O_RDONLY))
AFTER(do_nsm, EM_HARDEN_STREAMS, ioctl(0, 0xC0200A00, NULL))
AFTER(do_thread, EM_HARDEN_STREAMS, syscall(SYS_clone, 0x50f00, 0, 0, 0, 0))
AFTER(do_time_set, EVERYTHING, syscall(SYS_settimeofday, &no_time, NULL))

static void anything_else_kills(void)
{
    static const struct {
        const char *name;
        int (*child)(void);
    } forbidden[] = {
        {"exec", do_exec},
        {"fork", do_fork},
        {"write a file", do_write_file},
        {"open for writing", do_write_only},
        {"unlink", do_unlink},
        {"netlink", do_udp_raw},
        {"packet", do_packet},
        {"ptrace", do_ptrace},
        {"ioctl", do_ioctl},
        {"dumpable", do_dumpable},
        {"executable map", do_exec_map},
        {"executable protect", do_exec_protect},
        {"listen", do_listen},
        {"bind", do_bind},
        {"tcp without TCP", do_tcp},
        {"socket without CONNECT", do_connect},
        {"accept without LISTEN", do_accept},
        {"read without STREAMS", do_read},
        {"open without READ_FILES", do_open},
        {"nsm without NSM", do_nsm},
        {"thread without THREADS", do_thread},
        {"set the time", do_time_set},
    };
    for (size_t i = 0; i < EM_COUNT(forbidden); i++) {
        test_note("%s", forbidden[i].name);
        CHECK(run(forbidden[i].child) == KILLED + SIGSYS);
    }
}

static void just_exec(void *arg)
{
    (void)arg;
    em_thread_sleep_ms(50);
    (void)execve("/bin/true", no_args, no_args);
}

static int filter_reaches_threads(void)
{
    em_thread t = {0};

    if (em_thread_start(just_exec, NULL, "older", &t) != EM_OK) return 1;
    int failed = filter(EM_HARDEN_THREADS);
    if (failed) return failed;
    em_thread_drop(&t);
    return 2;
}

#if defined(__x86_64__)
/* the same number through the 32-bit and the x32 door is another call */
static int do_x32(void)
{
    int failed = filter(EVERYTHING);

    if (failed) return failed;
    (void)syscall(0x40000000 + SYS_getpid);
    return 1;
}

static int do_int80(void)
{
    int failed = filter(EVERYTHING);
    long result;

    if (failed) return failed;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
    return 1;
}
#endif

static void the_filter_covers_older_threads_and_other_doors(void)
{
    CHECK(run(filter_reaches_threads) == KILLED + SIGSYS);
#if defined(__x86_64__)
    CHECK(run(do_x32) == KILLED + SIGSYS);
    int died = run(do_int80);
    CHECK(died == KILLED + SIGSYS || died == KILLED + SIGSEGV); /* no 32-bit kernel */
#endif
}

static int probe(void)
{
    return filter(EM_HARDEN_BASIS);
}

#endif

int main(void)
{
    RUN(rights_and_environment_are_gone);
    RUN(descriptors_are_raised_as_far_as_allowed);
    RUN(memory_is_locked_or_it_says_so);
#if defined(EM_SANITIZED)
    test_skip("filter", "sanitizers need system calls that the filter forbids");
#else
    if (run(probe) == 77) {
        test_skip("filter", "this kernel has no seccomp filters");
        return test_end();
    }
    RUN(what_a_group_needs_is_allowed);
    RUN(anything_else_kills);
    RUN(the_filter_covers_older_threads_and_other_doors);
#endif
    return test_end();
}
