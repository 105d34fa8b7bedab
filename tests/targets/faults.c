// Instructions that fault, in named functions; the handler records where the kernel says it happened. `load N`, `store N`,
// `div N`, `ud2 N`, `call N` (of an unmapped address): that fault N times, left by the handler with siglongjmp. `repair N`:
// the page that load_page reads is unreadable, the handler repairs it and the instruction starts again. `go N`: all of them.
// Each prints `fault NAME signo S code C`; the result counts what was not as it must be (RIP, si_addr, si_code, value).
#define _GNU_SOURCE
#include "target.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

// Each faulting instruction is the first of its function, so that a probe on the entry displaces it.
#define FAULTING(name, instructions) long name(long); \
    asm(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n" instructions "\n ret\n.size " #name ", . - " #name "\n");
FAULTING(fault_load, "mov 0x10, %eax")
FAULTING(fault_store, "movl $1, 0x20")
FAULTING(fault_div, "divl zero(%rip)")
FAULTING(fault_ud2, "ud2")
FAULTING(fault_call, "call *wild(%rip)")
FAULTING(load_page, "mov (%rdi), %rax")
unsigned zero;
unsigned long wild = 0x1000;

static sigjmp_buf recover;
static volatile int signo, code, repairing, repairs;
static volatile unsigned long rip, address;
static char *page;

static void handler(int signal, siginfo_t *info, void *context)
{
    signo = signal;
    code = info->si_code;
    rip = (unsigned long)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    address = (unsigned long)info->si_addr;
    if (!repairing) siglongjmp(recover, 1);
    repairs++;
    mprotect(page, 4096, PROT_READ);
}

static const struct { const char *name; long (*function)(long); int signo, code; long rip, address; } cases[] = {
    {"load", fault_load, SIGSEGV, SEGV_MAPERR, 0, 0x10}, // address: absolute below a page, else an offset into the function
    {"store", fault_store, SIGSEGV, SEGV_MAPERR, 0, 0x20},
    {"div", fault_div, SIGFPE, FPE_INTDIV, 0, 0},
    {"ud2", fault_ud2, SIGILL, ILL_ILLOPN, 0, 0},
    {"call", fault_call, SIGSEGV, SEGV_MAPERR, -1, 0x1000},
};

static int one(int k)
{
    unsigned long function = (unsigned long)cases[k].function;
    if (sigsetjmp(recover, 1) == 0) { cases[k].function(1); return 1; }
    unsigned long want_rip = cases[k].rip < 0 ? wild : function;
    unsigned long want_address = cases[k].address ? (unsigned long)cases[k].address : function;
    int bad = signo != cases[k].signo || code != cases[k].code || rip != want_rip || address != want_address;
    if (bad)
        printf("wrong %s signo %d code %d rip %#lx want %#lx addr %#lx want %#lx\n", cases[k].name, signo, code, rip, want_rip, address, want_address);
    return bad;
}

static int repair(long i)
{
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    *(long *)page = i + 3;
    mprotect(page, 4096, PROT_NONE);
    repairing = 1, repairs = 0;
    long value = load_page((long)page);
    repairing = 0;
    int bad = value != i + 3 || repairs != 1 || rip != (unsigned long)load_page || address != (unsigned long)page || code != SEGV_ACCERR;
    mprotect(page, 4096, PROT_READ | PROT_WRITE);
    return bad;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct command c;
    ready();
    while (next_command(&c)) {
        unsigned long bad = 0;
        int known = is(&c, "repair") || is(&c, "go");
        for (int k = 0; k < (int)(sizeof cases / sizeof *cases); k++)
            if (is(&c, cases[k].name) || is(&c, "go")) {
                known = 1;
                for (volatile long i = 0; i < c.a; i++) bad += one(k);
                if (c.a) printf("fault %s signo %d code %d\n", cases[k].name, signo, code);
            }
        if (is(&c, "repair") || is(&c, "go"))
            for (volatile long i = 0; i < c.a; i++) bad += repair(i);
        if (known) result(bad); else unknown(&c);
    }
    return 0;
}
