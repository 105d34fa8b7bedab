// Leaves functions by other ways than their return. `long N`: longjmp out of six calls. `signal N`: siglongjmp from a
// signal handler. `context N`: 100 coroutines that switch inside nested calls, N rounds. `go N`: all three.
#include "target.h"
#include <setjmp.h>
#include <ucontext.h>

DEFINE_WORK
static jmp_buf out;
static sigjmp_buf out_of_handler;

KEPT long descend(long depth, long value)
{
    if (depth == 0) longjmp(out, (int)(value & 0xffff) + 1);
    return descend(depth - 1, value + 1) + 1;
}
static unsigned long by_longjmp(long i) // seven calls of descend, none of which returns
{
    int came = setjmp(out);
    return came ? (unsigned long)came : (unsigned long)descend(6, i);
}

static void handler(int signal) { work(signal, 1); siglongjmp(out_of_handler, signal); }
KEPT long raiser(long depth) { if (depth == 0) raise(SIGUSR1); return depth ? raiser(depth - 1) + 1 : 0; }
static unsigned long by_signal(void)
{
    int came = sigsetjmp(out_of_handler, 1);
    return came ? (unsigned long)came : (unsigned long)raiser(3);
}

enum { COROUTINES = 100, STACK = 32 * 1024 };
static ucontext_t scheduler, coroutine[COROUTINES];
static char stacks[COROUTINES][STACK] __attribute__((aligned(16)));
static unsigned long sums[COROUTINES];
static int current;

KEPT long yields(long depth, long value) // switches away at the bottom, comes back, then returns through all levels
{
    if (depth == 0) { int mine = current; swapcontext(&coroutine[mine], &scheduler); return value; }
    return yields(depth - 1, value + depth) + 1;
}
static void routine(int index, int rounds)
{
    for (int i = 0; i < rounds; i++) sums[index] = mix(sums[index], yields(1 + index % 5, i));
}
static unsigned long by_context(long rounds)
{
    unsigned long sum = 1;
    for (int i = 0; i < COROUTINES; i++) {
        sums[i] = i;
        getcontext(&coroutine[i]);
        coroutine[i].uc_stack.ss_sp = stacks[i];
        coroutine[i].uc_stack.ss_size = STACK;
        coroutine[i].uc_link = &scheduler;
        makecontext(&coroutine[i], (void (*)(void))routine, 2, i, (int)rounds);
    }
    for (long round = 0; round <= rounds; round++) // one more for the ends
        for (int k = 0; k < COROUTINES; k++) {
            current = (int)((k * 37 + round) % COROUTINES); // another order each round
            swapcontext(&scheduler, &coroutine[current]);
        }
    for (int i = 0; i < COROUTINES; i++) sum = mix(sum, sums[i]);
    return sum;
}

int main(void)
{
    struct command c;
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR1, &action, NULL);
    ready();
    while (next_command(&c)) {
        unsigned long sum = 1;
        int all = is(&c, "go");
        for (long i = 0; i < c.a && (all || is(&c, "long")); i++) sum = mix(sum, by_longjmp(i));
        for (long i = 0; i < c.a && (all || is(&c, "signal")); i++) sum = mix(sum, by_signal());
        if (all || is(&c, "context")) sum = mix(sum, by_context(c.a));
        result(sum);
    }
    return 0;
}
