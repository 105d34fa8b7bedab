// A running program to be measured. Reads commands, answers each with a line:
//   call TURNS CALLS PAUSE calls work(i, sum, 7) in turns, PAUSE microseconds apart: the best turn's nanoseconds a call
//   stepped TURNS CALLS    the same of a function whose first instruction the kernel's uprobes have to single-step
//   threads K TURNS CALLS  the same in K threads at once: the mean of their best
//   pace RATE SECONDS      calls at that rate a second: calls made, seconds taken
//   crowd K                K threads more, which call and sleep in turn until the end
//   made                   how often work was called so far
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

__attribute__((naked, noinline, aligned(64))) long work(long a, long b, long c)
{
    __asm__("push %rbp\n mov %rsp,%rbp\n lea (%rdi,%rsi,1),%eax\n pop %rbp\n ret");
}

__attribute__((naked, noinline, aligned(64))) long stepped(long a, long b, long c)
{
    __asm__("lea (%rdi,%rsi,1),%eax\n nopl 0(%rax)\n ret");
}

static long (*volatile probed)(long, long, long) = work;
static long made;

static double nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

struct share {
    pthread_t thread;
    int turns, calls, pause;
    double best;
};

static void *calling(void *data)
{
    struct share *share = data;
    long sum = 0;
    share->best = 1e9;
    for (int turn = 0; turn < share->turns; turn++) {
        double start = nanoseconds();
        for (long i = 0; i < share->calls; i++)
            sum += probed(i, sum, 7);
        double one = (nanoseconds() - start) / share->calls;
        if (one < share->best)
            share->best = one;
        if (share->pause)
            usleep(share->pause);
    }
    __atomic_add_fetch(&made, (long)share->turns * share->calls, __ATOMIC_RELAXED);
    return 0;
}

static void *crowding(void *data)
{
    for (;;) {
        probed(1, 2, 3);
        __atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
        usleep(2000);
    }
    return data;
}

static void pace(double rate, double seconds)
{
    double start = nanoseconds(), end = start + seconds * 1e9, time = start;
    long calls = 0;
    while (time < end) {
        long due = (long)((time - start) * rate / 1e9);
        for (; calls < due; calls++)
            probed(calls, 1, 2);
        time = nanoseconds();
    }
    made += calls;
    printf("%ld %.4f\n", calls, (time - start) / 1e9);
}

int main(void)
{
    alarm(900); // Never left behind.
    char line[100];
    while (fgets(line, sizeof line, stdin)) {
        struct share share = {0}, shares[16];
        int count;
        double rate, seconds;
        if (sscanf(line, "call %d %d %d", &share.turns, &share.calls, &share.pause) >= 2) {
            calling(&share);
            printf("%.3f\n", share.best);
        } else if (sscanf(line, "stepped %d %d", &share.turns, &share.calls) == 2) {
            probed = stepped;
            calling(&share);
            probed = work;
            printf("%.3f\n", share.best);
        } else if (sscanf(line, "threads %d %d %d", &count, &share.turns, &share.calls) == 3 && count <= 16) {
            double sum = 0;
            for (int i = 0; i < count; i++) {
                shares[i] = share;
                pthread_create(&shares[i].thread, 0, calling, &shares[i]);
            }
            for (int i = 0; i < count; i++) {
                pthread_join(shares[i].thread, 0);
                sum += shares[i].best;
            }
            printf("%.3f\n", sum / count);
        } else if (sscanf(line, "pace %lf %lf", &rate, &seconds) == 2) {
            pace(rate, seconds);
        } else if (sscanf(line, "crowd %d", &count) == 1) {
            pthread_t thread;
            for (int i = 0; i < count; i++)
                pthread_create(&thread, 0, crowding, 0);
            puts("ready");
        } else {
            printf("%ld\n", made);
        }
        fflush(stdout);
    }
}
