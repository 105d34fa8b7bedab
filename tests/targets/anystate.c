// Calls functions of a library that nobody wrote (SeaWriter of the live tests makes it) with random states of everything that a
// thread has, and says what each left: general registers, flags, vector and x87 state, the red zone, memory and errno.
//   seed N        the states are chosen by it
//   load PATH     the library
//   count PATH    runs all cases with single steps and writes how often each instruction ran: 32 bits for each byte of the text
//   run PATH      runs all cases and writes a record for each function in each place (struct record)
//   timer N       a signal N microseconds after the one before, from now on; 0 ends it
#define _GNU_SOURCE
#include "target.h"
#include <cpuid.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

enum { PLACES = 3, ROUNDS = 3, RED_ZONE = 128, OWN_NEED = 192, PAGE = 4096, ALTERNATE = 1 << 17, ERRNO = 77 };
struct record { uint64_t registers, flags, vectors, red_zone, memory, error; };

void run_case(void);
extern uint64_t in_state[17], out_state[17];
extern void *in_function;
extern unsigned char in_xstate[4096], out_xstate[4096], own_xstate[4096];
extern uint32_t xstate_mask;

static uint64_t seed = 1, state;
static void **functions;
static uint32_t *depths, *counts;
static long function_count;
static unsigned char *data, *text, *text_end, *tiny, *alternate;
static unsigned long data_size, ticks;
static int component[8], component_size[8];

static uint64_t next(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15UL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9UL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebUL;
    return z ^ z >> 31;
}

static void fill(void *at, size_t size) { for (size_t i = 0; i < size; i += 8) { uint64_t w = next(); memcpy((char *)at + i, &w, 8); } }

static uint64_t digest(uint64_t sum, const void *at, size_t size)
{
    for (size_t i = 0; i < size; i += 8) { uint64_t w = 0; memcpy(&w, (const char *)at + i, size - i < 8 ? size - i : 8); sum = mix(sum, w); sum ^= sum >> 29; }
    return sum;
}

// Where the components of the processor's state lie in the standard form: 2 AVX, 5 opmasks, 6 and 7 AVX-512.
static void find_components(void)
{
    unsigned a, b, c, d;
    __cpuid_count(13, 0, a, b, c, d);
    xstate_mask = a & 0xe7;
    for (int i = 2; i < 8; i++) {
        if (!(xstate_mask >> i & 1)) continue;
        __cpuid_count(13, i, a, b, c, d);
        component[i] = (int)b;
        component_size[i] = (int)a;
    }
}

// Random, but such that no exception is unmasked and none is pending.
static void choose_vectors(void)
{
    memset(in_xstate, 0, sizeof in_xstate);
    uint64_t chosen = next();
    *(uint16_t *)in_xstate = (uint16_t)(0x007f | (chosen & 3) << 10 | (chosen >> 2 & 1 ? 0x300 : 0x200)); // rounding, precision
    *(uint16_t *)(in_xstate + 2) = (uint16_t)((chosen >> 4 & 7) << 11 | (chosen & 0x4700));                // top of the stack, conditions
    in_xstate[4] = (unsigned char)(chosen >> 16);                                                           // which registers are used
    *(uint32_t *)(in_xstate + 24) = 0x1f80 | (uint32_t)(chosen >> 24 & 0xe07f);                             // MXCSR: rounding, flush, denormals, flags
    for (int i = 0; i < 8; i++) fill(in_xstate + 32 + 16 * i, 8), *(uint16_t *)(in_xstate + 40 + 16 * i) = (uint16_t)next();
    fill(in_xstate + 160, 256);
    for (int i = 2; i < 8; i++) fill(in_xstate + component[i], (size_t)component_size[i]);
    *(uint64_t *)(in_xstate + 512) = xstate_mask;
}

// The processor leaves out what is in its first state, and says so; when it says so is its own affair. The address and the code of the
// last x87 instruction are left out: they tell where an instruction ran, and that is another place for a displaced one.
static uint64_t digest_vectors(uint64_t sum)
{
    uint64_t there = *(uint64_t *)(out_xstate + 512);
    if (!(there & 1)) { memset(out_xstate, 0, 6); *(uint16_t *)out_xstate = 0x37f; memset(out_xstate + 32, 0, 128); }
    if (!(there & 2)) memset(out_xstate + 160, 0, 256);
    sum = digest(sum, out_xstate, 5);
    sum = digest(sum, out_xstate + 24, 4);
    for (int i = 0; i < 8; i++) sum = digest(sum, out_xstate + 32 + 16 * i, 10);
    sum = digest(sum, out_xstate + 160, 256);
    for (int i = 2; i < 8; i++) {
        if (!(there >> i & 1)) memset(out_xstate + component[i], 0, (size_t)component_size[i]);
        sum = digest(sum, out_xstate + component[i], (size_t)component_size[i]);
    }
    return sum;
}

// One call. `top` is the stack pointer at the call: the function's return address lies below it, and below that its red zone.
static void once(long function, unsigned char *top, int stepped, struct record *record)
{
    in_function = functions[function];
    for (int i = 0; i < 16; i++) in_state[i] = next();
    in_state[4] = (uint64_t)top;
    in_state[16] = 0x202 | (next() & 0xcd5) | (next() & 1) << 21 | (stepped ? 0x100 : 0); // CF PF AF ZF SF DF OF, ID; TF
    in_state[16] &= ~0x200UL;
    in_state[16] |= 0x202;
    choose_vectors();
    fill(data, data_size);
    unsigned char *red_zone = top - 8 - RED_ZONE;
    fill(red_zone, RED_ZONE);
    errno = ERRNO;
    memset(out_xstate, 0, sizeof out_xstate);
    run_case();
    uint64_t error = (uint64_t)errno;
    out_state[16] &= ~0x100UL;
    for (int i = 0; i < 16; i++) record->registers = digest(record->registers, &out_state[i], 8);
    record->flags = digest(record->flags, &out_state[16], 8);
    record->vectors = digest_vectors(record->vectors);
    // Of the function's red zone, what is still below the stack pointer of its caller.
    record->red_zone = digest(record->red_zone, red_zone + 8, RED_ZONE - 8);
    record->memory = digest(record->memory, data, data_size);
    record->error = digest(record->error, &error, 8);
}

// Random and the same each time: the states depend on the function, the place and the round alone.
static void rounds(long function, int place, unsigned char *top, int stepped, struct record *record)
{
    for (int round = 0; round < ROUNDS; round++) {
        state = seed * 1000003 + (uint64_t)function * 64 + (uint64_t)(place * 8 + round);
        once(function, top, stepped, record);
    }
}

static struct record *records;
static int stepping;

// An alternate stack: this is its only user.
static void on_alternate(int signal)
{
    unsigned char here;
    unsigned char *top = (unsigned char *)((uintptr_t)(&here - 16 * PAGE / 4) & ~15UL);
    for (long f = 0; f < function_count; f++) rounds(f, 1, top - 8 * (f & 1), stepping, &records[PLACES * f + 1]);
}

static void all(int stepped)
{
    unsigned char here;
    memset(records, 0, sizeof *records * PLACES * (size_t)function_count);
    stepping = stepped;
    unsigned char *top = (unsigned char *)((uintptr_t)(&here - 16 * PAGE / 4) & ~15UL);
    for (long f = 0; f < function_count; f++) {
        rounds(f, 0, top - 8 * (f & 1), stepped, &records[PLACES * f]);
        // No byte more than the function, the red zone and a probe need.
        unsigned char *edge = tiny + PAGE + OWN_NEED + RED_ZONE + depths[f] + 8;
        rounds(f, 2, edge, stepped, &records[PLACES * f + 2]);
    }
    raise(SIGUSR1);
}

// What the trap flag adds to what instructions store is taken back.
static void on_step(int signal, siginfo_t *info, void *raw)
{
    static unsigned char *last;
    ucontext_t *context = raw;
    unsigned char *rip = (unsigned char *)context->uc_mcontext.gregs[REG_RIP];
    uint64_t *rsp = (uint64_t *)context->uc_mcontext.gregs[REG_RSP];
    unsigned char *former = last;
    last = rip;
    if (former >= text && former < text_end) {
        if (*former == 0x9c) *rsp &= ~0x100UL;                                                                            // pushfq
        if (*former == 0x9d) rsp[-1] &= ~0x100UL;                                                                         // popfq
        if (former[0] == 0x0f && former[1] == 0x05) context->uc_mcontext.gregs[REG_R11] &= ~0x100L;                       // syscall
    }
    if (rip < text || rip >= text_end) return;
    if (*rip == 0x9d) *rsp |= 0x100UL;
    int repeats = rip == former && (*rip == 0xf3 || *rip == 0xf2); // the same instruction, not yet done
    if (!repeats) counts[rip - text]++;
}

static timer_t ticker;
static long interval; // microseconds

static void arm(void)
{
    struct itimerspec timer = {{0, 0}, {0, interval * 1000}};
    timer_settime(ticker, 0, &timer, NULL);
}

// The next one is asked for by this one: however slowly they are delivered, something is done between two.
static void on_tick(int signal) { ticks++; arm(); }

static int save(const char *path, const void *what, size_t size)
{
    FILE *file = fopen(path, "w");
    if (!file) return 0;
    int done = fwrite(what, 1, size, file) == size;
    return fclose(file) == 0 && done;
}

static int load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    if (!library) { puts(dlerror()); return 0; }
    functions = dlsym(library, "sea_functions");
    depths = dlsym(library, "sea_depths");
    function_count = *(long *)dlsym(library, "sea_count");
    data = dlsym(library, "sea_data");
    data_size = *(unsigned long *)dlsym(library, "sea_data_size");
    text = dlsym(library, "sea_text");
    text_end = dlsym(library, "sea_text_end");
    counts = calloc((size_t)(text_end - text), sizeof *counts);
    records = calloc(PLACES * (size_t)function_count, sizeof *records);
    return 1;
}

static void handle(int signal, void *handler, int flags)
{
    struct sigaction action = {.sa_flags = flags};
    action.sa_sigaction = (void (*)(int, siginfo_t *, void *))handler;
    sigaction(signal, &action, NULL);
}

int main(void)
{
    find_components();
    // The alternate stack is inaccessible at its end, as is the tiny one.
    alternate = mmap(NULL, ALTERNATE + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tiny = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (alternate == MAP_FAILED || tiny == MAP_FAILED || mprotect(tiny, PAGE, PROT_NONE) || mprotect(alternate, PAGE, PROT_NONE)) return 2;
    stack_t stack = {.ss_sp = alternate + PAGE, .ss_size = ALTERNATE};
    sigaltstack(&stack, NULL);
    handle(SIGUSR1, on_alternate, SA_ONSTACK);
    handle(SIGTRAP, on_step, SA_SIGINFO | SA_ONSTACK);
    handle(SIGVTALRM, on_tick, SA_ONSTACK | SA_RESTART);
    struct sigevent tick = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGVTALRM};
    if (timer_create(CLOCK_MONOTONIC, &tick, &ticker)) return 2;
    struct command c;
    ready();
    while (next_command(&c)) {
        if (is(&c, "seed")) seed = (uint64_t)c.a, result(seed);
        else if (is(&c, "load")) result((unsigned long)(load(c.rest) ? function_count : 0));
        else if (is(&c, "count")) all(1), result((unsigned long)save(c.rest, counts, sizeof *counts * (size_t)(text_end - text)));
        else if (is(&c, "run")) all(0), result((unsigned long)save(c.rest, records, sizeof *records * PLACES * (size_t)function_count));
        else if (is(&c, "timer")) {
            interval = c.a;
            arm();
            result(ticks);
        }
        else unknown(&c);
    }
    return 0;
}
