// A function called N times for each number that is read; prints the nanoseconds that a call took.
// usage: hot [CPU]     (on that processor)
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

__attribute__((naked, noinline, aligned(64))) int probed(int a, int b)
{
    __asm__("push %rbp\n lea (%rdi,%rsi,1),%eax\n pop %rbp\n ret");
}

static double nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
    alarm(600); // Never left behind.
    if (argc > 1) {
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        CPU_SET(atoi(argv[1]), &cpus);
        sched_setaffinity(0, sizeof cpus, &cpus);
    }
    char line[64];
    int (*volatile call)(int, int) = probed;
    while (fgets(line, sizeof line, stdin)) {
        long calls = atol(line);
        int sum = 0;
        double start = nanoseconds();
        for (long i = 0; i < calls; i++)
            sum += call(i, sum);
        printf("%.1f\n", (nanoseconds() - start) / calls);
        fflush(stdout);
    }
}
