// System calls made by an instruction in a function of its own, s_NAME, to be probed on that instruction. Each command prints a result of 0
// when everything was as it is without probes: return values, rcx and r11 behind the instruction, the children's exits.
// `read N`, `sleep MS` (interrupted by signals without a handler), `restart N` (read, interrupted by a handler with SA_RESTART),
// `fork N`, `vfork N`, `clone N` (a thread), `exec N` (a child executes itself with the argument `child`), `exit N` (a child ends by it).
#define _GNU_SOURCE
#include "target.h"
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

// long s_NAME(number, a1, a2, a3, a4): leaves rcx and r11 in last_rcx and last_r11.
#define CALL(name) long s_##name(long, ...); extern char s_##name##_next[]; \
    asm(".text\n.globl s_" #name "\n.type s_" #name ", @function\ns_" #name ":\n" \
        "mov %rdi, %rax\n mov %rsi, %rdi\n mov %rdx, %rsi\n mov %rcx, %rdx\n mov %r8, %r10\n mov %r9, %r8\n" \
        "syscall\n.globl s_" #name "_next\ns_" #name "_next:\n" \
        "mov %rcx, last_rcx(%rip)\n mov %r11, last_r11(%rip)\n ret\n.size s_" #name ", . - s_" #name "\n");
CALL(read) CALL(sleep) CALL(fork) CALL(exec) CALL(exit)
unsigned long last_rcx, last_r11;
static unsigned long wrong, ticks;

// A child that shares the stack must not return through what its parent pushed: the return address waits in rdx's place.
long s_vfork(void);
extern char s_vfork_next[];
asm(".text\n.globl s_vfork\n.type s_vfork, @function\ns_vfork:\n pop %rdx\n mov $58, %eax\n syscall\n.globl s_vfork_next\ns_vfork_next:\n"
    "mov %rcx, last_rcx(%rip)\n push %rdx\n ret\n.size s_vfork, . - s_vfork\n");
// The thread stores 7 and ends. rdi: flags, rsi: the top of its stack, rdx and r10: where its id goes.
long s_clone(long flags, void *stack, int *parent, int *child);
extern char s_clone_next[];
volatile long clone_ran;
asm(".text\n.globl s_clone\n.type s_clone, @function\ns_clone:\n mov %rcx, %r10\n mov $56, %eax\n syscall\n.globl s_clone_next\ns_clone_next:\n"
    "test %rax, %rax\n jz 1f\n mov %rcx, last_rcx(%rip)\n ret\n"
    "1: lea s_clone_next(%rip), %rax\n cmp %rax, %rcx\n jne 2f\n movq $7, clone_ran(%rip)\n 2: mov $60, %eax\n xor %edi, %edi\n syscall\n"
    ".size s_clone, . - s_clone\n");

static void check(const char *what, long got, long want)
{
    if (got == want) return;
    wrong++;
    printf("wrong %s got %ld want %ld\n", what, got, want);
}
static void check_rcx(const char *what, const char *next)
{
    check(what, (long)last_rcx, (long)next);
    check("trap flag", (long)(last_r11 & 0x100), 0);
}
static void on_tick(int signal) { (void)signal; ticks++; }
static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
static int status_of(pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    return status;
}

static int pipe_ends[2];
static void do_read(void)
{
    char byte = 0;
    if (write(pipe_ends[1], "x", 1) != 1) abort();
    check("read", s_read(SYS_read, (long)pipe_ends[0], &byte, 1L), 1);
    check("byte", byte, 'x');
    check_rcx("read rcx", s_read_next);
}
static void do_restart(void)
{
    char byte = 0;
    pid_t child = fork();
    if (child == 0) { // lets ticks come in between
        bound_life();
        nanosleep(&(struct timespec){0, 50000000}, NULL);
        if (write(pipe_ends[1], "y", 1) != 1) abort();
        _exit(0);
    }
    unsigned long before = ticks;
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 2000}, {0, 2000}}, NULL);
    check("restarted read", s_read(SYS_read, (long)pipe_ends[0], &byte, 1L), 1);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    check("byte", byte, 'y');
    check("ticks came", ticks > before, 1);
    check("child", status_of(child), 0);
}
static void do_clone(void)
{
    static char stack[65536] __attribute__((aligned(16)));
    static volatile int tid;
    clone_ran = 0, tid = 1;
    long made = s_clone(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID,
        stack + sizeof stack, NULL, (int *)&tid);
    check("clone", made > 0, 1);
    check("clone rcx", (long)last_rcx, (long)s_clone_next);
    while (tid) sched_yield();
    check("thread ran", clone_ran, 7);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "child")) return 9;
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    if (pipe(pipe_ends)) abort();
    struct command c;
    ready();
    while (next_command(&c)) {
        wrong = 0;
        if (is(&c, "restart")) { sigaction(SIGALRM, &action, NULL); }
        for (long i = 0; i < c.a; i++) {
            if (is(&c, "read")) do_read();
            else if (is(&c, "restart")) do_restart();
            else if (is(&c, "fork")) {
                pid_t child = (pid_t)s_fork(SYS_fork);
                if (child == 0) { bound_life(); _exit(last_rcx == (unsigned long)s_fork_next ? 5 : 6); }
                check_rcx("fork rcx", s_fork_next);
                check("fork", status_of(child), 5 << 8);
            } else if (is(&c, "vfork")) {
                pid_t child = (pid_t)s_vfork();
                if (child == 0) syscall(SYS_exit_group, last_rcx == (unsigned long)s_vfork_next ? 5 : 6);
                check("vfork rcx", (long)last_rcx, (long)s_vfork_next);
                check("vfork", status_of(child), 5 << 8);
            } else if (is(&c, "clone")) do_clone();
            else if (is(&c, "exec")) {
                pid_t child = fork();
                if (child == 0) {
                    char *arguments[] = {argv[0], "child", NULL};
                    s_exec(SYS_execve, "/nonexistent", arguments, environ);
                    s_exec(SYS_execve, "/proc/self/exe", arguments, environ);
                    _exit(6);
                }
                check("exec", status_of(child), 9 << 8);
            } else if (is(&c, "exit")) {
                pid_t child = fork();
                if (child == 0) s_exit(SYS_exit_group, 3L);
                check("exit", status_of(child), 3 << 8);
            }
        }
        if (is(&c, "sleep")) {
            struct timespec time = {c.a / 1000, c.a % 1000 * 1000000}, left;
            long start = now_ms();
            wrong = 0; // the loop above did nothing
            puts("sleeping");
            fflush(stdout);
            check("sleep", s_sleep(SYS_nanosleep, &time, &left), 0);
            check("slept", now_ms() - start + 2 >= c.a, 1);
            check_rcx("sleep rcx", s_sleep_next);
        }
        if (is(&c, "restart")) { signal(SIGALRM, SIG_DFL); bound_life(); }
        result(wrong);
    }
    return 0;
}
