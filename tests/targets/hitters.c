// Threads that call functions whose beginnings are patched in different ways, know the answers, and count their calls exactly.
// `spin T`: T threads call them over and over. The first argument of all calls is the window, 0 while there is none.
// `window N`: opens a window, waits for N rounds in it, closes it and waits until no call with it is under way. The result
// is the number of rounds: each calls every function once with a first argument that is not 0 (hit_tiny twice).
// `tick N`: SIGPROF every N microseconds of processor time, whose handler calls the functions without a window; 0 ends it.
// `fork N`: one after the other, N children call every function once with a first argument that is not 0. The result is the number of those that went wrong.
// `storm N`: the main thread calls hit_divided with a first argument of 1 and nothing else, interrupted by a timer at random moments a few microseconds apart, until
// N of these signals have met it outside of the program's text, where trampolines are, or 40 N have come. Their handler calls hit_divided likewise, and sets
// the timer again. It says `met` and how many met it there, `calls` and how many calls both made; the result is the number of wrong answers.
// `stop` prints the number of wrong answers.
#define _GNU_SOURCE
#include "target.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

#define FUNCTION(name, code) \
    ".p2align 4\n.globl " name "\n.type " name ",@function\n" name ":\n.cfi_startproc\n" code "\n.cfi_endproc\n.size " name ",.-" name "\n"
__asm__(".text\n"
    FUNCTION("hit_long", "movl $0x12345678,%eax\naddq %rdi,%rax\nxorq %rsi,%rax\nret")
    FUNCTION("hit_short", "pushq %rbx\nmovq %rdi,%rbx\naddq %rsi,%rbx\nmovq %rbx,%rax\npopq %rbx\nret")
    FUNCTION("hit_tiny", "movq %rsi,%rax\nret")
    FUNCTION("hit_branch", "testq %rsi,%rsi\nje 1f\nleaq 7(%rdi),%rax\nret\n1: movq %rdi,%rax\nret")
    FUNCTION("hit_call", "call hit_tiny\naddq %rdi,%rax\nret")
    FUNCTION("hit_loop", "movl $3,%ecx\n1: leaq (%rsi,%rcx),%rax\ndecl %ecx\njne 1b\nret")
    FUNCTION("hit_flags", "cmpq %rsi,%rdi\npushfq\npopq %rax\nandl $0x8d5,%eax\nret")
    FUNCTION("hit_system", "movl $39,%eax\nsyscall\nret")
    FUNCTION("hit_divided", "movl $7,%eax\ncmpq %rsi,%rdi\nja hit_part\naddq %rdi,%rax\njmp hit_part"));
// A rarely used part of a function as compilers lay it out: too short for a jump, without padding far and wide, and nothing but the branches
// of the other part leads to it. It is local, so other files do not see it.
#define UNALIGNED(name, code) ".type " name ",@function\n" name ":\n.cfi_startproc\n" code "\n.cfi_endproc\n.size " name ",.-" name "\n"
__asm__(".section .text.unlikely,\"ax\",@progbits\n"
    UNALIGNED("before_part", ".rept 30\nmovl $1,%eax\n.endr\nret")
    UNALIGNED("hit_part", "addl %esi,%eax\nret")
    UNALIGNED("after_part", ".rept 30\nmovl $1,%eax\n.endr\nret")
    ".text\n");

unsigned long hit_long(unsigned long, unsigned long), hit_short(unsigned long, unsigned long), hit_tiny(unsigned long, unsigned long),
    hit_branch(unsigned long, unsigned long), hit_call(unsigned long, unsigned long), hit_loop(unsigned long, unsigned long),
    hit_flags(unsigned long, unsigned long), hit_system(unsigned long, unsigned long), hit_divided(unsigned long, unsigned long);

enum { MOST = 64 };
struct thread {
    _Atomic unsigned long current, rounds, wrong;
    pthread_t id;
} __attribute__((aligned(64)));
static struct thread threads[MOST];
static int running;
static atomic_int stopping;
static _Atomic unsigned long window, wrong_in_handler;
static unsigned long pid;

static unsigned long flags_of(unsigned long a, unsigned long b)
{
    unsigned long flags;
    __asm__("cmpq %2,%1\npushfq\npopq %0" : "=r"(flags) : "r"(a), "r"(b) : "cc");
    return flags & 0x8d5;
}

static unsigned long wrongs(unsigned long w, unsigned long b)
{
    unsigned long wrong = 0;
    wrong += hit_long(w, b) != ((w + 0x12345678) ^ b);
    wrong += hit_short(w, b) != w + b;
    wrong += hit_tiny(w, b) != b;
    wrong += hit_branch(w, b & 1) != ((b & 1) ? w + 7 : w);
    wrong += hit_call(w, b) != w + b;
    wrong += hit_loop(w, b) != b + 1;
    wrong += hit_flags(w, b) != flags_of(w, b);
    wrong += hit_system(w, b) != pid;
    wrong += hit_divided(w, b) != (unsigned)(7 + (w > b ? 0 : w) + b);
    return wrong;
}

static void *body(void *index)
{
    struct thread *me = &threads[(long)index];
    unsigned long b = (unsigned long)index * 0x9e3779b97f4a7c15UL + 1;
    for (int i = 0; !atomic_load_explicit(&stopping, memory_order_relaxed); i++) {
        unsigned long w = atomic_load(&window);
        // Who closes a window reads `current` after it has changed `window`, and so sees this or is seen by the second look.
        atomic_store(&me->current, w);
        if (atomic_load(&window) != w) continue;
        b = b * 6364136223846793005UL + 1442695040888963407UL;
        me->wrong += wrongs(w, b >> 32);
        if (w) atomic_fetch_add_explicit(&me->rounds, 1, memory_order_relaxed);
        if (w || i % 64 == 0) { atomic_store(&me->current, 0); sched_yield(); }
    }
    return NULL;
}

static unsigned long rounds(void)
{
    unsigned long sum = 0;
    for (int i = 0; i < running; i++) sum += atomic_load(&threads[i].rounds);
    return sum;
}

static unsigned long in_window(unsigned long wanted)
{
    static unsigned long last;
    unsigned long before = rounds();
    atomic_store(&window, ++last);
    while (rounds() - before < wanted) sched_yield();
    atomic_store(&window, 0);
    for (int i = 0; i < running; i++)
        while (atomic_load(&threads[i].current) == last) sched_yield();
    return rounds() - before;
}

static void on_tick(int signal) { atomic_fetch_add(&wrong_in_handler, wrongs(0, 5)); }

extern char __executable_start, etext;
static timer_t storm_timer;
static unsigned long seed = 88172645463325252UL;
static volatile sig_atomic_t in_loop; // Elsewhere the C library may be what is interrupted.
static volatile unsigned long signals, met, calls, wrong_in_storm;

static void set_storm(void)
{
    seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17;
    timer_settime(storm_timer, 0, &(struct itimerspec){ .it_value = { 0, 1000 + (long)(seed % 30000) } }, NULL);
}

static void divide(unsigned long b)
{
    unsigned long answer = hit_divided(1, b);
    wrong_in_storm += answer != (unsigned)(7 + (1 > b ? 0 : 1) + b);
}

static void on_storm(int signal, siginfo_t *info, void *context)
{
    unsigned long at = (unsigned long)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    signals++;
    met += in_loop && (at < (unsigned long)&__executable_start || at >= (unsigned long)&etext);
    calls++;
    divide(signals & 1 ? 9 : 0); // By either branch.
    set_storm();
}

static void storm(unsigned long wanted)
{
    struct sigevent to_this = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1, ._sigev_un._tid = (pid_t)syscall(SYS_gettid) };
    unsigned long own = 0;
    signals = met = calls = wrong_in_storm = 0;
    sigaction(SIGUSR1, &(struct sigaction){ .sa_sigaction = on_storm, .sa_flags = SA_SIGINFO | SA_RESTART }, NULL);
    if (timer_create(CLOCK_MONOTONIC, &to_this, &storm_timer)) abort();
    set_storm();
    in_loop = 1;
    for (; met < wanted && signals < 40 * wanted; own++) {
        // Not with divide: its count of wrong answers is the handler's.
        unsigned long b = own & 1 ? 9 : 0;
        if (hit_divided(1, b) != (unsigned)(7 + (1 > b ? 0 : 1) + b)) abort();
    }
    in_loop = 0;
    timer_delete(storm_timer);
    signal(SIGUSR1, SIG_IGN);
    printf("met %lu\ncalls %lu\n", met, own + calls);
}

static long wrong_children(long children)
{
    long wrong = 0;
    for (long i = 0; i < children; i++) {
        pid_t child = fork();
        if (child == 0) {
            pid = (unsigned long)getpid();
            _exit(wrongs(1, (unsigned long)i & 1 ? 9 : 0) != 0); // w > b, and not.
        }
        int status;
        while (waitpid(child, &status, 0) != child) { }
        wrong += status != 0;
    }
    return wrong;
}

static unsigned long stop(void)
{
    unsigned long wrong = 0;
    atomic_store(&stopping, 1);
    for (int i = 0; i < running; i++) {
        pthread_join(threads[i].id, NULL);
        wrong += threads[i].wrong;
    }
    return wrong + wrong_in_handler;
}

int main(void)
{
    struct command c;
    pid = (unsigned long)getpid();
    sigaction(SIGPROF, &(struct sigaction){.sa_handler = on_tick, .sa_flags = SA_RESTART}, NULL);
    ready();
    while (next_command(&c)) {
        alarm(600); // As long as it is spoken to.
        if (is(&c, "spin")) {
            for (running = 0; running < c.a && running < MOST; running++)
                if (pthread_create(&threads[running].id, NULL, body, (void *)(long)running)) abort();
            result(running);
        } else if (is(&c, "window")) result(in_window((unsigned long)c.a));
        else if (is(&c, "tick")) {
            setitimer(ITIMER_PROF, &(struct itimerval){{0, c.a}, {0, c.a}}, NULL);
            result(0);
        } else if (is(&c, "storm")) {
            storm((unsigned long)c.a);
            result(wrong_in_storm);
        } else if (is(&c, "fork")) result(wrong_children(c.a));
        else if (is(&c, "stop")) {
            setitimer(ITIMER_PROF, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
            result(stop());
        } else unknown(&c);
    }
    return 0;
}
