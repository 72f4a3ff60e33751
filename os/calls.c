#include "os/filter_impl.h"
#include "os/harden.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define CALL(group, name)                                                                \
    {                                                                                    \
        EM_HARDEN_##group, SYS_##name, 0, false, 0, 0, 0                                 \
    }
#define CALL_IF(group, name, arg, mask, value)                                           \
    {                                                                                    \
        EM_HARDEN_##group, SYS_##name, 0, true, arg, mask, value                         \
    }
#define CALL_FAILS(group, name, answer)                                                  \
    {                                                                                    \
        EM_HARDEN_##group, SYS_##name, answer, false, 0, 0, 0                            \
    }

static const em_filter_rule rules[] = {
    /* waiting and waking comes first: the list is walked from its start */
    CALL(BASIS, futex),
    CALL(STREAMS, read),
    CALL(BASIS, write),
    CALL(STREAMS, sendto),
    CALL(STREAMS, recvfrom),
    CALL(STREAMS, epoll_pwait),
    CALL(STREAMS, ppoll),

    /* no page is ever both new and executable, none becomes executable */
    CALL_IF(BASIS, mmap, 2, PROT_EXEC, 0),
    CALL_IF(BASIS, mprotect, 2, PROT_EXEC, 0),
    CALL(BASIS, munmap),
    CALL(BASIS, mremap),
    CALL(BASIS, madvise),
    CALL(BASIS, mincore),
    CALL(BASIS, mlock),
    CALL(BASIS, munlock),
    CALL(BASIS, brk),
    CALL(BASIS, clock_gettime),
    CALL(BASIS, gettimeofday),
    CALL(BASIS, clock_nanosleep),
    CALL(BASIS, nanosleep),
    CALL(BASIS, getrandom),
    CALL(BASIS, writev),
    CALL(BASIS, close),
    CALL(BASIS, fstat),
    CALL(BASIS, newfstatat),
    CALL_IF(BASIS, fcntl, 1, UINT32_MAX, F_GETFL),
    CALL_IF(BASIS, fcntl, 1, UINT32_MAX, F_SETFL),
    CALL_IF(BASIS, fcntl, 1, UINT32_MAX, F_SETFD),
    CALL(BASIS, rt_sigreturn),
    CALL(BASIS, rt_sigprocmask),
    CALL(BASIS, rt_sigaction),
    CALL(BASIS, restart_syscall),
    CALL(BASIS, sched_yield),
    CALL(BASIS, sched_getaffinity),
    CALL(BASIS, sysinfo), /* qsort() asks how much memory there is */
    CALL(BASIS, getpid),
    CALL(BASIS, gettid),
    CALL(BASIS, tgkill), /* abort() */
    CALL(BASIS, exit),
    CALL(BASIS, exit_group),

    /* clone3 hides its flags behind a pointer; libc then takes clone */
    CALL_FAILS(THREADS, clone3, ENOSYS),
    CALL_IF(THREADS, clone, 0, CLONE_VM | CLONE_THREAD, CLONE_VM | CLONE_THREAD),
    CALL(THREADS, set_robust_list),
    CALL(THREADS, rseq),
    CALL_IF(THREADS, prctl, 0, UINT32_MAX, PR_SET_NAME),

    CALL(STREAMS, readv),
    CALL(STREAMS, sendmsg),
    CALL(STREAMS, recvmsg),
    CALL(STREAMS, shutdown),
    CALL(STREAMS, getsockopt),
    CALL(STREAMS, setsockopt),
    CALL(STREAMS, epoll_create1),
    CALL(STREAMS, epoll_ctl),
    CALL(STREAMS, eventfd2),

    CALL(LISTEN, accept4),
    CALL_IF(CONNECT, socket, 0, UINT32_MAX, AF_UNIX),
    CALL_IF(CONNECT, socket, 0, UINT32_MAX, AF_VSOCK),
    CALL(CONNECT, connect),
    CALL_IF(TCP, socket, 0, UINT32_MAX, AF_INET),
    CALL_IF(TCP, socket, 0, UINT32_MAX, AF_INET6),
    CALL(TCP, connect),

    CALL_IF(NSM, ioctl, 1, UINT32_MAX, 0xC0200A00),

    CALL_IF(READ_FILES, openat, 2, O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND, O_RDONLY),
    CALL(READ_FILES, read),
    CALL(READ_FILES, pread64),
    CALL(READ_FILES, lseek),
    CALL(READ_FILES, statx),
    CALL(READ_FILES, getdents64),

#if defined(__x86_64__)
    /* what newer machines never had */
    CALL(BASIS, time),
    CALL(STREAMS, poll),
    CALL(STREAMS, epoll_wait),
#endif
};

const em_filter_rule *em_calls(size_t *ret_n)
{
    *ret_n = EM_COUNT(rules);
    return rules;
}
