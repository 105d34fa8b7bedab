// Signals that arrive at any instruction. A handler on an alternate stack checks that the interrupted RIP lies in the text
// of a file that was mapped at the start (or in the vdso), and calls work as well. `timer N`: a 4 kHz timer's SIGALRM, N times, while
// main calls work. `itimer N`: ITIMER_REAL at 1 kHz. `prof N`: ITIMER_PROF. `rt N`: another thread queues N real-time
// signals with values, which must come in order. The result is the number of things that were wrong.
#define _GNU_SOURCE
#include "target.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

DEFINE_WORK
static struct { unsigned long low, high; } images[256];
static int image_count;
static volatile long seen, wrong, next_value;
static volatile unsigned long first_wrong_rip;
static int is_blind;
static long calls;

static void read_images(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512], mode[8], path[300];
    unsigned long low, high;
    while (fgets(line, sizeof line, maps)) {
        path[0] = 0;
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %299s", &low, &high, mode, path) >= 3 && mode[2] == 'x' && path[0] && image_count < 256) {
            images[image_count].low = low;
            images[image_count++].high = high;
        }
    }
    fclose(maps);
}

static int is_right(long i) { __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED); return work(i, i) == i * 3 + (i ^ 0x55) + (i >> 2); }

static void check_context(void *context)
{
    unsigned long rip = (unsigned long)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    int i = 0;
    while (i < image_count && (rip < images[i].low || rip >= images[i].high)) i++;
    if (i == image_count && !is_blind) { wrong++; if (!first_wrong_rip) first_wrong_rip = rip; }
    if (!is_right(seen)) wrong++;
}
static void on_tick(int signal, siginfo_t *info, void *context) { check_context(context); seen++; }
static void on_value(int signal, siginfo_t *info, void *context)
{
    check_context(context);
    if (info->si_value.sival_int != next_value || info->si_code != SI_QUEUE) wrong++;
    next_value = info->si_value.sival_int + 1;
    seen++;
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigaction(signal, &action, NULL);
}

static timer_t make_timer(int signal, long first_ns, long every_ns)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
    struct itimerspec times = {{every_ns / 1000000000, every_ns % 1000000000}, {first_ns / 1000000000, first_ns % 1000000000}};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &times, NULL)) { perror("timer"); exit(3); }
    return timer;
}

static void *send_values(void *count)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL); // main is the one that gets them
    for (long i = 0; i < (long)count; i++)
        while (sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = (int)i}))
            if (errno == EAGAIN) sched_yield(); else abort();
    return NULL;
}

static void work_until(long count) { for (long i = 0; seen < count; i++) if (!is_right(i)) wrong++; }

int main(int argc, char **argv)
{
    static char stack[64 * 1024];
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    handle(SIGALRM, on_tick);
    handle(SIGPROF, on_tick);
    handle(SIGRTMIN + 1, on_value);
    is_blind = argc > 1;
    work(0, 0);
    read_images();
    struct command c;
    ready();
    alarm(0); // SIGALRM has a handler here: the life is bounded by a timer that kills
    make_timer(SIGKILL, 120000000000, 0);
    while (next_command(&c)) {
        seen = wrong = next_value = calls = 0;
        if (is(&c, "timer")) {
            timer_t timer = make_timer(SIGALRM, 250000, 250000);
            work_until(c.a);
            timer_delete(timer);
        } else if (is(&c, "itimer") || is(&c, "prof")) {
            int which = is(&c, "prof") ? ITIMER_PROF : ITIMER_REAL;
            setitimer(which, &(struct itimerval){{0, 1000}, {0, 1000}}, NULL);
            work_until(c.a);
            setitimer(which, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
        } else if (is(&c, "rt")) {
            pthread_t sender;
            if (pthread_create(&sender, NULL, send_values, (void *)c.a)) abort();
            work_until(c.a);
            pthread_join(sender, NULL);
            if (next_value != c.a) wrong++;
        } else { unknown(&c); continue; }
        if (first_wrong_rip) printf("rip %#lx\n", first_wrong_rip);
        if (is_blind) printf("calls %ld\n", calls);
        result(wrong);
    }
    return 0;
}
