// Calls work for ever and turns on the memory that it shares with a tracer. `go N` calls work N times, and prints how many answers were right.
// `scribble N`: N rounds of random bytes over the shared memory. `zeros`: its pages are taken away (madvise MADV_REMOVE).
// `unmap`, `protect`: it is unmapped, or made inaccessible. `flags`: random bytes over the page in front of the trampolines.
// `freeze`: that page becomes memory that nobody can write to, not even through /proc.
// `fuzz N`: a thread calls work while another does N rounds of all that leaves the memory where it is.
// `own`: writes other code over work, in its own text. Each prints how many mappings it found.
#define _GNU_SOURCE
#include "target.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>

enum { MOST = 256, PAGE = 4096 };
DEFINE_WORK
static unsigned long seed = 88172645463325252UL;
static atomic_int stopping;
static unsigned long next_random(void)
{
    seed ^= seed << 13; seed ^= seed >> 7; seed ^= seed << 17;
    return seed;
}

static void scribble(unsigned long low, unsigned long high)
{
    unsigned long words = (high - low) / 8, *memory = (unsigned long *)low;
    // The header, the table of threads and the first records whole; of the rest a word here and there.
    for (unsigned long i = 0; i < words && i < 16384; i++) memory[i] = next_random() & (next_random() >> (next_random() & 63));
    for (unsigned long i = 0; i < 16384; i++) memory[next_random() % words] = next_random() >> (next_random() & 63);
}

// The page of flags in front of trampolines: executable, of no file, and marked at its 40th byte.
static int is_flags(const char *line, unsigned long low, unsigned long high)
{
    return strstr(line, "r-xp 00000000 00:00 0") && high - low == PAGE && !strcmp((char *)low + 40, "uprobe");
}

static void scribble_flags(unsigned char *page)
{
    if (mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC)) abort();
    for (int i = 0; i < PAGE; i++) page[i] = next_random() & 1 ? 0 : next_random();
    memcpy(page + 40, "uprobe", 7);
    mprotect(page, PAGE, PROT_READ | PROT_EXEC);
}

static void freeze_flags(unsigned char *page)
{
    unsigned char *frozen = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memcpy(frozen, page, PAGE);
    if (mprotect(frozen, PAGE, PROT_READ | PROT_EXEC) || mremap(frozen, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page) != page) abort();
}

static int each(const char *verb, long times)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    unsigned long low, high, lows[MOST], highs[MOST];
    int found = 0, freezes = !strcmp(verb, "freeze"), wants_flags = freezes || !strcmp(verb, "flags");
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx", &low, &high) == 2 && found < MOST && (wants_flags ? is_flags(line, low, high) : !!strstr(line, "memfd:uprobe"))) {
            lows[found] = low;
            highs[found++] = high;
        }
    fclose(maps);
    for (int i = 0; i < found; i++) {
        void *start = (void *)lows[i];
        unsigned long length = highs[i] - lows[i];
        if (!strcmp(verb, "scribble")) for (long n = 0; n < times; n++) scribble(lows[i], highs[i]);
        else if (!strcmp(verb, "zeros")) { if (madvise(start, length, MADV_REMOVE)) perror("madvise"); }
        else if (!strcmp(verb, "unmap")) munmap(start, length);
        else if (!strcmp(verb, "protect")) mprotect(start, length, PROT_NONE);
        else if (freezes) freeze_flags(start);
        else if (wants_flags) scribble_flags(start);
    }
    return found;
}

static void *call(void *unused)
{
    unsigned long wrong = 0;
    for (long i = 0; !atomic_load(&stopping); i++) wrong += work(i, i) != i * 3 + (i ^ 0x55) + (i >> 2);
    return (void *)wrong;
}

int main(void)
{
    struct command c;
    ready();
    while (next_command(&c)) {
        if (is(&c, "go")) {
            unsigned long right = 0;
            for (long i = 0; i < c.a; i++) right += work(i, i) == i * 3 + (i ^ 0x55) + (i >> 2);
            result(right);
        } else if (is(&c, "fuzz")) {
            pthread_t caller;
            void *wrong;
            atomic_store(&stopping, 0);
            if (pthread_create(&caller, NULL, call, NULL)) abort();
            for (long i = 0; i < c.a; i++) { each("scribble", 1); each("flags", 0); if (i % 8 == 7) each("zeros", 0); }
            atomic_store(&stopping, 1);
            pthread_join(caller, &wrong);
            result((unsigned long)wrong);
        } else if (is(&c, "own")) {
            unsigned long page = (unsigned long)work & ~4095UL, length = (((unsigned long)work + 6 + 4095) & ~4095UL) - page;
            if (mprotect((void *)page, length, PROT_READ | PROT_WRITE | PROT_EXEC)) abort();
            // mov $7,%eax; ret
            memcpy((void *)(unsigned long)work, "\xb8\x07\x00\x00\x00\xc3", 6);
            mprotect((void *)page, length, PROT_READ | PROT_EXEC);
            result((unsigned long)work(1, 2));
        } else if (is(&c, "scribble") || is(&c, "zeros") || is(&c, "unmap") || is(&c, "protect") || is(&c, "flags") || is(&c, "freeze"))
            result(each(c.verb, c.a));
        else unknown(&c);
    }
    return 0;
}
