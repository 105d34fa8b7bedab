// Forks without exec. `fork N`: N children one after another, each calls child_work once and reports through its exit
// code. `thread N`: as `fork`, while another thread of the parent calls work all the time, and each child starts a
// thread of its own that calls child_work. `nested N`: each child forks again, and both call child_work.
#include "target.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

DEFINE_WORK
KEPT int child_work(int i) { return (i * 7 + 3) & 0x7f; }

static atomic_int stopping;
static void *noise(void *unused)
{
    for (long i = 0; !atomic_load(&stopping); i++)
        if (work(i, i) != i * 3 + (i ^ 0x55) + (i >> 2)) abort();
    return unused;
}
static void *in_child(void *i) { return (void *)(long)child_work((int)(long)i); }

static int exit_code(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child) return 1000;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2000 + WTERMSIG(status);
}

static int child(const char *verb, int i)
{
    bound_life();
    if (!strcmp(verb, "thread")) {
        pthread_t t;
        void *value;
        if (pthread_create(&t, NULL, in_child, (void *)(long)i) || pthread_join(t, &value)) return 127;
        return (int)(long)value;
    }
    if (!strcmp(verb, "nested")) {
        pid_t grandchild = fork();
        if (grandchild == 0) { bound_life(); _exit(child_work(i)); }
        return child_work(i) == exit_code(grandchild) ? child_work(i) : 126; // three calls in all
    }
    return child_work(i);
}

int main(void)
{
    struct command c;
    ready();
    while (next_command(&c)) {
        if (!is(&c, "fork") && !is(&c, "thread") && !is(&c, "nested")) { unknown(&c); continue; }
        unsigned long sum = 1;
        pthread_t noisy;
        atomic_store(&stopping, 0);
        if (is(&c, "thread") && pthread_create(&noisy, NULL, noise, NULL)) abort();
        for (int i = 0; i < c.a; i++) {
            pid_t pid = fork();
            if (pid == 0) _exit(child(c.verb, i));
            sum = mix(sum, exit_code(pid));
        }
        if (is(&c, "thread")) { atomic_store(&stopping, 1); pthread_join(noisy, NULL); }
        result(sum);
    }
    return 0;
}
