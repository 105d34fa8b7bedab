// A program whose first thread has exited while others live: `ready PID` is said by the second, which answers `go N` with the sum of N calls.
// `exec`: executes itself again, from the second thread.
#define _GNU_SOURCE
#include "target.h"
#include <pthread.h>
#include <sys/syscall.h>

DEFINE_WORK
static pthread_t first;

static void *body(void *unused)
{
    struct command c;
    // Joining it is enough for the library; the kernel's own word is the zombie state.
    pthread_join(first, NULL);
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)getpid());
    for (;;) {
        FILE *stat = fopen(path, "r");
        char *state = stat && fgets(line, sizeof line, stat) ? strrchr(line, ')') : NULL;
        int gone = !state || state[2] == 'Z';
        if (stat) fclose(stat);
        if (gone) break;
    }
    setvbuf(stdin, NULL, _IONBF, 0); // no command may get lost in a buffer of an image that is replaced
    ready();
    while (next_command(&c)) {
        if (is(&c, "exec")) {
            execl("/proc/thread-self/exe", "leaderless", (char *)NULL);
            abort();
        }
        unsigned long sum = 1;
        for (long i = 0; i < c.a; i++) sum = mix(sum, work(i, i));
        result(sum);
    }
    exit(7);
}

int main(void)
{
    pthread_t second;
    first = pthread_self();
    if (pthread_create(&second, NULL, body, NULL)) abort();
    pthread_exit(NULL);
}
