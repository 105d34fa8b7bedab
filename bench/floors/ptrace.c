// What a breakpoint costs at the least: a tracer in C that does nothing per hit but send the thread to a displaced copy.
// usage: ptrace HITS CPU     (tracer and tracee on that processor)
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

__attribute__((naked, noinline, aligned(64))) int probed(int a, int b)
{
    __asm__("push %rbp\n lea (%rdi,%rsi,1),%eax\n pop %rbp\n ret");
}

// The displaced first instruction, and the way back behind it.
__attribute__((naked, aligned(64))) void slot(void)
{
    __asm__("push %rbp\n jmp probed+1");
}

static double nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
    long hits = atol(argv[1]);
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(atoi(argv[2]), &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        int (*volatile call)(int, int) = probed;
        int sum = 0;
        double start = nanoseconds();
        for (long i = 0; i < hits; i++)
            sum += call(i, sum);
        printf("%.1f\n", (nanoseconds() - start) / hits);
        fflush(stdout);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    long word = ptrace(PTRACE_PEEKTEXT, child, probed, 0);
    ptrace(PTRACE_POKETEXT, child, probed, (word & ~0xffL) | 0xcc);
    ptrace(PTRACE_CONT, child, 0, 0);
    while (waitpid(child, &status, 0) > 0 && !WIFEXITED(status)) {
        struct user_regs_struct registers;
        if (!WIFSTOPPED(status))
            return 1;
        ptrace(PTRACE_GETREGS, child, 0, &registers);
        registers.rip = (uintptr_t)slot;
        ptrace(PTRACE_SETREGS, child, 0, &registers);
        ptrace(PTRACE_CONT, child, 0, 0);
    }
    return 0;
}
