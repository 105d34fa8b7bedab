// What a call costs that a hand-written detour is on: a jump to code near the function, which does what is asked, the displaced
// instructions, and a jump back. Prints the nanoseconds of a call without, and with nothing, a counter and a locked counter.
// Not position independent, so that the code can be written down with its addresses.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define DISPLACED 7 // push %rbp; mov %rsp,%rbp; lea (%rdi,%rsi),%eax

__attribute__((naked, noinline, aligned(64))) int work(int a, int b)
{
    __asm__("push %rbp\n mov %rsp,%rbp\n lea (%rdi,%rsi,1),%eax\n pop %rbp\n ret");
}

static double nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

// The best of many short turns: another program's turn on the processor is in few of them.
static double cost(int turns, int calls)
{
    int (*volatile call)(int, int) = work;
    double best = 1e9;
    int sum = 0;
    for (int turn = 0; turn < turns; turn++) {
        double start = nanoseconds();
        for (int i = 0; i < calls; i++)
            sum += call(i, sum);
        double one = (nanoseconds() - start) / calls;
        if (one < best)
            best = one;
    }
    return best;
}

static uint8_t *memory_near(void *place)
{
    for (intptr_t distance = 1 << 20; distance < 1L << 30; distance += 1 << 20) {
        void *want = (char *)((intptr_t)place & ~4095L) + distance;
        void *got = mmap(want, 65536, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (got != MAP_FAILED)
            return got;
    }
    abort();
}

static uint8_t *code(uint8_t *at, const char *bytes, int length)
{
    memcpy(at, bytes, length);
    return at + length;
}

#define CODE(at, bytes) code(at, bytes, sizeof bytes - 1)

static uint8_t *displacement(uint8_t *at, const void *target)
{
    int32_t distance = (int32_t)((const uint8_t *)target - (at + 4));
    memcpy(at, &distance, 4);
    return at + 4;
}

// lea -128(%rsp),%rsp; push %r11; mov counter(%rip),%r11; lea 1(%r11),%r11; mov %r11,counter(%rip); pop %r11; lea 128(%rsp),%rsp
static uint8_t *plain_counter(uint8_t *at, uint64_t *counter)
{
    at = CODE(at, "\x48\x8d\x64\x24\x80\x41\x53\x4c\x8b\x1d");
    at = displacement(at, counter);
    at = CODE(at, "\x4d\x8d\x5b\x01\x4c\x89\x1d");
    at = displacement(at, counter);
    return CODE(at, "\x41\x5b\x48\x8d\xa4\x24\x80\x00\x00\x00");
}

// lea -128(%rsp),%rsp; push %rax; lahf; seto %al; lock incq counter(%rip); add $127,%al; sahf; pop %rax; lea 128(%rsp),%rsp
static uint8_t *locked_counter(uint8_t *at, uint64_t *counter)
{
    at = CODE(at, "\x48\x8d\x64\x24\x80\x50\x9f\x0f\x90\xc0\xf0\x48\xff\x05");
    at = displacement(at, counter);
    return CODE(at, "\x04\x7f\x9e\x58\x48\x8d\xa4\x24\x80\x00\x00\x00");
}

int main(int argc, char **argv)
{
    int turns = argc > 1 ? atoi(argv[1]) : 200, calls = 200000;
    uint8_t *near = memory_near(work), *site = (uint8_t *)work, original[DISPLACED];
    uint64_t *counter = (uint64_t *)(near + 4096);
    memcpy(original, site, DISPLACED);
    if (mprotect((void *)((uintptr_t)site & ~4095UL), 8192, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
        return 1;
    printf("bare %.3f\n", cost(turns, calls));
    const char *names[] = {"detour", "plain", "locked"};
    for (int kind = 0; kind < 3; kind++) {
        uint8_t *at = near;
        *counter = 0;
        if (kind == 1)
            at = plain_counter(at, counter);
        if (kind == 2)
            at = locked_counter(at, counter);
        at = code(at, (const char *)original, DISPLACED);
        *at++ = 0xe9;
        displacement(at, site + DISPLACED);
        uint8_t patch[DISPLACED] = {0xe9, 0, 0, 0, 0, 0x66, 0x90};
        int32_t distance = (int32_t)(near - (site + 5));
        memcpy(patch + 1, &distance, 4);
        memcpy(site, patch, DISPLACED);
        printf("%s %.3f\n", names[kind], cost(turns, calls));
        if (kind > 0 && *counter != (uint64_t)turns * calls)
            return 1;
        memcpy(site, original, DISPLACED);
    }
}
