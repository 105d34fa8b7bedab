// Signals of a program that looks closely. `storm HZ N`: N ticks of a timer; the handler checks that the interrupted RIP lies in a file's
// text, calls a function, and the functions that main runs check the red zone and what they compute. `leap N`: the handler leaves by
// siglongjmp. `fault N`: loads from nowhere, each mended by a handler that knows RIP and si_addr. `divide N`: the same of divisions by
// zero. `store N`: stores. `restart N`: a read that is interrupted N times and restarted. `deep N`: recursion N deep, M times. `overflow N`:
// recursion to the end of a stack, left by siglongjmp. `stops N`: a child stops and continues us N times. The result counts what was wrong.
#define _GNU_SOURCE
#include "target.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>

DEFINE_WORK
static struct { unsigned long low, high; } images[256];
static int image_count;
static volatile long seen, wrong;
static volatile unsigned long first_wrong_rip;
static sigjmp_buf back;
long t_cell = 7;
long t_red(long a, long b), t_wide(long a), t_loop(long n), t_load(long *p), t_second(long a, long *p), t_store(long *p), t_divide(long a, long b);
long t_raw(long number, long a, long b, long c);
extern char t_load_at[], t_second_at[], t_store_at[], t_divide_at[];

asm(".text\n.balign 16\n"
    // Leaf functions with locals below rsp; instructions of 5 bytes and more everywhere.
    ".globl t_red\n.type t_red, @function\nt_red:\n"
    "mov %rdi, -8(%rsp)\n mov %rsi, -128(%rsp)\n movq $0x1234567, -16(%rsp)\n mov $0x55, %eax\n addq $0x11111, -16(%rsp)\n"
    "mov -8(%rsp), %rax\n add -128(%rsp), %rax\n lea 0x1234(%rax,%rdi,2), %rax\n sub -16(%rsp), %rax\n ret\n.size t_red, . - t_red\n"
    ".balign 16\n.globl t_wide\n.type t_wide, @function\nt_wide:\n"
    "movabs $0x123456789abcdef, %rax\n xor %rdi, %rax\n cmp $0x7fffffff, %rdi\n lea 0x7654321(%rax), %rax\n ret\n.size t_wide, . - t_wide\n"
    ".balign 16\n.globl t_loop\n.type t_loop, @function\nt_loop:\n"
    "mov $0x1000, %eax\n 1: lea 0x10101(%rax,%rdi,1), %rax\n mov %rax, -24(%rsp)\n dec %rdi\n jnz 1b\n mov -24(%rsp), %rax\n ret\n.size t_loop, . - t_loop\n"
    ".balign 16\n.globl t_load\n.type t_load, @function\nt_load:\n"
    "t_load_at: mov (%rdi), %rax\n add $1, %rax\n ret\n.size t_load, . - t_load\n"
    ".balign 16\n.globl t_second\n.type t_second, @function\nt_second:\n"
    "lea 1(%rdi), %rdi\nt_second_at: mov (%rsi), %rax\n add %rdi, %rax\n ret\n.size t_second, . - t_second\n"
    ".balign 16\n.globl t_store\n.type t_store, @function\nt_store:\n"
    "t_store_at: movl $0x77, (%rdi)\n mov $5, %eax\n ret\n.size t_store, . - t_store\n"
    ".balign 16\n.globl t_divide\n.type t_divide, @function\nt_divide:\n"
    "mov %rdi, %rax\n cqo\nt_divide_at: idiv %rsi\n ret\n.size t_divide, . - t_divide\n"
    ".balign 16\n.globl t_raw\n.type t_raw, @function\nt_raw:\n"
    "mov %rdi, %rax\n mov %rsi, %rdi\n mov %rdx, %rsi\n mov %rcx, %rdx\n .globl t_syscall\n.type t_syscall, @function\nt_syscall: syscall\n ret\n"
    ".balign 16, 0x90\n.size t_syscall, . - t_syscall\n.size t_raw, . - t_raw\n");

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

static int are_right(long i)
{
    long n = i % 5 + 1, sum = 0x1000;
    for (long k = n; k; k--) sum += 0x10101 + k;
    return work(i, i) == i * 3 + (i ^ 0x55) + (i >> 2)
        && t_red(i, i + 1) == i + (i + 1) + 0x1234 + 2 * i - (0x1234567 + 0x11111)
        && t_wide(i) == (0x123456789abcdef ^ i) + 0x7654321 && t_loop(n) == sum && t_load(&t_cell) == 8;
}

static greg_t *registers_of(void *context) { return ((ucontext_t *)context)->uc_mcontext.gregs; }
static void check_rip(void *context)
{
    unsigned long rip = (unsigned long)registers_of(context)[REG_RIP];
    int i = 0;
    while (i < image_count && (rip < images[i].low || rip >= images[i].high)) i++;
    if (i == image_count) { wrong++; if (!first_wrong_rip) first_wrong_rip = rip; }
}
static void on_tick(int signal, siginfo_t *info, void *context) { check_rip(context); seen++; if (!are_right(seen)) wrong++; }
static void on_leap(int signal, siginfo_t *info, void *context) { on_tick(signal, info, context); siglongjmp(back, 1); }
static void on_fault(int signal, siginfo_t *info, void *context)
{
    greg_t *r = registers_of(context);
    char *rip = (char *)r[REG_RIP];
    seen++;
    if (signal == SIGFPE) {
        if (rip != t_divide_at || info->si_addr != rip || info->si_code != FPE_INTDIV || r[REG_RSI] != 0) wrong++;
        r[REG_RSI] = 2;
    } else if (rip == t_second_at) {
        if (info->si_addr != (void *)0x10 || r[REG_RSI] != 0x10) wrong++;
        r[REG_RSI] = (greg_t)&t_cell;
    } else {
        if ((rip != t_load_at && rip != t_store_at) || info->si_addr != (void *)0x20 || r[REG_RDI] != 0x20) { wrong++; if (!first_wrong_rip) first_wrong_rip = (unsigned long)rip; }
        r[REG_RDI] = (greg_t)&t_cell;
    }
}
static void on_overflow(int signal, siginfo_t *info, void *context) { check_rip(context); seen++; siglongjmp(back, 1); }

static int pipe_ends[2];
static volatile long awaited;
static void on_restart(int signal, siginfo_t *info, void *context)
{
    check_rip(context);
    if (++seen == awaited && write(pipe_ends[1], "x", 1) != 1) abort();
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | flags};
    sigaction(signal, &action, NULL);
}

static timer_t start_timer(long hz)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec times = {{0, 1000000000 / hz}, {0, 1000000000 / hz}};
    timer_t timer;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &times, NULL)) { perror("timer"); exit(3); }
    return timer;
}

// The frame's size varies, so that each place at the stack's end is met.
KEPT long down(long depth, long room)
{
    volatile char frame[room];
    frame[0] = (char)depth;
    long below = depth > 0 ? down(depth - 1, room) : 0;
    return below + frame[0] - (char)depth + 1;
}

static void *overflow(void *room)
{
    unsigned long size = getauxval(AT_MINSIGSTKSZ);
    size = (size > 2048 ? size : 2048) + 2048;
    char *stack = malloc(size);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = size}, NULL);
    handle(SIGSEGV, on_overflow, 0);
    if (!sigsetjmp(back, 1)) down(1L << 40, (long)room);
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    free(stack);
    return NULL;
}

static void *spin(void *stop) { for (long i = 0; !*(volatile int *)stop; i++) if (!are_right(i)) wrong++; return NULL; }

int main(void)
{
    // As small as the processor's state allows.
    unsigned long size = getauxval(AT_MINSIGSTKSZ);
    size = (size > 2048 ? size : 2048) + 2048;
    sigaltstack(&(stack_t){.ss_sp = malloc(size), .ss_size = size}, NULL);
    handle(SIGALRM, on_tick, SA_RESTART);
    if (!are_right(0)) wrong++;
    read_images();
    struct command c;
    ready();
    alarm(0); // SIGALRM has a handler here: the life is bounded by a timer that kills
    timer_t life;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    timer_create(CLOCK_MONOTONIC, &event, &life);
    timer_settime(life, 0, &(struct itimerspec){{0, 0}, {180, 0}}, NULL);
    while (next_command(&c)) {
        seen = wrong = 0;
        handle(SIGALRM, on_tick, SA_RESTART);
        if (is(&c, "storm")) {
            timer_t timer = start_timer(c.a);
            for (long i = 0; seen < c.b; i++) if (!are_right(i)) wrong++;
            timer_delete(timer);
        } else if (is(&c, "crowd")) {
            int stop = 0;
            pthread_t threads[3];
            for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, spin, &stop);
            timer_t timer = start_timer(c.a);
            for (long i = 0; seen < c.b; i++) if (!are_right(i)) wrong++;
            timer_delete(timer);
            stop = 1;
            for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
        } else if (is(&c, "leap")) {
            // siglongjmp unblocks the signal before it leaves the stack: one that waits meets the handler there again.
            static char roomy[1 << 16];
            sigaltstack(&(stack_t){.ss_sp = roomy, .ss_size = sizeof roomy}, NULL);
            handle(SIGALRM, on_leap, 0);
            static timer_t timer;
            if (!sigsetjmp(back, 1)) timer = start_timer(2000);
            for (long i = 0; seen < c.a; i++) if (!are_right(i)) wrong++;
            handle(SIGALRM, on_tick, 0);
            timer_delete(timer);
        } else if (is(&c, "fault")) {
            handle(SIGSEGV, on_fault, 0);
            for (long i = 0; i < c.a; i++)
                if (t_load((long *)0x20) != t_cell + 1 || t_second(i, (long *)0x10) != t_cell + i + 1) wrong++;
            if (seen != 2 * c.a) wrong++;
        } else if (is(&c, "store")) {
            handle(SIGSEGV, on_fault, 0);
            for (long i = 0; i < c.a; i++) { t_cell = i; if (t_store((long *)0x20) != 5 || t_cell != 0x77) wrong++; }
            t_cell = 7;
            if (seen != c.a) wrong++;
        } else if (is(&c, "divide")) {
            handle(SIGFPE, on_fault, 0);
            for (long i = 0; i < c.a; i++) if (t_divide(i, 0) != i / 2) wrong++;
            if (seen != c.a) wrong++;
        } else if (is(&c, "restart")) {
            handle(SIGALRM, on_restart, SA_RESTART);
            if (pipe(pipe_ends)) abort();
            awaited = c.a;
            timer_t timer = start_timer(500);
            char byte = 0;
            if (t_raw(0, pipe_ends[0], (long)&byte, 1) != 1 || byte != 'x') wrong++;
            timer_delete(timer);
            close(pipe_ends[0]);
            close(pipe_ends[1]);
        } else if (is(&c, "deep")) {
            for (long i = 0; i < c.b; i++) if (down(c.a, 16) != c.a + 1) wrong++;
        } else if (is(&c, "overflow")) {
            for (long i = 0; i < c.a; i++) {
                pthread_t thread;
                pthread_attr_t attributes;
                pthread_attr_init(&attributes);
                pthread_attr_setstacksize(&attributes, 128 * 1024);
                if (pthread_create(&thread, &attributes, overflow, (void *)(8 + 8 * (i % 32)))) abort();
                pthread_join(thread, NULL);
            }
            if (seen != c.a) wrong++;
        } else if (is(&c, "stops")) {
            // Between two stops the parent has to have come on.
            volatile long *progress = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
            pid_t self = getpid(), child = fork();
            if (child == 0) {
                for (long i = 0; i < c.a; i++) {
                    for (long before = *progress; *progress < before + 200;) if (getppid() != self) _exit(1);
                    kill(self, SIGSTOP);
                    for (int k = 0; k < 20; k++) getppid();
                    kill(self, SIGCONT);
                }
                _exit(0);
            }
            timer_t timer = start_timer(5000);
            int status;
            for (long i = 0; waitpid(child, &status, WNOHANG) != child; i++) { if (!are_right(i)) wrong++; *progress = i; }
            timer_delete(timer);
            munmap((void *)progress, 4096);
        } else { unknown(&c); continue; }
        if (first_wrong_rip) printf("rip %#lx\n", first_wrong_rip);
        first_wrong_rip = 0;
        result(wrong);
    }
    return 0;
}
