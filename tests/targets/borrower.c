// Two threads, one of which has a child that runs in its memory for a while. `go N`: the child says "borrowed", sleeps a second, calls work
// N times and ends; then the parent calls work N times.
#include "target.h"
#include <pthread.h>
#include <time.h>

DEFINE_WORK

static void *wait_for_ever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

int main(void)
{
    pthread_t thread;
    struct command c;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
    ready();
    while (next_command(&c)) {
        volatile unsigned long sum = 0;
        if (vfork() == 0) {
            struct timespec second = {1, 0};
            if (write(1, "borrowed\n", 9) != 9)
                _exit(1);
            nanosleep(&second, NULL);
            for (long i = 0; i < c.a; i++)
                sum = mix(sum, work(i, 1));
            _exit(0);
        }
        for (long i = 0; i < c.a; i++)
            sum = mix(sum, work(i, 1));
        result(sum);
    }
    return 0;
}
