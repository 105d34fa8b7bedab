// Loads libraries that lie beside the program. `cycle N`: N times dlopen libplug.so, calls at once, dlclose.
// `both N`: libplug.so and libplug2.so in turn. `mopen N`: dlmopen into a new namespace.
// `open`, `call N`, `close`: the same by hand, for libplug.so. The result is a checksum of what the calls returned.
// `parallel T N`: T threads that each do `cycle N` at the same time; the result is how many of their calls came back right.
// `resolved`: how often the IFUNC resolvers ran so far.
#define _GNU_SOURCE
#include "target.h"
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#ifdef PLAIN // musl
#define FIRST "libplug-musl.so"
#define dlmopen(space, path, how) dlopen(path, how)
#else
#define FIRST "libplug.so"
#endif

static char folder[PATH_MAX];

static void *load(int which, int fresh)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", folder, which == 1 ? FIRST : "libplug2.so");
    void *library = fresh ? dlmopen(LM_ID_NEWLM, path, RTLD_NOW) : dlopen(path, RTLD_NOW);
    if (!library) { printf("error %s\n", dlerror()); exit(3); }
    return library;
}

static atomic_long resolved;

static unsigned long use(void *library, long i, unsigned long sum)
{
    long (*work)(long, long) = (long (*)(long, long))dlsym(library, "plug_work");
    long (*fast)(long) = (long (*)(long))dlsym(library, "plug_fast");
    int *loads = dlsym(library, "plug_loads");
    sum = mix(sum, work(i, i + 1));
    sum = mix(sum, fast(i));
    return mix(sum, *loads);
}

static void leave(void *library)
{
    long (*count)(void) = (long (*)(void))dlsym(library, "plug_resolved");
    long ran = count();
    atomic_fetch_add(&resolved, ran);
    dlclose(library);
}

static long each;
static void *parallel(void *unused)
{
    long right = 0;
    for (long i = 0; i < each; i++) {
        void *library = load(1, 0);
        long (*work)(long, long) = (long (*)(long, long))dlsym(library, "plug_work");
        right += work(i, i + 1) == i * 3 + ((i + 1) ^ 0x33);
        dlclose(library);
    }
    return (void *)right;
}

static unsigned long all_parallel(long count)
{
    enum { MOST = 16 };
    pthread_t threads[MOST];
    unsigned long total = 0;
    if (count > MOST) count = MOST;
    for (long i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, parallel, NULL)) abort();
    for (long i = 0; i < count; i++) {
        void *right;
        pthread_join(threads[i], &right);
        total += (unsigned long)right;
    }
    return total;
}

int main(void)
{
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (length < 0) return 2;
    folder[length] = 0;
    *strrchr(folder, '/') = 0;

    struct command c;
    void *held = NULL;
    ready();
    while (next_command(&c)) {
        unsigned long sum = 1;
        if (is(&c, "parallel")) { each = c.b; sum = all_parallel(c.a); }
        else if (is(&c, "resolved")) sum = (unsigned long)resolved;
        else if (is(&c, "open")) { if (!held) held = load(1, 0); }
        else if (is(&c, "close")) { if (held) dlclose(held); held = NULL; }
        else if (is(&c, "call")) { for (long i = 0; held && i < c.a; i++) sum = use(held, i, sum); }
        else for (long i = 0; i < c.a; i++) {
            void *library = load(is(&c, "both") && i % 2 ? 2 : 1, is(&c, "mopen"));
            sum = use(library, i, sum);
            leave(library);
        }
        result(sum);
    }
    return 0;
}
