// Runs single instructions twice, at their original address and as code relocated to a slot, from the same
// registers, flags, vector state and memory, and reports every difference.
//
//   gcc -O1 -o insn_runner insn_runner.c -Wl,-z,now
//   insn_runner CASES PROGRESS
//
// CASES: a header, then `count` records (struct header, struct test_case; little endian, no padding).
// PROGRESS: a file that holds the index of the case that was last begun, for when a case kills the process.
//
// State goes in and out through signal frames, so that no instruction of this program runs between the state being
// set and the instruction under test: the handler of SIGUSR1 replaces its frame, and whatever signal comes next (int3
// fills all code pages) finds the result in its own frame. Everything runs on an alternate stack.
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <cpuid.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

enum { MAX_POSITIONS = 6, SITE_BYTES = 16, SLOT_BYTES = 48, PAGE = 4096, XSTATE_MAX = 16384, ALTSTACK = 65536 };
enum { DATA_PAGES = 4, STACK_PAGES = 4 };

struct header {
    uint64_t magic, count;
    uint64_t site_page, target_page, near_page, far_page;  // filled with int3
    uint64_t data, stack;                                   // DATA_PAGES and STACK_PAGES pages; nothing is mapped around them
};

struct position {
    uint64_t original_rip;
    int32_t stack_adjust;
    uint8_t offset, fix_rcx, unused[2];
};

struct test_case {
    uint64_t site, slot;
    uint8_t site_length, slot_length, position_count, unused[5];
    uint8_t site_bytes[SITE_BYTES], slot_bytes[SLOT_BYTES];
    struct position positions[MAX_POSITIONS];
    uint64_t registers[16];  // in encoding order: rax rcx rdx rbx rsp rbp rsi rdi r8..r15
    uint64_t flags, fill;    // fill: the value of every word of memory, or 0 for a pattern
    uint64_t top_of_stack;   // the word at rsp
    uint32_t mxcsr, fcw;
};

struct result {
    gregset_t registers;
    uint64_t fs_base, gs_base;
    uint32_t ds, es;
    int signal, code;
    uint64_t address;
    uint8_t xstate[XSTATE_MAX];
    uint8_t data[DATA_PAGES * PAGE], stack[STACK_PAGES * PAGE];
};

static const int register_index[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                       REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
static const char *const register_names[] = {"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15",    "rdi", "rsi",    "rbp", "rbx",
                                             "rdx", "rax", "rcx", "rsp", "rip", "efl", "csgsfs", "err", "trapno", "oldmask", "cr2"};

static struct header header;
static const struct test_case *current;
static struct result *result, *original, *moved;
static volatile int running;
static uint64_t entry_rip, harness_fs, harness_gs;
static gregset_t harness_registers;
static uint8_t harness_xstate[XSTATE_MAX];
static uint8_t *alternate_stack;
static unsigned avx_offset, opmask_offset, zmm_offset, hi16_offset;

static long raw_syscall2(long number, long a, long b) {
    long value;
    __asm__ volatile("syscall" : "=a"(value) : "a"(number), "D"(a), "S"(b) : "rcx", "r11", "memory");
    return value;
}

// Bytes 464..511 of the FXSAVE image belong to the kernel (struct _fpx_sw_bytes): magic, extended size, features, size.
static unsigned xstate_size(const uint8_t *fx) {
    uint32_t words[5];
    memcpy(words, fx + 464, sizeof words);
    unsigned size = words[0] == 0x46505853 ? words[4] : 512;
    return size > XSTATE_MAX ? XSTATE_MAX : size;
}

static void put32(uint8_t *to, uint32_t value) { memcpy(to, &value, 4); }

// 32 vector registers of 64 bytes. Number 5 holds small quadwords and 7 small doublewords: indexes of gathers.
static uint32_t vector_word(int number, int word) {
    if (number == 5) return word & 1 ? 0 : 8u * (uint32_t)word;
    if (number == 7) return 16u * (uint32_t)word;
    if (number % 4 == 3) return (word & 1 ? 0x80000000u : 0x7FFFFFFFu) ^ ((uint32_t)word << 12);  // masks: alternate signs
    return 0x3F800000u + ((uint32_t)number << 16) + ((uint32_t)word << 8) + ((number & 1) ? 0x80000000u : 0);
}

static void set_xstate(uint8_t *fx) {
    unsigned size = xstate_size(fx);
    memset(fx, 0, 24);  // control, status, tags, opcode, last instruction and data pointer
    put32(fx, current->fcw | (4u << 11 << 16));  // FSW: TOP = 4, so that there is room to push and something to pop
    fx[4] = 0xF0;                                // tags of the physical registers: 4..7 are in use
    put32(fx + 24, current->mxcsr);
    memset(fx + 32, 0, 128);
    for (int st = 0; st < 4; st++) {
        fx[32 + 16 * st + 7] = 0x80 + 16 * st;                           // significand
        fx[32 + 16 * st + 8] = 0xFF, fx[32 + 16 * st + 9] = 0x3F;        // exponent: 1.0 to 1.375
    }
    for (int n = 0; n < 16; n++)
        for (int w = 0; w < 4; w++) put32(fx + 160 + 16 * n + 4 * w, vector_word(n, w));
    if (size <= 576) return;
    uint64_t features, wanted = 3;
    memcpy(&features, fx + 472, 8);  // which components the kernel saves
    if (avx_offset && features & 4) {
        wanted |= 4;
        for (int n = 0; n < 16; n++)
            for (int w = 0; w < 4; w++) put32(fx + avx_offset + 16 * n + 4 * w, vector_word(n, 4 + w));
    }
    if (hi16_offset && (features & 0xE0) == 0xE0) {
        wanted |= 0xE0;
        for (int k = 0; k < 8; k++) {
            uint64_t mask = 0x5A5A5A5A0F0F3C3Cull * (uint64_t)(k + 1) | 1;
            memcpy(fx + opmask_offset + 8 * k, &mask, 8);
        }
        for (int n = 0; n < 16; n++)
            for (int w = 0; w < 8; w++) put32(fx + zmm_offset + 32 * n + 4 * w, vector_word(n, 8 + w));
        for (int n = 0; n < 16; n++)
            for (int w = 0; w < 16; w++) put32(fx + hi16_offset + 64 * n + 4 * w, vector_word(16 + n, w));
    }
    uint64_t in_use;
    memcpy(&in_use, fx + 512, 8);
    in_use |= wanted;
    memcpy(fx + 512, &in_use, 8);
}

static void on_signal(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    uint8_t *fx = (uint8_t *)uc->uc_mcontext.fpregs;
    if (!running) {
        running = 1;
        memcpy(harness_registers, uc->uc_mcontext.gregs, sizeof harness_registers);
        memcpy(harness_xstate, fx, xstate_size(fx));
        for (int n = 0; n < 16; n++) uc->uc_mcontext.gregs[register_index[n]] = (greg_t)current->registers[n];
        uc->uc_mcontext.gregs[REG_RIP] = (greg_t)entry_rip;
        uc->uc_mcontext.gregs[REG_EFL] = (greg_t)current->flags;
        set_xstate(fx);
        return;
    }
    // The instruction may have changed FS: nothing may touch thread-local storage before it is set right.
    running = 0;
    raw_syscall2(SYS_arch_prctl, ARCH_GET_FS, (long)&result->fs_base);
    raw_syscall2(SYS_arch_prctl, ARCH_GET_GS, (long)&result->gs_base);
    raw_syscall2(SYS_arch_prctl, ARCH_SET_FS, (long)harness_fs);
    raw_syscall2(SYS_arch_prctl, ARCH_SET_GS, (long)harness_gs);
    __asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %2, %%ds; mov %2, %%es" : "=&r"(result->ds), "=&r"(result->es) : "r"(0));
    memcpy(result->registers, uc->uc_mcontext.gregs, sizeof result->registers);
    memcpy(result->xstate, fx, xstate_size(fx));
    result->signal = signal;
    result->code = info->si_code;
    result->address = (uint64_t)info->si_addr;
    memcpy(fx, harness_xstate, xstate_size(fx));
    memcpy(uc->uc_mcontext.gregs, harness_registers, sizeof harness_registers);
}

static void fill_memory(void) {
    uint32_t *data = (uint32_t *)header.data;
    for (size_t i = 0; i < DATA_PAGES * PAGE / 4; i++) data[i] = 0x3F800000u + (uint32_t)i * 0x101u;
    uint32_t *stack = (uint32_t *)header.stack;
    for (size_t i = 0; i < STACK_PAGES * PAGE / 4; i++) stack[i] = 0x3F000000u + (uint32_t)i * 0x10Bu;
    if (current->fill) {
        uint64_t *words = (uint64_t *)header.data;
        for (size_t i = 0; i < DATA_PAGES * PAGE / 8; i++) words[i] = current->fill;
        words = (uint64_t *)header.stack;
        for (size_t i = 0; i < STACK_PAGES * PAGE / 8; i++) words[i] = current->fill;
    }
    uint64_t top = current->registers[4];
    if (top >= header.stack && top <= header.stack + STACK_PAGES * PAGE - 8) memcpy((void *)top, &current->top_of_stack, 8);
}

static void run(struct result *into, int relocated) {
    memset((void *)header.site_page, 0xCC, PAGE);
    memset((void *)header.target_page, 0xCC, PAGE);
    memset((void *)(current->slot & ~(uint64_t)(PAGE - 1)), 0xCC, PAGE);
    memcpy((void *)current->site, current->site_bytes, current->site_length);
    memcpy((void *)current->slot, current->slot_bytes, current->slot_length);
    if (relocated) *(uint8_t *)current->site = 0xCC;  // as armed
    fill_memory();
    memset(alternate_stack, 0, ALTSTACK);
    memset(into, 0, offsetof(struct result, data));
    result = into;
    entry_rip = relocated ? current->slot : current->site;
    raw_syscall2(SYS_kill, getpid(), SIGUSR1);
    memcpy(into->data, (void *)header.data, sizeof into->data);
    memcpy(into->stack, (void *)header.stack, sizeof into->stack);
}

// Moves the result out of the slot by the positions, as the trap engine does. Returns 0 where there is no position.
static int leave_slot(struct result *r, int *rolled_back) {
    uint64_t rip = (uint64_t)r->registers[REG_RIP];
    *rolled_back = 0;
    uint64_t page = current->slot & ~(uint64_t)(PAGE - 1);
    if (rip < page || rip >= page + PAGE) return 1;
    for (int i = 0; i < current->position_count; i++) {
        const struct position *p = &current->positions[i];
        if (rip != current->slot + p->offset) continue;
        if (r->address == rip) r->address = p->original_rip;
        r->registers[REG_RIP] = (greg_t)p->original_rip;
        r->registers[REG_RSP] += p->stack_adjust;
        if (p->fix_rcx) r->registers[REG_RCX] = (greg_t)p->original_rip;
        *rolled_back = p->stack_adjust;
        return 1;
    }
    return 0;
}

static int differences;

static void differ(unsigned index, const char *what, uint64_t a, uint64_t b) {
    printf("differ case %u: %s original %llx moved %llx\n", index, what, (unsigned long long)a, (unsigned long long)b);
    differences++;
}

static void compare_bytes(unsigned index, const char *what, const uint8_t *a, const uint8_t *b, size_t length, uint64_t base) {
    for (size_t i = 0; i < length; i++)
        if (a[i] != b[i]) {
            char text[64];
            snprintf(text, sizeof text, "%s at %llx", what, (unsigned long long)(base + i));
            differ(index, text, a[i], b[i]);
            return;
        }
}

static void compare(unsigned index) {
    int rolled_back, before = differences;
    if (!leave_slot(moved, &rolled_back)) differ(index, "stopped in the slot at no position", 0, (uint64_t)moved->registers[REG_RIP]);
    if (original->signal != moved->signal) differ(index, "signal", (uint64_t)original->signal, (uint64_t)moved->signal);
    if (original->code != moved->code) differ(index, "si_code", (uint64_t)original->code, (uint64_t)moved->code);
    if (original->address != moved->address) differ(index, "si_addr", original->address, moved->address);
    for (int i = 0; i < NGREG; i++) {
        if (i == REG_OLDMASK || (i == REG_CR2 && original->registers[REG_TRAPNO] != 14)) continue;
        if (original->registers[i] != moved->registers[i])
            differ(index, register_names[i], (uint64_t)original->registers[i], (uint64_t)moved->registers[i]);
    }
    if (original->fs_base != moved->fs_base) differ(index, "fs_base", original->fs_base, moved->fs_base);
    if (original->gs_base != moved->gs_base) differ(index, "gs_base", original->gs_base, moved->gs_base);
    if (original->ds != moved->ds || original->es != moved->es) differ(index, "ds/es", original->ds, moved->ds);
    // The x87 instruction pointer is the one thing that a slot cannot hide.
    memset(original->xstate + 8, 0, 8);
    memset(moved->xstate + 8, 0, 8);
    compare_bytes(index, "fxsave", original->xstate, moved->xstate, 464, 0);
    unsigned size = xstate_size(original->xstate);
    if (size > 576) compare_bytes(index, "xsave", original->xstate + 576, moved->xstate + 576, size - 576, 576);
    compare_bytes(index, "data", original->data, moved->data, sizeof original->data, header.data);
    uint64_t offset = (uint64_t)moved->registers[REG_RSP] - (uint64_t)rolled_back - header.stack;
    if (rolled_back && offset <= sizeof moved->stack - 8)  // the word that was pushed and is given back is dead
        memcpy(moved->stack + offset, original->stack + offset, 8);
    compare_bytes(index, "stack", original->stack, moved->stack, sizeof original->stack, header.stack);
    if (differences == before) return;
    printf("  site %llx:", (unsigned long long)current->site);
    for (int i = 0; i < current->site_length; i++) printf(" %02x", current->site_bytes[i]);
    printf("  slot %llx:", (unsigned long long)current->slot);
    for (int i = 0; i < current->slot_length; i++) printf(" %02x", current->slot_bytes[i]);
    printf("\n");
}

static void map_at(uint64_t address, size_t length, int protection) {
    void *got = mmap((void *)address, length, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got != (void *)address) {
        fprintf(stderr, "cannot map %llx\n", (unsigned long long)address);
        exit(2);
    }
}

static unsigned component_offset(unsigned component) {
    unsigned size, offset, c, d;
    return __get_cpuid_count(0xD, component, &size, &offset, &c, &d) && size ? offset : 0;
}

static void *map_file(const char *path, int flags, size_t *length) {
    int fd = open(path, flags);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        perror(path);
        exit(2);
    }
    int writable = flags == O_RDWR;
    void *bytes = mmap(NULL, (size_t)status.st_size, writable ? PROT_READ | PROT_WRITE : PROT_READ, writable ? MAP_SHARED : MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        perror(path);
        exit(2);
    }
    close(fd);
    *length = (size_t)status.st_size;
    return bytes;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: insn_runner CASES PROGRESS\n");
        return 2;
    }
    size_t length, progress_length;
    const uint8_t *file = map_file(argv[1], O_RDONLY, &length);
    volatile uint64_t *progress = map_file(argv[2], O_RDWR, &progress_length);
    memcpy(&header, file, sizeof header);
    if (header.magic != 0x314E55524E534E49ull || length != sizeof header + header.count * sizeof(struct test_case)) {
        fprintf(stderr, "not a case file of this version: %zu bytes, %zu a case\n", length, sizeof(struct test_case));
        return 2;
    }

    // One processor, so that cpuid, rdpid and the like give one answer.
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(sched_getcpu(), &cpus);
    sched_setaffinity(0, sizeof cpus, &cpus);
    alarm(300);

    int code = PROT_READ | PROT_WRITE | PROT_EXEC, data = PROT_READ | PROT_WRITE;
    map_at(header.site_page, PAGE, code);
    map_at(header.target_page, PAGE, code);
    map_at(header.near_page, PAGE, code);
    map_at(header.far_page, PAGE, code);
    map_at(header.data, DATA_PAGES * PAGE, data);
    map_at(header.stack, STACK_PAGES * PAGE, data);
    memset((void *)header.near_page, 0xCC, PAGE);
    memset((void *)header.far_page, 0xCC, PAGE);
    original = malloc(sizeof *original);
    moved = malloc(sizeof *moved);
    alternate_stack = mmap(NULL, ALTSTACK, data, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!original || !moved || alternate_stack == MAP_FAILED) return 2;
    avx_offset = component_offset(2);
    opmask_offset = component_offset(5);
    zmm_offset = component_offset(6);
    hi16_offset = component_offset(7);
    raw_syscall2(SYS_arch_prctl, ARCH_GET_FS, (long)&harness_fs);
    raw_syscall2(SYS_arch_prctl, ARCH_GET_GS, (long)&harness_gs);

    stack_t stack = {.ss_sp = alternate_stack, .ss_size = ALTSTACK};
    sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    const int signals[] = {SIGUSR1, SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);

    unsigned ended[65] = {0}, inside = 0, differing = 0;
    for (uint64_t i = 0; i < header.count; i++) {
        current = (const struct test_case *)(file + sizeof header) + i;
        *progress = i;
        run(original, 0);
        run(moved, 1);
        ended[original->signal & 63]++;
        uint64_t rip = (uint64_t)moved->registers[REG_RIP];
        inside += rip >= current->slot && rip < current->slot + current->slot_length;
        int before = differences;
        compare((unsigned)i);
        differing += differences != before;
    }
    printf("cases %llu differing %u completed %u segv %u ill %u fpe %u bus %u stopped-in-slot %u\n", (unsigned long long)header.count,
           differing, ended[SIGTRAP], ended[SIGSEGV], ended[SIGILL], ended[SIGFPE], ended[SIGBUS], inside);
    return differing ? 1 : 0;
}
