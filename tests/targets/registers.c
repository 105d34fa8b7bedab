// All that a thread's registers hold, through instructions of many kinds: `go N` loads every general register, the flags, x87, SSE and
// AVX state and 128 bytes below rsp with patterns of its own, runs `body`, whose instructions change nothing in the end, and
// compares what is there afterwards. The result counts differences, each with a line.
#define _GNU_SOURCE
#include "target.h"
#include <cpuid.h>

enum { XSAVE_MAX = 16384, GPRS = 14, RED = 16 };
struct state { unsigned long gpr[GPRS], flags, red[RED]; };
static _Alignas(64) unsigned char wanted_area[XSAVE_MAX], got_area[XSAVE_MAX], own_area[XSAVE_MAX];
struct state r_wanted, r_got;
unsigned char *r_wanted_area = wanted_area, *r_got_area = got_area, *r_own_area = own_area;
unsigned long r_rsp;
void r_run(void);

// The order of struct state: rax rbx rcx rdx rsi rdi rbp r8 to r15 (r15 is used to load, and is not among them until last).
asm(".text\n.globl r_run\n.type r_run, @function\nr_run:\n"
    "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
    "mov %rsp, r_rsp(%rip)\n"
    "sub $512, %rsp\n"
    "mov $7, %eax\n xor %edx, %edx\n"
    "mov r_own_area(%rip), %rcx\n xsave64 (%rcx)\n"
    "mov r_wanted_area(%rip), %rcx\n xrstor64 (%rcx)\n"
    "lea r_wanted(%rip), %r15\n"
    "lea 120(%r15), %rsi\n lea -128(%rsp), %rdi\n mov $16, %ecx\n cld\n rep movsq\n"
    "mov 0(%r15), %rax\n mov 8(%r15), %rbx\n mov 16(%r15), %rcx\n mov 24(%r15), %rdx\n mov 32(%r15), %rsi\n mov 40(%r15), %rdi\n"
    "mov 48(%r15), %rbp\n mov 56(%r15), %r8\n mov 64(%r15), %r9\n mov 72(%r15), %r10\n mov 80(%r15), %r11\n mov 88(%r15), %r12\n"
    "mov 96(%r15), %r13\n mov 104(%r15), %r14\n"
    "lea 136(%rsp), %rsp\n push 112(%r15)\n popf\n lea -136(%rsp), %rsp\n" // the pushed word lies above the red zone
    "jmp r_body\n"
    "r_done:\n"
    "lea 136(%rsp), %rsp\n pushf\n pop r_got+112(%rip)\n lea -136(%rsp), %rsp\n"
    "mov %rax, r_got+0(%rip)\n mov %rbx, r_got+8(%rip)\n mov %rcx, r_got+16(%rip)\n mov %rdx, r_got+24(%rip)\n mov %rsi, r_got+32(%rip)\n"
    "mov %rdi, r_got+40(%rip)\n mov %rbp, r_got+48(%rip)\n mov %r8, r_got+56(%rip)\n mov %r9, r_got+64(%rip)\n mov %r10, r_got+72(%rip)\n"
    "mov %r11, r_got+80(%rip)\n mov %r12, r_got+88(%rip)\n mov %r13, r_got+96(%rip)\n mov %r14, r_got+104(%rip)\n"
    "cld\n lea r_got+120(%rip), %rdi\n lea -128(%rsp), %rsi\n mov $16, %ecx\n rep movsq\n"
    "mov $7, %eax\n xor %edx, %edx\n"
    "mov r_got_area(%rip), %rcx\n xsave64 (%rcx)\n"
    "mov r_own_area(%rip), %rcx\n xrstor64 (%rcx)\n"
    "mov r_rsp(%rip), %rsp\n"
    "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n.size r_run, . - r_run\n"
    // Every instruction of this is probed.
    ".globl r_body\n.type r_body, @function\nr_body:\n"
    "nop\n lea 0(%rax), %rax\n mov %rbx, %rbx\n xchg %rcx, %rdx\n xchg %rcx, %rdx\n bswap %rsi\n bswap %rsi\n not %rdi\n not %rdi\n"
    "jmp 1f\n 1: jc 2f\n 2: jz 3f\n 3: jns 4f\n 4: js 5f\n 5: jo 6f\n 6: jnp 7f\n 7: cmc\n cmc\n"
    "lea -8(%rsp), %rsp\n lea 8(%rsp), %rsp\n movaps %xmm3, %xmm3\n pxor %xmm1, %xmm2\n pxor %xmm1, %xmm2\n vorps %ymm5, %ymm5, %ymm5\n"
    "xchg %r8, -128(%rsp)\n xchg %r8, -128(%rsp)\n xchg %r9, -8(%rsp)\n xchg %r9, -8(%rsp)\n"
    "fxch %st(1)\n fxch %st(1)\n nopw 0(%rax,%rax,1)\n xchg %r10, r_rsp(%rip)\n xchg %r10, r_rsp(%rip)\n"
    "mov r_rsp(%rip), %r15\n vpermilpd $5, %ymm7, %ymm7\n vpermilpd $5, %ymm7, %ymm7\n lfence\n"
    "jmp r_done\n.size r_body, . - r_body\n");

static unsigned long seed = 88172645463325252UL;
static unsigned long next(void) { seed ^= seed << 13; seed ^= seed >> 7; return seed ^= seed << 17; }

static unsigned long wrong;
static void compare(const char *what, const void *got, const void *want, size_t size)
{
    if (memcmp(got, want, size) == 0) return;
    wrong++;
    printf("wrong %s\n", what);
}

static void once(int ymm)
{
    static const unsigned long flags[] = {1, 4, 0x10, 0x40, 0x80, 0x400, 0x800};
    for (int i = 0; i < GPRS; i++) r_wanted.gpr[i] = next();
    for (int i = 0; i < RED; i++) r_wanted.red[i] = next();
    r_wanted.flags = 0x202;
    unsigned long chosen = next();
    for (int i = 0; i < 7; i++) if (chosen >> i & 1) r_wanted.flags |= flags[i];
    // Legacy region: control, status, tag, MXCSR, eight x87 and sixteen SSE registers; XSTATE_BV says that all of it is valid.
    memset(wanted_area, 0, sizeof wanted_area);
    *(unsigned short *)wanted_area = (unsigned short)(0x037f | (chosen >> 8 & 3) << 10);
    wanted_area[4] = 0xff;
    *(unsigned *)(wanted_area + 24) = 0x1f80 | (unsigned)(chosen >> 10 & 3) << 13 | (unsigned)(chosen >> 12 & 0x3f);
    for (int i = 0; i < 8; i++) { unsigned char *r = wanted_area + 32 + 16 * i; *(unsigned long *)r = next() | 1UL << 63; *(unsigned short *)(r + 8) = 0x3fff; }
    for (int i = 0; i < 32; i++) ((unsigned long *)(wanted_area + 160))[i] = next();
    for (int i = 0; i < 32; i++) ((unsigned long *)(wanted_area + ymm))[i] = next();
    *(unsigned long *)(wanted_area + 512) = 7;
    r_run();
    compare("general registers", r_got.gpr, r_wanted.gpr, sizeof r_got.gpr);
    compare("flags", &r_got.flags, &r_wanted.flags, sizeof r_got.flags);
    compare("red zone", r_got.red, r_wanted.red, sizeof r_got.red);
    compare("x87 control", got_area, wanted_area, 2);
    compare("x87 tags", got_area + 4, wanted_area + 4, 1);
    compare("mxcsr", got_area + 24, wanted_area + 24, 4);
    for (int i = 0; i < 8; i++) compare("x87 register", got_area + 32 + 16 * i, wanted_area + 32 + 16 * i, 10);
    compare("sse registers", got_area + 160, wanted_area + 160, 256);
    compare("avx registers", got_area + ymm, wanted_area + ymm, 256);
}

int main(void)
{
    unsigned a, ymm = 0, c, d;
    __cpuid_count(13, 2, a, ymm, c, d); // where the upper halves of the AVX registers are saved
    if (ymm == 0) { puts("missing AVX"); return 2; }
    struct command command;
    ready();
    while (next_command(&command)) {
        wrong = 0;
        for (long i = 0; i < command.a; i++) once((int)ymm);
        result(wrong);
    }
    return 0;
}
