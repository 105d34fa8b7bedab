// Threads blocked in system calls that a stop from outside could disturb. `go MS`: one thread for each call, each with a limit of
// MS milliseconds (or woken by main after MS); says `blocked` when all of them are, then for each
// `NAME returned R errno E` and how it differs from what an undisturbed program sees. The result is the number of differences.
#define _GNU_SOURCE
#include "target.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static struct timespec limit;
static long limit_ms;
static int pipe_ends[2], woken_futex, queue_id;
static const char *const names[] = {"nanosleep", "read", "epoll_wait", "poll", "futex-limit", "sigtimedwait", "clock_nanosleep", "semtimedop",
    "pselect", "msgrcv", "waitpid", "futex", "pause"};
// What an undisturbed program gets: return value and, where that is -1, errno.
static const struct { long value; int error; } want[] = {{0, 0}, {1, 0}, {0, 0}, {0, 0}, {-1, ETIMEDOUT}, {-1, EAGAIN}, {0, 0}, {-1, EAGAIN},
    {0, 0}, {4, 0}, {1, 0}, {0, 0}, {-1, EINTR}};
enum { CALLS = sizeof names / sizeof *names };
static struct { pthread_t thread; _Atomic pid_t tid; long value, elapsed_ms; int error; } calls[CALLS];
static struct { long type; char text[4]; } message = {1, "abc"};

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
static void nothing(int signal) { (void)signal; }

static long block(int k)
{
    struct timespec remaining;
    char byte;
    long value;
    switch (k) {
    case 0: return syscall(SYS_nanosleep, &limit, &remaining);
    case 1: return read(pipe_ends[0], &byte, 1);
    case 2: {
        struct epoll_event event;
        int epoll = epoll_create1(EPOLL_CLOEXEC);
        value = epoll_wait(epoll, &event, 1, (int)limit_ms);
        int error = errno;
        close(epoll);
        errno = error;
        return value;
    }
    case 3: return poll(NULL, 0, (int)limit_ms);
    case 4: { int word = 0; return syscall(SYS_futex, &word, FUTEX_WAIT, 0, &limit, NULL, 0); }
    case 5: {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        return sigtimedwait(&set, NULL, &limit);
    }
    case 6: return syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &limit, &remaining);
    case 7: {
        int id = semget(IPC_PRIVATE, 1, 0600);
        struct sembuf take = {0, -1, 0};
        value = semtimedop(id, &take, 1, &limit);
        int error = errno;
        semctl(id, 0, IPC_RMID);
        errno = error;
        return value;
    }
    case 8: { fd_set none; FD_ZERO(&none); return pselect(0, &none, NULL, NULL, &limit, NULL); }
    case 9: { struct { long type; char text[4]; } got; return msgrcv(queue_id, &got, sizeof got.text, 0, 0); }
    case 10: {
        pid_t child = fork();
        if (child == 0) { bound_life(); nanosleep(&limit, NULL); _exit(5); }
        int status = 0;
        return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5;
    }
    case 11: return syscall(SYS_futex, &woken_futex, FUTEX_WAIT, 0, NULL, NULL, 0);
    default: return pause();
    }
}

static void *body(void *index)
{
    int k = (int)(long)index;
    long start = now_ms();
    atomic_store(&calls[k].tid, gettid());
    errno = 0;
    calls[k].value = block(k);
    calls[k].error = calls[k].value < 0 ? errno : 0;
    calls[k].elapsed_ms = now_ms() - start;
    return NULL;
}

static int sleeps(int k) // inside a system call, by the kernel's word
{
    char path[64], state = 0;
    pid_t tid = atomic_load(&calls[k].tid);
    if (!tid) return 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
    FILE *file = fopen(path, "re");
    if (!file) return 1; // it is over already
    int got = fscanf(file, "%*d (%*[^)]) %c", &state);
    fclose(file);
    return got == 1 && state == 'S';
}

static unsigned long go(long ms)
{
    unsigned long differences = 0;
    limit_ms = ms;
    limit = (struct timespec){ms / 1000, ms % 1000 * 1000000};
    woken_futex = 0;
    queue_id = msgget(IPC_PRIVATE, 0600);
    if (pipe2(pipe_ends, O_CLOEXEC)) abort();
    for (int k = 0; k < CALLS; k++) {
        atomic_store(&calls[k].tid, 0);
        if (pthread_create(&calls[k].thread, NULL, body, (void *)(long)k)) abort();
    }
    for (int k = 0; k < CALLS; k++)
        while (!sleeps(k)) sched_yield();
    long start = now_ms(); // not before: those that main wakes have waited as long then
    puts("blocked");
    fflush(stdout);
    while (now_ms() < start + ms) // whatever a disturbed sleep returns, the clock decides
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    if (write(pipe_ends[1], "x", 1) != 1 || msgsnd(queue_id, &message, sizeof message.text, 0)) abort();
    woken_futex = 1;
    while (syscall(SYS_futex, &woken_futex, FUTEX_WAKE, 1, NULL, NULL, 0) == 0 && calls[11].elapsed_ms == 0) sched_yield();
    pthread_kill(calls[12].thread, SIGUSR1);
    for (int k = 0; k < CALLS; k++) {
        pthread_join(calls[k].thread, NULL);
        int differs = calls[k].value != want[k].value || calls[k].error != want[k].error || calls[k].elapsed_ms + 2 < ms;
        printf("%s returned %ld errno %d%s%s\n", names[k], calls[k].value, calls[k].error, calls[k].elapsed_ms + 2 < ms ? " early" : "",
            differs ? " DISTURBED" : "");
        differences += (unsigned)differs;
        calls[k].elapsed_ms = 0;
    }
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    msgctl(queue_id, IPC_RMID, NULL);
    return differences;
}

int main(void)
{
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGUSR1, &action, NULL);
    struct command c;
    ready();
    while (next_command(&c))
        if (is(&c, "go")) result(go(c.a)); else unknown(&c);
    return 0;
}
