// Static probes, in the program and in the library libmarked.so, which is loaded while the program runs.
// `plain N`: N hits of app:plain (a long and a character); the result is N.
// `kinds N`: N hits of app:kinds, whose arguments are of all sizes and signs, with values that are made of the number of the hit.
// `copies N`: N hits of app:copied, in turns at one of its two places, with the argument at another place in each.
// `guarded N`: comes N times by app:guarded, and to it only while its semaphore is not 0; the result is how often that was.
// `semaphore`: its value. `share`: two probes with one name and one semaphore, app:shared; its value.
// `open`, `lib N`, `libsemaphore`, `close`: the same for the library, lib:guarded.
// `text`: maps the library's file as code only, as no linker does. `maps N`: N pairs of mmap and munmap.
// `anew`: maps anonymous memory with the same bytes where the semaphore is, without the C library.
// `fork N`: N children one after another that each come by app:guarded once; the result is the sum of their semaphores, as they exit.
// `spin`: a thread that comes by app:guarded all the time; `stop`: ends it. `raise`: counts the semaphore up, as another tracer would.
// `keep`: forks a child that stays; `child`: its semaphore now; `end`: ends it. `exec`: executes itself anew.
#include "staticprobe.h"
#include "target.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

COUNTER(app, guarded);
COUNTER(app, shared);

long marked_global[4] = {11, -22, 33, 44};
static unsigned char bytes[8] = {1, 200, 3};

KEPT static void plain(long i, char c) { MARK2(app, plain, i, c); }

KEPT static void kinds(long i)
{
    signed char a = (signed char)-i;
    unsigned char b = (unsigned char)(255 - i);
    short s = (short)(-1000 - i);
    unsigned u = 0xfffffff0u - (unsigned)i;
    MARK4(app, kinds, a, b, s, u);
    MARK2(app, fixed, 7, -3);
    register long index __asm__("rbx") = i & 3;
    register unsigned char *at __asm__("rcx") = bytes;
    register unsigned long word __asm__("rdx") = 0x1234567880feUL;
    __asm__ volatile("" : "+r"(index), "+r"(at), "+r"(word));
    __asm__ volatile(MARK_NOTE(app, places, "0", "-8@marked_global(%%rip) 8@8+marked_global(%%rip) 1@1(%%rcx) -1@1(%%rcx,%%rbx,1) 1@%%dh -1@%%dl 2@%%dx -4@%%edx 8@$12 -4@$-5 8f@%%xmm0")
                     ::"r"(index), "r"(at), "r"(word));
}

KEPT static void copied(long i)
{
    if (i & 1) { register long x __asm__("r12") = i; __asm__ volatile("" : "+r"(x)); MARK1(app, copied, x); }
    else { register long x __asm__("r13") = -i; __asm__ volatile("" : "+r"(x)); MARK1(app, copied, x); }
}

KEPT static long guarded(long i)
{
    if (!app_guarded_semaphore) return 0;
    GUARDED1(app, guarded, i);
    return 1;
}

KEPT static long shared(long i)
{
    if (!app_shared_semaphore) return 0;
    GUARDED1(app, shared, i);
    GUARDED0(app, shared);
    return app_shared_semaphore;
}

static long child_value(int how, int from, int to)
{
    unsigned short value = 0;
    if (write(to, &how, 1) != 1) abort();
    if (how == 'q') return 0;
    if (read(from, &value, sizeof value) != sizeof value) abort();
    return value;
}

static void serve(int from, int to)
{
    char c;
    bound_life();
    while (read(from, &c, 1) == 1 && c != 'q') {
        guarded(-1);
        unsigned short value = app_guarded_semaphore;
        if (write(to, &value, sizeof value) != sizeof value) abort();
    }
    _exit(0);
}

static atomic_int stopping;
static void *spin(void *unused)
{
    for (long i = 0; !atomic_load(&stopping); i++) guarded(i);
    return unused;
}

int main(int argc, char **argv)
{
    char folder[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", folder, sizeof folder - 1);
    if (length < 0) return 2;
    folder[length] = 0;
    char self[PATH_MAX + 1], path[PATH_MAX + 32];
    strcpy(self, folder);
    *strrchr(folder, '/') = 0;
    snprintf(path, sizeof path, "%s/libmarked.so", folder);

    struct command c;
    void *library = NULL;
    pthread_t spinner;
    pid_t kept = 0;
    int ask[2], answer[2];
    ready();
    while (next_command(&c)) {
        unsigned long sum = 0;
        if (is(&c, "plain")) for (long i = 0; i < c.a; i++) { plain(i, (char)('a' + i % 26)); sum++; }
        else if (is(&c, "kinds")) for (long i = 0; i < c.a; i++) { kinds(i); sum++; }
        else if (is(&c, "copies")) for (long i = 0; i < c.a; i++) { copied(i); sum++; }
        else if (is(&c, "guarded")) for (long i = 0; i < c.a; i++) sum += guarded(i);
        else if (is(&c, "semaphore")) sum = app_guarded_semaphore;
        else if (is(&c, "raise")) sum = ++app_guarded_semaphore;
        else if (is(&c, "share")) sum = shared(1);
        else if (is(&c, "open")) { if (!library) library = dlopen(path, RTLD_NOW); sum = library != NULL; }
        else if (is(&c, "close")) { if (library) dlclose(library); library = NULL; }
        else if (is(&c, "lib") && library) sum = ((long (*)(long))dlsym(library, "lib_guarded"))(c.a);
        else if (is(&c, "libsemaphore") && library) sum = ((long (*)(void))dlsym(library, "lib_semaphore"))();
        else if (is(&c, "text")) {
            int file = open(path, O_RDONLY | O_CLOEXEC);
            if (file < 0 || mmap(NULL, 0x4000, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0) == MAP_FAILED) abort();
            sum = (unsigned long)!close(file);
        }
        else if (is(&c, "anew")) {
            char *page = (char *)((unsigned long)&app_guarded_semaphore & -4096UL), copy[4096];
            memcpy(copy, page, sizeof copy);
            register long r10 __asm__("r10") = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, r8 __asm__("r8") = -1, r9 __asm__("r9") = 0;
            long made;
            __asm__ volatile("syscall" : "=a"(made) : "a"(9L), "D"(page), "S"(4096L), "d"((long)(PROT_READ | PROT_WRITE)), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
            if (made != (long)page) abort();
            memcpy(page, copy, sizeof copy);
            sum = app_guarded_semaphore;
        }
        else if (is(&c, "maps")) for (long i = 0; i < c.a; i++) {
            void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (page == MAP_FAILED || munmap(page, 4096)) abort();
            sum++;
        }
        else if (is(&c, "fork")) for (long i = 0; i < c.a; i++) {
            int status;
            pid_t pid = fork();
            if (pid == 0) { bound_life(); guarded(i); _exit(app_guarded_semaphore); }
            if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) abort();
            sum += WEXITSTATUS(status);
        }
        else if (is(&c, "keep")) {
            if (pipe(ask) || pipe(answer)) abort();
            kept = fork();
            if (kept == 0) serve(ask[0], answer[1]);
            sum = kept;
        }
        else if (is(&c, "child")) sum = child_value('?', answer[0], ask[1]);
        else if (is(&c, "end")) { child_value('q', 0, ask[1]); waitpid(kept, NULL, 0); }
        else if (is(&c, "spin")) { atomic_store(&stopping, 0); if (pthread_create(&spinner, NULL, spin, NULL)) abort(); }
        else if (is(&c, "stop")) { atomic_store(&stopping, 1); pthread_join(spinner, NULL); }
        else if (is(&c, "exec")) { execv(self, argv); abort(); }
        else { unknown(&c); continue; }
        result(sum);
    }
    return argc < 1;
}
