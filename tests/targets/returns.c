// Calls whose returns are peculiar. `depth N`: down(N) calls itself N deep. `sites N`: 200 call sites of work, N times. `anonymous N`:
// work is called from code made at run time. `trace N`: a checksum of backtrace() and of dlsym(RTLD_NEXT) inside looks().
// `fork N`, `vfork N`: forks()/vforks() return in parent and child, or only in the parent. `slow N`: waits() reads a line
// before it returns, N times. `exit N`, `abort`: quits() never returns.
#define _GNU_SOURCE
#include "target.h"
#include <dlfcn.h>
#include <execinfo.h>
#include <sys/mman.h>
#include <sys/wait.h>

DEFINE_WORK
KEPT long down(long n) { return n == 0 ? 0 : down(n - 1) + 1; }

long sites(long n); // calls work(n + k, k) from 200 places, and sums
asm(".text\n.globl sites\n.type sites, @function\nsites:\n  push %rbx\n  push %r12\n  push %r13\n  mov %rdi, %rbx\n  xor %r12d, %r12d\n  xor %r13d, %r13d\n"
    ".rept 200\n  lea (%rbx,%r13), %rdi\n  mov %r13, %rsi\n  call work\n  add %rax, %r12\n  inc %r13\n.endr\n"
    "  mov %r12, %rax\n  pop %r13\n  pop %r12\n  pop %rbx\n  ret\n.size sites, . - sites\n");

static unsigned long anonymous(long n)
{
    unsigned char code[] = {0x48, 0x83, 0xec, 8, 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xd0, 0x48, 0x83, 0xc4, 8, 0xc3};
    long (*target)(long, long) = work; // sub $8,%rsp; movabs $work,%rax; call *%rax; add $8,%rsp; ret
    memcpy(code + 6, &target, sizeof target);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof code);
    long (*caller)(long, long);
    memcpy(&caller, &page, sizeof caller);
    unsigned long sum = 1;
    for (long i = 0; i < n; i++) sum = mix(sum, (unsigned long)caller(i, i));
    munmap(page, 4096);
    return sum;
}

KEPT unsigned long looks(unsigned long sum)
{
    void *frames[16];
    int count = backtrace(frames, 16);
    for (int i = 0; i < count; i++) sum = mix(sum, (unsigned long)frames[i]);
    sum = mix(sum, (unsigned long)__builtin_return_address(0));
    return mix(sum, (unsigned long)dlsym(RTLD_NEXT, "malloc"));
}
KEPT unsigned long through(unsigned long sum) { return looks(sum) + 1; }

KEPT int forks(long i) { (void)i; return fork(); }
KEPT int vforks(long i)
{
    int child = vfork();
    if (child == 0) _exit((int)work(i, 1) & 0x7f);
    return child;
}
static unsigned long exit_code(pid_t child)
{
    int status;
    return waitpid(child, &status, 0) == child ? (unsigned long)status : 99999;
}

KEPT long waits(long i) { char line[64]; return fgets(line, sizeof line, stdin) ? i : -1; }
KEPT void quits(int code) { if (code < 0) abort(); exit(code); }

int main(void)
{
    struct command c;
    ready();
    while (next_command(&c)) {
        unsigned long sum = 1;
        if (is(&c, "depth")) sum = (unsigned long)down(c.a);
        else if (is(&c, "anonymous")) sum = anonymous(c.a);
        else if (is(&c, "exit")) quits((int)c.a);
        else if (is(&c, "abort")) quits(-1);
        else for (long i = 0; i < c.a; i++) {
            if (is(&c, "sites")) sum = mix(sum, (unsigned long)sites(i));
            if (is(&c, "trace")) sum = through(sum);
            if (is(&c, "slow")) { printf("waiting\n"); sum = mix(sum, (unsigned long)waits(i)); }
            if (is(&c, "fork")) {
                int child = forks(i);
                if (child == 0) { bound_life(); _exit((int)work(i, 0) & 0x7f); }
                sum = mix(sum, exit_code(child));
            }
            if (is(&c, "vfork")) sum = mix(sum, exit_code(vforks(i)));
        }
        result(sum);
    }
    return 0;
}
