// Processes in unusual relations. Each child calls child_work once. `orphan N`: N times a parent that exits before its child, which
// calls only after that. `deep N`: a chain of N generations, each the child of the one before. `shared N`: N children that share the memory (clone
// with CLONE_VM, neither vfork nor thread). `quiet N`: the same without a signal at their end. `many N`: N children alive at once, ended last first.
// `hold`: forks a child that stays, and waits until it runs; the result is its PID. `free`: lets it call child_work and end; the result is its exit code.
// `hold PID`: as `hold`, with this PID if that can be had. `low`: as `hold`, but it is a grandchild that stays, with a PID smaller than the child's; the result
// is 0 where a PID cannot be chosen. `free` frees it too.
#define _GNU_SOURCE
#include "target.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

KEPT int child_work(int i) { return (i * 7 + 3) & 0x7f; }

static int exit_code(pid_t child)
{
    int status;
    if (waitpid(child, &status, __WALL) != child) return 1000;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2000 + WTERMSIG(status);
}

// This process is the subreaper of its descendants: the orphan comes back to it.
static int orphan(int i)
{
    int gone[2];
    if (pipe(gone)) abort();
    pid_t parent = fork();
    if (parent == 0) {
        if (fork() == 0) {
            char byte;
            bound_life();
            close(gone[1]);
            if (read(gone[0], &byte, 1) != 0) _exit(125); // the end of file comes when the parent and this program have closed it
            _exit(child_work(i));
        }
        _exit(0);
    }
    int first = exit_code(parent);
    close(gone[1]);
    close(gone[0]);
    int status;
    if (waitpid(-1, &status, 0) <= 0) return 1000;
    return first * 3 + (WIFEXITED(status) ? WEXITSTATUS(status) : 2000 + WTERMSIG(status));
}

static int deep(int left)
{
    pid_t pid = left > 1 ? fork() : -1;
    if (pid == 0) { bound_life(); _exit(deep(left - 1)); }
    int below = pid > 0 ? exit_code(pid) : 0;
    return (below + child_work(left)) & 0x7f;
}

static int body(void *i) { return child_work((int)(long)i); }

static int shared(int i, int flags)
{
    enum { STACK = 64 * 1024 };
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t pid = clone(body, stack + STACK, CLONE_VM | flags, (void *)(long)i);
    int code = exit_code(pid);
    munmap(stack, STACK);
    return code;
}

static unsigned long many(int count, unsigned long sum)
{
    enum { MOST = 64 };
    int start[MOST][2];
    pid_t pids[MOST];
    if (count > MOST) count = MOST;
    for (int i = 0; i < count; i++) {
        if (pipe2(start[i], O_CLOEXEC)) abort();
        if ((pids[i] = fork()) == 0) {
            char byte;
            bound_life();
            _exit(read(start[i][0], &byte, 1) == 1 ? child_work(i) : 125);
        }
    }
    for (int i = count - 1; i >= 0; i--) {
        if (write(start[i][1], "g", 1) != 1) abort();
        sum = mix(sum, exit_code(pids[i]));
        close(start[i][0]);
        close(start[i][1]);
    }
    return sum;
}

static pid_t held;
static int holding[2];

// The kernel gives the number behind the last one.
static void choose_next(long pid)
{
    FILE *last = fopen("/proc/sys/kernel/ns_last_pid", "we");
    if (!last) return;
    fprintf(last, "%ld", pid - 1);
    fclose(last);
}

static unsigned long hold(long wanted)
{
    char byte;
    int runs[2];
    if (pipe(holding) || pipe(runs)) abort();
    if (wanted) choose_next(wanted);
    if ((held = fork()) == 0) {
        bound_life();
        if (write(runs[1], "r", 1) != 1) _exit(124);
        _exit(read(holding[0], &byte, 1) == 1 ? child_work(1) : 125);
    }
    if (read(runs[0], &byte, 1) != 1) abort();
    close(runs[0]);
    close(runs[1]);
    return (unsigned long)held;
}

static pid_t fork_as(pid_t pid)
{
    struct clone_args arguments = { .exit_signal = SIGCHLD, .set_tid = (unsigned long)&pid, .set_tid_size = 1 };
    return (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
}

static unsigned long low(void)
{
    pid_t grandchild = 0;
    int runs[2];
    if (pipe(holding) || pipe(runs)) abort();
    if ((held = fork()) == 0) {
        bound_life();
        pid_t made = -1;
        errno = EEXIST;
        for (pid_t pid = getpid() - 1; pid > 1 && made < 0 && errno == EEXIST; pid--) made = fork_as(pid);
        if (made == 0) {
            char byte;
            bound_life();
            grandchild = (pid_t)syscall(SYS_getpid);
            if (write(runs[1], &grandchild, sizeof grandchild) != sizeof grandchild) _exit(124);
            _exit(read(holding[0], &byte, 1) == 1 ? child_work(1) : 125);
        }
        if (made < 0 && write(runs[1], &grandchild, sizeof grandchild) != sizeof grandchild) _exit(124);
        _exit(made < 0 ? 126 : exit_code(made));
    }
    if (read(runs[0], &grandchild, sizeof grandchild) != sizeof grandchild) abort();
    close(runs[0]);
    close(runs[1]);
    return (unsigned long)grandchild;
}

static unsigned long let_go(void)
{
    if (write(holding[1], "g", 1) != 1) abort();
    return (unsigned long)exit_code(held);
}

int main(void)
{
    struct command c;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    ready();
    while (next_command(&c)) {
        unsigned long sum = 1;
        if (is(&c, "deep")) sum = mix(sum, deep((int)c.a));
        else if (is(&c, "hold")) sum = hold(c.a);
        else if (is(&c, "low")) sum = low();
        else if (is(&c, "free")) sum = let_go();
        else if (is(&c, "many")) sum = many((int)c.a, sum);
        else for (int i = 0; i < c.a; i++) {
            if (is(&c, "orphan")) sum = mix(sum, orphan(i));
            else if (is(&c, "shared")) sum = mix(sum, shared(i, SIGCHLD));
            else if (is(&c, "quiet")) sum = mix(sum, shared(i, 0));
        }
        result(sum);
    }
    return 0;
}
