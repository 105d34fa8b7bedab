// Leaves functions in every way but their return, at places of the stack that are used again at once.
// `leap N`: leaps(i) jumps out N times, to where its return would have led. `sometimes N`: only for even i; N/2 returns.
// `alt N`: raises() is left by siglongjmp from lands(), called by a handler on an alternate stack.
// `hop N`: hops(i) is left by setcontext for even i. `abandon N`: N coroutines on one stack call parks(i); odd ones are
// taken up again and return. `homemade N`: the same with a switch of our own. `static`, with musl, lacks the contexts.
#include "target.h"
#include <setjmp.h>

static jmp_buf out;
static sigjmp_buf out_of_handler;

KEPT long leaps(long i) { if (i % 2 == 0) longjmp(out, 1); return i; }
KEPT static unsigned long leap(long n, long step)
{
    volatile unsigned long sum = 1;
    for (volatile long i = 0; i < n; i++) {
        if (setjmp(out) == 0) leaps(i * step);
        sum = mix(sum, (unsigned long)i);
    }
    return sum;
}

KEPT void lands(int signal) { siglongjmp(out_of_handler, signal); }
KEPT long raises(long i) { raise(SIGUSR2); return i; }
KEPT static unsigned long alt(long n)
{
    volatile unsigned long sum = 1;
    for (volatile long i = 0; i < n; i++) {
        if (sigsetjmp(out_of_handler, 1) == 0) raises(i);
        sum = mix(sum, (unsigned long)i);
    }
    return sum;
}

enum { STACK = 32 * 1024 };
static char stack[STACK] __attribute__((aligned(16)));
static long round_number;
static unsigned long parked_sum;

// Saves the callee's registers on the stack, keeps its pointer in *save and goes on where another one was kept.
void switch_stack(void **save, void *to);
asm(".text\n.globl switch_stack\n.type switch_stack, @function\nswitch_stack:\n"
    "  push %rbp\n  push %rbx\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n  mov %rsp, (%rdi)\n  mov %rsi, %rsp\n"
    "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbx\n  pop %rbp\n  ret\n.size switch_stack, . - switch_stack\n");
static void *main_stack, *own_stack;
KEPT long homes(long i) { switch_stack(&own_stack, main_stack); return i; }
static void home_body(void)
{
    parked_sum = mix(parked_sum, homes(round_number));
    switch_stack(&own_stack, main_stack);
}
static unsigned long homemade(long n)
{
    parked_sum = 1;
    for (round_number = 0; round_number < n; round_number++) {
        void **top = (void **)(stack + STACK - 64);
        *--top = NULL; // the alignment that a call leaves
        *--top = (void *)home_body;
        top -= 6;
        memset(top, 0, 6 * sizeof *top);
        switch_stack(&main_stack, top);
        if (round_number % 2) switch_stack(&main_stack, own_stack);
    }
    return parked_sum;
}

#ifdef __GLIBC__
#include <ucontext.h>
static ucontext_t here, scheduler, coroutine;
KEPT long hops(long i) { if (i % 2 == 0) setcontext(&here); return i; }
KEPT static unsigned long hop(long n)
{
    volatile unsigned long sum = 1;
    for (volatile long i = 0; i < n; i++) {
        volatile int came = 0;
        getcontext(&here);
        if (!came) { came = 1; hops(i); }
        sum = mix(sum, (unsigned long)i);
    }
    return sum;
}
KEPT long parks(long i) { swapcontext(&coroutine, &scheduler); return i; }
static void park_body(void) { parked_sum = mix(parked_sum, parks(round_number)); }
static unsigned long abandon(long n)
{
    parked_sum = 1;
    for (round_number = 0; round_number < n; round_number++) {
        getcontext(&coroutine);
        coroutine.uc_stack.ss_sp = stack;
        coroutine.uc_stack.ss_size = STACK;
        coroutine.uc_link = &scheduler;
        makecontext(&coroutine, park_body, 0);
        swapcontext(&scheduler, &coroutine);
        if (round_number % 2) swapcontext(&scheduler, &coroutine);
    }
    return parked_sum;
}
#else
static unsigned long hop(long n) { return (unsigned long)n; }
static unsigned long abandon(long n) { return (unsigned long)n; }
#endif

int main(void)
{
    static char signal_stack[64 * 1024];
    struct command c;
    stack_t alternate = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
    struct sigaction action = {.sa_handler = lands, .sa_flags = SA_ONSTACK};
    sigaltstack(&alternate, NULL);
    sigaction(SIGUSR2, &action, NULL);
    ready();
    while (next_command(&c)) {
        if (is(&c, "leap")) result(leap(c.a, 2));
        else if (is(&c, "sometimes")) result(leap(c.a, 1));
        else if (is(&c, "alt")) result(alt(c.a));
        else if (is(&c, "hop")) result(hop(c.a));
        else if (is(&c, "abandon")) result(abandon(c.a));
        else if (is(&c, "homemade")) result(homemade(c.a));
        else unknown(&c);
    }
    return 0;
}
