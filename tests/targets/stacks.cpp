// Calls `mark` below stacks of many shapes: `stacks NAME` once, or for each command NAME. Built without frame pointers.
#include <alloca.h>
#include <pthread.h>
#include <search.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "target.h"

extern "C" KEPT long mark(long n)
{
    asm volatile("" ::: "memory");
    return n + 1;
}

// What follows a call keeps the compiler from jumping instead of calling.
#define AFTER(call) ({ long after_ = (call); asm volatile("" : "+r"(after_)); after_; })

extern "C" {
static inline __attribute__((always_inline)) long folded(long n) { return AFTER(mark(n)) * 3; }
KEPT long inner(long n) { return folded(n) + folded(n + 1); }
KEPT long plain(long n) { return AFTER(inner(n)) + n; }

KEPT long dynamic(long n)
{
    char *room = (char *)alloca(n * 40 + 8);
    room[n] = 1;
    asm volatile("" ::"r"(room) : "memory");
    return AFTER(plain(n)) + room[n];
}

// More than the caller's alignment: the frame is found through a copy of the stack pointer.
KEPT long aligned(long n)
{
    alignas(128) char room[256];
    asm volatile("" ::"r"(room) : "memory");
    return AFTER(dynamic(n)) + (room[0] & 0);
}

KEPT long deep(long n) { return n == 0 ? AFTER(mark(0)) : AFTER(deep(n - 1)) + n; }

static long calls;
KEPT int compare(const void *a, const void *b)
{
    if (calls++ == 0)
        AFTER(mark(calls));
    return *(const int *)a - *(const int *)b;
}
KEPT long sorted(long n)
{
    int numbers[64];
    for (int i = 0; i < 64; i++)
        numbers[i] = (int)((i * 37 + n) % 64);
    calls = 0;
    qsort(numbers, 64, sizeof *numbers, compare);
    return numbers[0];
}

static void *root;
KEPT void visit(const void *node, VISIT which, int depth) { AFTER(mark(which + depth)); }
KEPT long walked(long n)
{
    static int key;
    tsearch(&key, &root, compare);
    twalk(root, visit);
    return n;
}

KEPT void on_signal(int signal, siginfo_t *, void *context)
{
    AFTER(mark(signal));
    if (signal == SIGILL)
        ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}
static void handle(int signal)
{
    struct sigaction action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO;
    sigaction(signal, &action, nullptr);
}
KEPT long raised(long n)
{
    handle(SIGUSR1);
    return AFTER(raise(SIGUSR1)) + n;
}
// Interrupted between two instructions of its own, with registers pushed.
KEPT long interrupted(long n)
{
    handle(SIGILL);
    asm volatile("ud2" ::: "rbx", "r12", "memory");
    return AFTER(plain(n));
}

// Does not return before it is told to.
KEPT long held(long n)
{
    AFTER(mark(n));
    char line[64];
    return fgets(line, sizeof line, stdin) ? n : 0;
}
KEPT long holder(long n) { return AFTER(held(n)) + n; }

// Code as a just-in-time compiler makes it: nothing but a file in /tmp says what it is.
static unsigned char *compiled;
KEPT long jit(long n)
{
    // push rbp; mov rbp, rsp; call rsi; pop rbp; ret
    static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd6, 0x5d, 0xc3};
    if (!compiled) {
        compiled = (unsigned char *)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memcpy(compiled + 64, code, sizeof code);
        char name[64];
        snprintf(name, sizeof name, "/tmp/perf-%d.map", (int)getpid());
        FILE *map = fopen(name, "w");
        fprintf(map, "%lx %lx compiled code\n", (unsigned long)compiled + 64, (long)sizeof code);
        fclose(map);
    }
    return AFTER(((long (*)(long, long (*)(long)))(compiled + 64))(n, plain));
}
KEPT long unjit(long n)
{
    char name[64];
    snprintf(name, sizeof name, "/tmp/perf-%d.map", (int)getpid());
    unlink(name);
    return n;
}

KEPT void *thread_main(void *) { return (void *)AFTER(plain(2)); }
KEPT long threaded(long n)
{
    pthread_t thread;
    pthread_create(&thread, nullptr, thread_main, nullptr);
    pthread_join(thread, nullptr);
    return n;
}
}

namespace geometry {
struct Guard {
    long n;
    KEPT ~Guard() { AFTER(mark(n)); }
};
template <typename T> struct Shape {
    KEPT long measure(T n, const char *) { return AFTER(mark((long)n)) + 1; }
};
KEPT void thrower(long n)
{
    Guard guard{n};
    asm volatile("");
    throw n;
}
KEPT long catcher(long n)
{
    try {
        thrower(n);
    } catch (long caught) {
        return AFTER(Shape<long>().measure(caught, "")) + 1;
    }
    return 0;
}
KEPT long methods(long n) { return Shape<double>().measure(n, "") + Shape<long>().measure(n, "") + 1; }
} // namespace geometry

// What is inlined several times, one within another, also within what libraries and the kernel call.
#define FOLDED inline __attribute__((always_inline))
namespace geometry {
namespace {
FOLDED long hidden(long n) { return AFTER(mark(n)) + 1; }
} // namespace
struct Box {
    long n;
    FOLDED long area(long k) { return hidden(n + k) * 2; }
    template <typename T> FOLDED T scaled(T by) { return area(by) * by; }
    static FOLDED long made(long n);
    struct Lid {
        long n;
        FOLDED Lid(long n) : n(AFTER(mark(n))) {}
    };
};
FOLDED long Box::made(long n)
{
    Box box{n};
    return box.scaled<long>(n) + Lid(n).n;
}
KEPT long folds(long n)
{
    long sum = Box::made(n);
    auto later = [&](long k) __attribute__((always_inline)) { return sum + Box::made(k); };
    return later(n + 1) + (n > 100 ? Box::made(sum) : 0);
}
} // namespace geometry

// Its code begins with that of an inlined call in another one, after which some of its own follows.
static volatile long stored;
FOLDED static long store(long n) { stored = n; stored = n + 1; return n * 5; }
FOLDED static long store_all(long n) { return store(n) + 7; }
extern "C" KEPT long begins(long n) { return store_all(n); }
extern "C" KEPT long contains(long n)
{
    stored = 9;
    asm volatile("nop");
    n = store_all(n);
    stored = 4;
    return n;
}

FOLDED static int order(long a, long b)
{
    if (calls++ == 0)
        geometry::folds(calls);
    return (a > b) - (a < b);
}
KEPT int compare_folded(const void *a, const void *b) { return order(*(const int *)a, *(const int *)b); }
FOLDED static void sort_all(int *numbers, long count)
{
    calls = 0;
    qsort(numbers, (size_t)count, sizeof *numbers, compare_folded);
}
KEPT long sorted_folded(long n)
{
    int numbers[4] = {4, 3, (int)n, 1};
    sort_all(numbers, 4);
    return numbers[0];
}

FOLDED static void note(int signal) { geometry::folds(signal); }
KEPT void on_folded_signal(int signal) { note(signal); asm volatile(""); }
FOLDED static long interrupt_here(long n)
{
    handle(SIGILL);
    // The handler of SIGILL goes on behind it.
    asm volatile("ud2" ::: "memory");
    return AFTER(plain(n));
}
KEPT long interrupted_folded(long n) { return interrupt_here(n) + 1; }
FOLDED static long raise_here(long n)
{
    signal(SIGUSR1, on_folded_signal);
    return AFTER(raise(SIGUSR1)) + n;
}
KEPT long raised_folded(long n) { return raise_here(n) + 1; }

static long run(const char *name, long n)
{
    if (!strcmp(name, "plain")) return plain(n);
    if (!strcmp(name, "alloca")) return dynamic(n);
    if (!strcmp(name, "aligned")) return aligned(n);
    if (!strcmp(name, "deep")) return deep(n);
    if (!strcmp(name, "qsort")) return sorted(n);
    if (!strcmp(name, "twalk")) return walked(n);
    if (!strcmp(name, "raise")) return raised(n);
    if (!strcmp(name, "interrupt")) return interrupted(n);
    if (!strcmp(name, "hold")) return holder(n);
    if (!strcmp(name, "jit")) return jit(n);
    if (!strcmp(name, "unjit")) return unjit(n);
    if (!strcmp(name, "thread")) return threaded(n);
    if (!strcmp(name, "throw")) return geometry::catcher(n);
    if (!strcmp(name, "folds")) return geometry::folds(n);
    if (!strcmp(name, "qsort-folded")) return sorted_folded(n);
    if (!strcmp(name, "raise-folded")) return raised_folded(n);
    if (!strcmp(name, "interrupt-folded")) return interrupted_folded(n);
    if (!strcmp(name, "begins")) return AFTER(begins(n)) + AFTER(contains(n));
    if (!strcmp(name, "methods")) return geometry::methods(n);
    return -1;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        bound_life();
        return (int)run(argv[1], argc > 2 ? atol(argv[2]) : 3) == -1;
    }
    struct command c;
    ready();
    while (next_command(&c))
        result((unsigned long)run(c.verb, c.a));
    return 0;
}
