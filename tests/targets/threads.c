// `go T N`: T threads call work N times each; the result is the number of calls that came back right.
// `spin T` starts T threads that call work until `stop`, which prints how many calls they made.
// `births N`: N threads one after another, each calls work once.
#include "target.h"
#include <pthread.h>
#include <stdatomic.h>

DEFINE_WORK
enum { MOST = 512 };
static atomic_int stopping;
static long calls_each; // 0: until stopped
static pthread_t threads[MOST];
static int running;

static void *body(void *index)
{
    long right = 0, i = 0, seed = (long)index;
    while (calls_each ? i < calls_each : !atomic_load_explicit(&stopping, memory_order_relaxed)) {
        right += work(seed + i, i) == (seed + i) * 3 + (i ^ 0x55) + ((seed + i) >> 2);
        i++;
    }
    return (void *)right;
}

static void start(long count, long calls)
{
    if (count > MOST) count = MOST;
    calls_each = calls;
    atomic_store(&stopping, 0);
    for (running = 0; running < count; running++)
        if (pthread_create(&threads[running], NULL, body, (void *)(long)running)) abort();
}

static unsigned long join(void)
{
    unsigned long total = 0;
    atomic_store(&stopping, 1);
    for (int i = 0; i < running; i++) {
        void *right;
        pthread_join(threads[i], &right);
        total += (unsigned long)right;
    }
    running = 0;
    return total;
}

int main(void)
{
    struct command c;
    ready();
    while (next_command(&c)) {
        if (is(&c, "go")) { start(c.a, c.b); result(join()); }
        else if (is(&c, "spin")) { start(c.a, 0); result(running); }
        else if (is(&c, "stop")) result(join());
        else if (is(&c, "births")) {
            unsigned long total = 0;
            for (long i = 0; i < c.a; i++) { start(1, 1); total += join(); }
            result(total);
        } else unknown(&c);
    }
    return 0;
}
