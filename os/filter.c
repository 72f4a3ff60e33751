#include "os/filter_impl.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000u
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

enum { MOST = 1024 };

typedef struct program {
    struct sock_filter at[MOST];
    unsigned short n;
    bool full;
} program;

static void add(program *p, unsigned code, uint32_t k, unsigned jt, unsigned jf)
{
    if (p->n == MOST) {
        p->full = true;
        return;
    }
    p->at[p->n++] = (struct sock_filter){(uint16_t)code, (uint8_t)jt, (uint8_t)jf, k};
}

static void load(program *p, size_t offset)
{
    add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(program *p, uint32_t what)
{
    add(p, BPF_RET | BPF_K, what, 0, 0);
}

static void add_rule(program *p, const em_filter_rule *r)
{
    uint32_t what =
        r->answer == 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | (uint32_t)r->answer;

    if (!r->checked) {
        add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->number, 0, 1);
        answer(p, what);
        return;
    }
    /* both machines are little-endian: the low half of an argument comes first */
    add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->number, 0, 5);
    load(p, offsetof(struct seccomp_data, args) + r->arg * sizeof(uint64_t));
    add(p, BPF_ALU | BPF_AND | BPF_K, r->mask, 0, 0);
    add(p, BPF_JMP | BPF_JEQ | BPF_K, r->value, 0, 1);
    answer(p, what);
    load(p, offsetof(struct seccomp_data, nr));
}

em_err em_filter_install(const em_filter_rule *rules, size_t n, unsigned groups)
{
#if defined(ARCH)
    program p = {.n = 0};

    /* a call of another ABI has other numbers: not one of them is known here */
    load(&p, offsetof(struct seccomp_data, arch));
    add(&p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    answer(&p, SECCOMP_RET_KILL_PROCESS);
    load(&p, offsetof(struct seccomp_data, nr));
#if defined(X32_BIT)
    add(&p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
    answer(&p, SECCOMP_RET_KILL_PROCESS);
#endif
    for (size_t i = 0; i < n; i++)
        if (rules[i].group == 0 || (rules[i].group & groups) != 0)
            add_rule(&p, &rules[i]);
    answer(&p, SECCOMP_RET_KILL_PROCESS);
    if (p.full) return EM_ERR_FULL;

    struct sock_fprog prog = {.len = p.n, .filter = p.at};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return EM_ERR_DENIED;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog) !=
        0)
        return errno == ENOSYS || errno == EINVAL ? EM_ERR_UNSUPPORTED : EM_ERR_DENIED;
    return EM_OK;
#else
    (void)rules;
    (void)n;
    (void)groups;
    return EM_ERR_UNSUPPORTED;
#endif
}
