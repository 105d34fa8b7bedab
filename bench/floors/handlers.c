// What handlers cost as C functions, without the detour: find the thread's record by the FS base in a small table, then count, count in a
// histogram of powers of two, write an event of 48 bytes with time stamp, thread and three arguments, or the same without its stores.
// Prints the nanoseconds of each, the loop's own included.
#define _GNU_SOURCE
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct record {
    uint64_t fs_base;
    uint64_t *counters;
    uint8_t *ring;
    uint64_t head, tail, mask, thread, unused;
};

static struct record records[256] __attribute__((aligned(64)));
static volatile uint32_t alive = 1;

static uint32_t hash(uint64_t fs_base)
{
    return (uint32_t)((fs_base >> 12) * 2654435761u) >> 24;
}

static inline struct record *find(void)
{
    uint64_t fs_base = _readfsbase_u64();
    for (uint32_t h = hash(fs_base);; h++) {
        struct record *record = &records[h & 255];
        if (record->fs_base == fs_base)
            return record;
        if (record->fs_base == 0)
            return 0;
    }
}

__attribute__((noinline)) void count(long a, long b, long c)
{
    struct record *record;
    if (alive && (record = find()))
        record->counters[0]++;
}

__attribute__((noinline)) void histogram(long a, long b, long c)
{
    struct record *record;
    if (alive && (record = find()))
        record->counters[8 + (63 - __builtin_clzl(a | 1))]++;
}

// Reserves by a compare-exchange without a lock prefix: a signal handler on the same thread may come in between.
static inline uint64_t *reserve(struct record *record)
{
    uint64_t head = record->head;
    for (;;) {
        if (head + 48 - record->tail > record->mask + 1)
            return 0;
        uint64_t old = head;
        __asm__ volatile("cmpxchgq %2,%1" : "+a"(old), "+m"(record->head) : "r"(head + 48) : "memory", "cc");
        if (old == head)
            return (uint64_t *)(record->ring + (head & record->mask));
        head = old;
    }
}

__attribute__((noinline)) void event(long a, long b, long c)
{
    struct record *record;
    if (!alive || !(record = find()))
        return;
    uint64_t time = __rdtsc(), *entry = reserve(record);
    if (!entry)
        return;
    entry[1] = time;
    entry[2] = record->thread;
    entry[3] = a;
    entry[4] = b;
    entry[5] = c;
    *(volatile uint64_t *)entry = 48;
    record->tail = record->head;
}

__attribute__((noinline)) void timed(long a, long b, long c)
{
    struct record *record;
    if (alive && (record = find()))
        record->counters[1] = __rdtsc();
}

static double nanoseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static double cost(void (*volatile handler)(long, long, long), int turns, int calls)
{
    double best = 1e9;
    for (int turn = 0; turn < turns; turn++) {
        double start = nanoseconds();
        for (long i = 0; i < calls; i++)
            handler(i, 1, 2);
        double one = (nanoseconds() - start) / calls;
        if (one < best)
            best = one;
    }
    return best;
}

int main(int argc, char **argv)
{
    int turns = argc > 1 ? atoi(argv[1]) : 200, calls = 100000;
    uint64_t fs_base = _readfsbase_u64();
    struct record *record = &records[hash(fs_base) & 255];
    record->counters = aligned_alloc(64, 4096);
    record->ring = aligned_alloc(4096, (1 << 20) + 4096);
    if (!record->counters || !record->ring)
        return 1;
    record->mask = (1 << 20) - 1;
    record->thread = 1;
    record->fs_base = fs_base;
    printf("count %.3f\nhistogram %.3f\nevent %.3f\ntimed %.3f\n", cost(count, turns, calls), cost(histogram, turns, calls), cost(event, turns, calls),
        cost(timed, turns, calls));
}
