// Executes itself or another file. Each new image says `image N of PID sum S` after calling work N+1 times, then `ready PID`.
// `self N`: N times in a row, each image doing the next exec by itself. `thread`: exec of itself from a thread that is
// not the leader. `path FILE`: exec of FILE without arguments. `go N`: calls work N times. Built with a NAME, `parent`: has the function NAME call
// getppid; programs that are built with names of one length are equal but for those.
#include "target.h"
#include <pthread.h>

DEFINE_WORK
static long generation;
static char *self;

static void exec_self(long remaining)
{
    char next[32], left[32];
    snprintf(next, sizeof next, "%ld", generation + 1);
    snprintf(left, sizeof left, "%ld", remaining);
    execl("/proc/self/exe", self, next, left, (char *)NULL);
    perror("exec");
    _exit(127);
}
static void *from_thread(void *unused) { exec_self(0); return unused; }

#ifdef NAME
KEPT long NAME(long n) { return getppid() > 0 ? n : 0; }
#endif

int main(int argc, char **argv)
{
    self = argv[0];
    generation = argc > 1 ? atol(argv[1]) : 0;
    long remaining = argc > 2 ? atol(argv[2]) : 0;
    unsigned long sum = 1;
    bound_life();
    for (long i = 0; i <= generation; i++)
        sum = mix(sum, work(i, i));
    if (generation) { printf("image %ld of %d sum %lu\n", generation, (int)getpid(), sum); fflush(stdout); }
    if (remaining) exec_self(remaining - 1);
    setvbuf(stdin, NULL, _IONBF, 0); // no command may get lost in a buffer of an image that is replaced
    struct command c;
    ready();
    while (next_command(&c)) {
        if (is(&c, "self")) exec_self(c.a - 1);
        else if (is(&c, "thread")) {
            pthread_t t;
            if (pthread_create(&t, NULL, from_thread, NULL)) abort();
            pthread_join(t, NULL);
        } else if (is(&c, "path")) {
            execl(c.rest, c.rest, (char *)NULL);
            perror("exec");
            return 127;
        } else if (is(&c, "go")) {
            sum = 1;
            for (long i = 0; i < c.a; i++) sum = mix(sum, work(i, i));
            result(sum);
#ifdef NAME
        } else if (is(&c, "parent")) {
            result((unsigned long)NAME(c.a));
#endif
        } else unknown(&c);
    }
    return 0;
}
