// A thread on the smallest stack there is, with a signal handler on the smallest alternate stack. `go N`: the thread goes 40 calls deep,
// N times, calls work at the bottom, and gets SIGUSR1 each time, whose handler calls work on the alternate stack.
// The words on both sides of the alternate stack are checked: the result counts wrong answers and overwritten words.
#define _GNU_SOURCE
#include "target.h"
#include <limits.h>
#include <pthread.h>
#include <sys/mman.h>

DEFINE_WORK
static volatile unsigned long wrong, handled;
static long alternate_size;

KEPT long deep(long depth, long value)
{
    if (depth == 0) { raise(SIGUSR1); return work(value, value); }
    return deep(depth - 1, value) + 1;
}
static void handler(int signal)
{
    handled++;
    if (work(signal, 2) != signal * 3 + (2 ^ 0x55) + (signal >> 2)) wrong++;
}

static void *body(void *count)
{
    enum { WORDS = 64 };
    static unsigned long below[WORDS], above[WORDS];
    unsigned long *area = mmap(NULL, (size_t)alternate_size + 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *stack = (char *)area + 4096;
    for (int i = 0; i < WORDS; i++) {
        below[i] = ((unsigned long *)stack)[-1 - i] = 0x1111111111111111UL * (unsigned)(i % 15 + 1);
        above[i] = ((unsigned long *)(stack + alternate_size))[i] = ~below[i];
    }
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = (size_t)alternate_size}, NULL);
    for (long i = 0; i < (long)count; i++)
        if (deep(40, i) != i * 3 + (i ^ 0x55) + (i >> 2) + 40) wrong++;
    for (int i = 0; i < WORDS; i++)
        if (((unsigned long *)stack)[-1 - i] != below[i] || ((unsigned long *)(stack + alternate_size))[i] != above[i]) wrong++;
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    munmap(area, (size_t)alternate_size + 8192);
    return NULL;
}

int main(void)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    alternate_size = (sysconf(_SC_MINSIGSTKSZ) + 512 + 15) & ~15L; // the frame, and a few calls
    struct command c;
    ready();
    while (next_command(&c)) {
        pthread_attr_t attributes;
        pthread_t thread;
        wrong = handled = 0;
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, 16384);
        if (pthread_create(&thread, &attributes, body, (void *)c.a)) abort();
        pthread_join(thread, NULL);
        pthread_attr_destroy(&attributes);
        result(wrong + (handled != (unsigned long)c.a));
    }
    return 0;
}
