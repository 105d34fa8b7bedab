// Lives of all kinds, whose processes say themselves how often they have called work: each result is preceded by a line
// `calls PID N` for each process that called it. Followed calls of `born` fork, inside.
// `births T N`: N times T threads, each calls work 10 times. `stacks N`: N such threads, each on another stack. `alive T`: T threads that live at once. `fork N`: N children with children, while a
// thread of the parent calls work. `inside N`: N forks inside the function born, which returns on both sides. `vfork N`, `spawn N`: children that
// execute this program. `borrow N`: N processes that share the memory and end (CLONE_VM | CLONE_VFORK), with the caller's thread pointer. `share N`: the
// same while the caller runs on. `raw N`: N threads with the thread pointer of their creator. `silent N`: clones without a signal at the end.
// `untraced N`: children that the kernel does not tell a tracer of; they are not counted. `self N`: executes itself N times, from another thread each second time.
// `other FILE`: a child that executes FILE.
#define _GNU_SOURCE
#include "target.h"
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;
DEFINE_WORK
enum { TABLE = 200, ROWS = 8192, STACK = 64 * 1024 };
static struct table { atomic_int used; struct { int pid; atomic_long calls; } rows[ROWS]; } *table;

static long right(long i) { return i * 3 + (i ^ 0x55) + (i >> 2); }
static void count(int pid, long n)
{
    int row = atomic_fetch_add(&table->used, 1);
    if (row >= ROWS) abort();
    table->rows[row].pid = pid;
    table->rows[row].calls = n;
}
static void call(long n)
{
    for (long i = 0; i < n; i++) if (work(i, i) != right(i)) abort();
}
// Calls of this process.
static void calls(long n) { call(n); count(getpid(), n); }


// It outlives exec as an open file.
static void map_table(int is_first)
{
    if (is_first) {
        int file = memfd_create("calls", 0);
        if (file < 0 || ftruncate(file, sizeof *table) || dup2(file, TABLE) != TABLE) abort();
        close(file);
    }
    table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED, TABLE, 0);
    if (table == MAP_FAILED) abort();
}

static void report(void)
{
    int used = atomic_exchange(&table->used, 0);
    for (int i = 0; i < used; i++) {
        if (!table->rows[i].pid) continue;
        long sum = table->rows[i].calls;
        for (int k = i + 1; k < used; k++)
            if (table->rows[k].pid == table->rows[i].pid) { sum += table->rows[k].calls; table->rows[k].pid = 0; }
        printf("calls %d %ld\n", table->rows[i].pid, sum);
    }
    result((unsigned long)used);
}

static void await(pid_t child)
{
    int status;
    if (child < 0 || waitpid(child, &status, __WALL) != child || status != 0) { fprintf(stderr, "child %d: status %#x\n", (int)child, status); abort(); }
}

static void *ten(void *unused) { call(10); return unused; }
static pthread_barrier_t barrier;
static void *ten_together(void *unused) { pthread_barrier_wait(&barrier); call(10); pthread_barrier_wait(&barrier); return unused; }

static void run_threads(long n, void *(*body)(void *))
{
    pthread_t *threads = calloc((size_t)n, sizeof *threads);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    for (long i = 0; i < n; i++) if (pthread_create(&threads[i], &small, body, NULL)) abort();
    if (body == ten_together) { pthread_barrier_wait(&barrier); pthread_barrier_wait(&barrier); }
    for (long i = 0; i < n; i++) pthread_join(threads[i], NULL);
    free(threads);
    count(getpid(), 10 * n);
}

// Two threads at a time, the second on a stack of its own that stays mapped to the end.
static void stacks(long n)
{
    enum { SIZE = 64 * 1024 };
    char *room = mmap(NULL, (size_t)n * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (long i = 0; i < n; i++) {
        pthread_t threads[2];
        pthread_attr_t own;
        pthread_attr_init(&own);
        pthread_attr_setstack(&own, room + i * SIZE, SIZE);
        if (pthread_create(&threads[0], NULL, ten, NULL) || pthread_create(&threads[1], &own, ten, NULL)) abort();
        for (int k = 0; k < 2; k++) pthread_join(threads[k], NULL);
    }
    munmap(room, (size_t)n * SIZE);
    count(getpid(), 20 * n);
}

static atomic_int stopping;
static void *noise(void *unused)
{
    long n = 0;
    for (; !atomic_load(&stopping); n++) call(1);
    count(getpid(), n);
    return unused;
}

static void forks(long n)
{
    pthread_t noisy;
    atomic_store(&stopping, 0);
    if (pthread_create(&noisy, NULL, noise, NULL)) abort();
    for (long i = 0; i < n; i++) {
        pid_t child = fork();
        if (child == 0) {
            bound_life();
            calls(100 + i);
            pid_t grandchild = i % 2 ? fork() : -1;
            if (grandchild == 0) { bound_life(); run_threads(3, ten); _exit(0); }
            if (grandchild > 0) await(grandchild);
            calls(50);
            _exit(0);
        }
        calls(5);
        await(child);
    }
    atomic_store(&stopping, 1);
    pthread_join(noisy, NULL);
}

KEPT pid_t born(long i) { return fork() + (pid_t)(i - i); }

static void inside(long n)
{
    for (long i = 0; i < n; i++) {
        pid_t child = born(i);
        if (child == 0) { bound_life(); calls(20); _exit(0); }
        calls(20);
        await(child);
    }
}

static int body(void *n) { call((long)n); return 0; }

static void borrow(long n, int flags, int waits)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long i = 0; i < n; i++) {
        pid_t child = clone(body, stack + STACK, flags, (void *)5000);
        if (child < 0) abort();
        if (!waits) call(5000);
        await(child);
        count(getpid(), waits ? 5000 : 10000); // in the memory of this process
    }
    munmap(stack, STACK);
}

static atomic_int raw_id;
static int raw_body(void *n) { call((long)n); syscall(SYS_exit, 0); return 0; }
static void raw_threads(long n)
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long i = 0; i < n; i++) {
        atomic_store(&raw_id, 1);
        if (clone(raw_body, stack + STACK, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID, (void *)20000, NULL, NULL, &raw_id) < 0) abort();
        call(20000);
        while (atomic_load(&raw_id)) sched_yield();
        count(getpid(), 40000);
    }
    munmap(stack, STACK);
}

static char *child_arguments[] = {"life", "child", "300", NULL};
KEPT void vfork_once(void)
{
    pid_t child = vfork();
    if (child == 0) { call(7); execve("/proc/self/exe", child_arguments, environ); _exit(127); }
    calls(3);
    await(child);
    count(getpid(), 7); // those of the child before it executed: in the memory of this process
}
static void vforks(long n) { for (long i = 0; i < n; i++) vfork_once(); }

static void spawns(long n)
{
    for (long i = 0; i < n; i++) {
        pid_t child;
        if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, child_arguments, environ)) abort();
        calls(3);
        await(child);
    }
}

static void untraced(long n, int flags)
{
    for (long i = 0; i < n; i++) {
        pid_t child = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
        if (child == 0) { call(11); if (!(flags & CLONE_UNTRACED)) count((int)syscall(SYS_getpid), 11); _exit(0); }
        calls(3);
        await(child);
    }
}

static void *exec_self(void *left)
{
    char number[32];
    snprintf(number, sizeof number, "%ld", (long)left);
    execl("/proc/self/exe", "life", "self", number, (char *)NULL);
    abort();
}
static void go_on(long left)
{
    pthread_t thread;
    if (left % 2) exec_self((void *)(left - 1));
    if (pthread_create(&thread, NULL, exec_self, (void *)(left - 1))) abort();
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    map_table(argc < 2);
    if (argc > 2 && !strcmp(argv[1], "child")) { bound_life(); calls(atol(argv[2])); return 0; }
    setvbuf(stdin, NULL, _IONBF, 0);
    if (argc > 2) {
        bound_life();
        calls(30);
        long left = atol(argv[2]);
        if (left > 0) go_on(left);
        setvbuf(stdout, NULL, _IOLBF, 0);
        report();
    } else ready();
    struct command c;
    while (next_command(&c)) {
        if (is(&c, "births")) for (long i = 0; i < c.b; i++) run_threads(c.a, ten);
        else if (is(&c, "stacks")) stacks(c.a);
        else if (is(&c, "alive")) {
            pthread_barrier_init(&barrier, NULL, (unsigned)c.a + 1);
            run_threads(c.a, ten_together);
        }
        else if (is(&c, "fork")) forks(c.a);
        else if (is(&c, "inside")) inside(c.a);
        else if (is(&c, "vfork")) vforks(c.a);
        else if (is(&c, "spawn")) spawns(c.a);
        else if (is(&c, "borrow")) borrow(c.a, CLONE_VM | CLONE_VFORK | SIGCHLD, 1);
        else if (is(&c, "share")) borrow(c.a, CLONE_VM | SIGCHLD, 0);
        else if (is(&c, "raw")) raw_threads(c.a);
        else if (is(&c, "silent")) untraced(c.a, 0);
        else if (is(&c, "untraced")) untraced(c.a, CLONE_UNTRACED | SIGCHLD);
        else if (is(&c, "self")) go_on(c.a);
        else if (is(&c, "other")) {
            pid_t child = fork();
            if (child == 0) { calls(9); execl(c.rest, c.rest, "child", "40", (char *)NULL); _exit(127); }
            await(child);
        }
        else { unknown(&c); continue; }
        report();
    }
    return 0;
}
