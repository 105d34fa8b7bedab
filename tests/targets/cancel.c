// Threads that end inside functions, and coroutines that change threads. `exit N`: N threads, one after another, end by pthread_exit four
// calls of sinks() deep. `cancel N`: they are cancelled there. `both N`: they return. `move N`: a coroutine begins in one
// thread, which ends, and strays() returns in another, N times, on stacks of its own.
#define _GNU_SOURCE
#include "target.h"
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <ucontext.h>

static sem_t deep;
static const char *how;
static unsigned long cleaned;

static void cleanup(void *unused) { (void)unused; cleaned++; }
KEPT long sinks(long depth)
{
    long value;
    if (depth > 0) {
        pthread_cleanup_push(cleanup, NULL);
        value = sinks(depth - 1) + 1;
        pthread_cleanup_pop(0);
        return value;
    }
    if (!strcmp(how, "exit")) pthread_exit((void *)7);
    if (!strcmp(how, "cancel")) { sem_post(&deep); for (;;) pause(); }
    return 4;
}
static void *body(void *depth) { return (void *)sinks((long)depth); }

static unsigned long end_threads(long n)
{
    unsigned long sum = 1;
    cleaned = 0;
    for (long i = 0; i < n; i++) {
        pthread_t thread;
        void *value;
        if (pthread_create(&thread, NULL, body, (void *)3L)) abort();
        if (!strcmp(how, "cancel")) { sem_wait(&deep); pthread_cancel(thread); }
        pthread_join(thread, &value);
        sum = mix(sum, (unsigned long)value);
    }
    return mix(sum, cleaned);
}

enum { STACK = 64 * 1024 };
static ucontext_t coroutine, *resumer;
static long moved;
KEPT long strays(long i) { swapcontext(&coroutine, resumer); return i * 3; }
static void stray_body(void) { moved = strays(moved); setcontext(resumer); }
static void *resume(void *context) { resumer = context; swapcontext(resumer, &coroutine); return NULL; }
static void in_thread(void *(*function)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, argument)) abort();
    pthread_join(thread, NULL);
}
static unsigned long move(long n)
{
    unsigned long sum = 1;
    for (long i = 0; i < n; i++) {
        ucontext_t first, second;
        char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        getcontext(&coroutine);
        coroutine.uc_stack.ss_sp = stack;
        coroutine.uc_stack.ss_size = STACK;
        makecontext(&coroutine, stray_body, 0);
        moved = i;
        in_thread(resume, &first);
        in_thread(resume, &second);
        sum = mix(sum, (unsigned long)moved);
        munmap(stack, STACK);
    }
    return sum;
}

int main(void)
{
    struct command c;
    sem_init(&deep, 0, 0);
    ready();
    while (next_command(&c)) {
        how = c.verb;
        if (is(&c, "move")) result(move(c.a));
        else if (is(&c, "exit") || is(&c, "cancel") || is(&c, "both")) result(end_threads(c.a));
        else unknown(&c);
    }
    return 0;
}
