/* A processor without AVX-512, for programs that ask CPUID and offer no switch: preloaded
 * into a copy whose CPUID instructions were replaced by UD2 (hold_avx2.py), it answers
 * those traps as the processor would, less AVX-512, AVX-VNNI and AMX.  For measuring
 * only.
 *
 * Trust:  none.
 * Memory: none. */
#include <cpuid.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

enum { FEATURES = 7 };

/* AVX-512 F DQ IFMA PF ER CD BW VL; VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ; 4VNNIW, 4FMAPS,
 * VP2INTERSECT, FP16, AMX; AVX-VNNI, AVX512_BF16, AVX-IFMA, AMX-FP16, AVX-VNNI-INT8,
 * -INT16, AVX10 */
static const unsigned hide_ebx =
    1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31;
static const unsigned hide_ecx = 1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14;
static const unsigned hide_edx =
    1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25;
static const unsigned hide_1_eax = 1u << 4 | 1u << 5 | 1u << 21 | 1u << 23;
static const unsigned hide_1_edx = 1u << 4 | 1u << 10 | 1u << 19;

static void answer(int signal_number, siginfo_t *info, void *context)
{
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *at = (const unsigned char *)regs[REG_RIP];
    unsigned leaf = (unsigned)regs[REG_RAX], sub = (unsigned)regs[REG_RCX], a, b, c, d;

    (void)info;
    if (at[0] != 0x0F || at[1] != 0x0B) { /* a trap of the program's own */
        signal(signal_number, SIG_DFL);
        return;
    }
    __cpuid_count(leaf, sub, a, b, c, d);
    if (leaf == FEATURES && sub == 0) b &= ~hide_ebx, c &= ~hide_ecx, d &= ~hide_edx;
    if (leaf == FEATURES && sub == 1) a &= ~hide_1_eax, d &= ~hide_1_edx;
    regs[REG_RAX] = a, regs[REG_RBX] = b, regs[REG_RCX] = c, regs[REG_RDX] = d;
    regs[REG_RIP] += 2;
}

__attribute__((constructor)) static void answer_from_now_on(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = answer;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGILL, &action, NULL);
}
