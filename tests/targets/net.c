// Runs trapped code without any tracer, with the safety net's handler installed from files that a test has made.
//
//   net MODE HANDLER RESTORER FLAGS MASK TEXT COUNT [ADDRESS PROTECTION FILE]...
//
// Numbers are hexadecimal. Each file is mapped at its address, private. HANDLER 0 is SIG_DFL and 1 is SIG_IGN (the
// twin runs that the handler's behaviour is compared with). TEXT holds COUNT functions of 16 bytes: f(x) = 3x + index.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

struct kernel_sigaction { uint64_t handler, flags, restorer, mask; };

static uint64_t text, count, handler;

static void fail(const char *what) { perror(what); exit(100); }

static uint64_t number(const char *s) { return strtoull(s, NULL, 16); }

static void map(uint64_t address, const char *protection, const char *path)
{
    int prot = (strchr(protection, 'r') ? PROT_READ : 0) | (strchr(protection, 'w') ? PROT_WRITE : 0)
        | (strchr(protection, 'x') ? PROT_EXEC : 0);
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st)) fail(path);
    void *at = mmap((void *)address, st.st_size, prot, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0);
    if (at != (void *)address) fail("mmap");
    close(fd);
}

// uint64_t checked_call(uint64_t address, uint64_t x): f(x), or -1 if a register, the carry flag or the red zone was lost.
uint64_t checked_call(uint64_t address, uint64_t x);
__asm__(
    "checked_call:\n\t"
    "push %rbx\n\t"
    "mov %rdi, %rbx\n\t"
    "mov %rsi, %rdi\n\t"
    "mov $0x111111111111, %rsi\n\tmov %rsi, %rdx\n\tmov %rsi, %rcx\n\tmov %rsi, %r8\n\t"
    "mov %rsi, %r9\n\tmov %rsi, %r10\n\tmov %rsi, %r11\n\t"
    "mov %rsi, -16(%rsp)\n\t" // the called function's return address is at -8, its red zone is from -136 on
    "mov %rsi, -136(%rsp)\n\t"
    "stc\n\t"
    "call *%rbx\n\t"
    "jnc 1f\n\t"
    "cmp %rsi, -16(%rsp)\n\tjne 1f\n\tcmp %rsi, -136(%rsp)\n\tjne 1f\n\t"
    "cmp %rsi, %rdx\n\tjne 1f\n\tcmp %rsi, %rcx\n\tjne 1f\n\tcmp %rsi, %r8\n\tjne 1f\n\t"
    "cmp %rsi, %r9\n\tjne 1f\n\tcmp %rsi, %r10\n\tjne 1f\n\tcmp %rsi, %r11\n\tjne 1f\n\t"
    "pop %rbx\n\t"
    "ret\n"
    "1:\tmov $-1, %rax\n\t"
    "pop %rbx\n\t"
    "ret\n");

static void *calls(void *unused)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t result = checked_call(text + i * 16, 5 * i);
        if (result != 15 * i + i) {
            fprintf(stderr, "function %lu gave %lu\n", i, result);
            exit(101);
        }
    }
    return unused;
}

static void stale(void)
{
    // As the kernel would call it for a thread that met a trap which has been taken back since.
    static unsigned char code[16] = { 0x90, 0x55, 0x03, 0xC0, 0xCD, 0x03, 0xCC };
    siginfo_t info = { .si_signo = SIGTRAP, .si_code = 0x80 };
    for (int offset = 1; offset <= 3; offset++) {
        ucontext_t context = { 0 };
        context.uc_mcontext.gregs[REG_RIP] = (greg_t)(code + offset);
        ((void (*)(int, siginfo_t *, void *))handler)(SIGTRAP, &info, &context);
        if (context.uc_mcontext.gregs[REG_RIP] != (greg_t)(code + offset - 1)) exit(102);
    }
}

static void single_step(void)
{
    __asm__ volatile("pushf\n\torq $0x100, (%%rsp)\n\tpopf\n\tnop\n\tnop" ::: "cc", "memory");
}

int main(int argc, char **argv)
{
    if (argc < 8) return 103;
    const char *mode = argv[1];
    handler = number(argv[2]);
    struct kernel_sigaction action = { handler, number(argv[4]), number(argv[3]), number(argv[5]) };
    text = number(argv[6]);
    count = number(argv[7]);
    for (int i = 8; i + 2 < argc; i += 3) map(number(argv[i]), argv[i + 1], argv[i + 2]);
    if (syscall(SYS_rt_sigaction, SIGTRAP, &action, NULL, 8)) fail("rt_sigaction");

    if (!strcmp(mode, "calls")) calls(NULL);
    else if (!strcmp(mode, "altstack")) {
        stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };
        if (sigaltstack(&stack, NULL)) fail("sigaltstack");
        calls(NULL);
    } else if (!strcmp(mode, "threads")) {
        pthread_t threads[4];
        for (int i = 0; i < 4; i++) if (pthread_create(&threads[i], NULL, calls, NULL)) fail("pthread_create");
        for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    } else if (!strcmp(mode, "fork")) {
        int status;
        pid_t child = fork();
        if (child == 0) { calls(NULL); _exit(0); }
        if (waitpid(child, &status, 0) != child || status) exit(104);
    } else if (!strcmp(mode, "stale")) stale();
    else if (!strcmp(mode, "int3")) __asm__ volatile("int3");
    else if (!strcmp(mode, "cd03")) __asm__ volatile(".byte 0xcd, 0x03");
    else if (!strcmp(mode, "int1")) __asm__ volatile(".byte 0xf1");
    else if (!strcmp(mode, "step")) single_step();
    else if (!strcmp(mode, "raise")) raise(SIGTRAP);
    else if (!strcmp(mode, "serve")) {
        // Says that it is ready, then calls its functions for each line it is sent.
        char line[16];
        puts("ready"); fflush(stdout);
        while (fgets(line, sizeof line, stdin)) { calls(NULL); puts("right"); fflush(stdout); }
    } else return 105;
    puts("alive");
    return 0;
}
