// A program that does the same in every run, for scripts: no input, no output, no clock. Each function is called with known arguments, in the order of main.
// All that it hands out has been touched before, so that a reader that cannot bring in pages (bpftrace's programs) finds it.
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "staticprobe.h"

#define KEPT __attribute__((noipa))
#define TOUCHED __attribute__((section(".data"))) // written by main

enum kind { ROUND, SQUARE = 4, OTHER };

struct point {
    int x, y;
};

struct shape {
    char name[8];
    enum kind kind;
    struct point corners[2];
    struct point *far_corner;
    unsigned low : 3, middle : 7, high : 22;
    int left : 5;
    union {
        uint64_t whole;
        uint16_t quarters[4];
    } value;
    uint8_t bytes[4];
    double factor;
};

struct node {
    struct node *next;
    long value;
};

TOUCHED struct point far_away = {1000, -1000};
TOUCHED struct shape shape = {"circle", SQUARE, {{1, -2}, {3, 4}}, &far_away, 5, 100, 1234567, -3, {0x0004000300020001}, {1, 2, 254, 255}, 0.5};
TOUCHED struct node nodes[3] = {{&nodes[1], 10}, {&nodes[2], 20}, {0, 30}};
TOUCHED char one[] = "one", two[] = "two", three[] = "three", nothing[] = "", strange[] = "a\tb\x01\xff\"c\\d\n", path[] = "/usr/lib/libx.so.6";
TOUCHED char thousands[2001];
TOUCHED uint8_t bytes[] = {0, 1, 2, 'a', 'b', 0x7f, 0x80, 0xff, 192, 168, 0, 1};
TOUCHED char *words[] = {one, two, three, 0};
TOUCHED volatile int counter = 42;
TOUCHED volatile uint8_t tiny_counter = 200;

KEPT void once(void) { counter++; }
KEPT long six(long a, long b, long c, long d, long e, long f) { return a + b + c + d + e + f; }
KEPT int narrow(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f) { return a + b + c + d + (int)(e & 1) + (int)(f & 1); }
KEPT unsigned long wide(uint64_t a, int64_t b, uint64_t c) { return a ^ (uint64_t)b ^ c; }
KEPT int step(int i) { return i * i; }
KEPT size_t text(const char *s, size_t length) { return s[0] == 'o' ? length : strlen(s); }
KEPT int take_shape(struct shape *s, struct point *p) { return s->corners[0].x + p->y; }
KEPT long take_list(struct node *head) { return head->value; }
KEPT int take_bytes(const uint8_t *b, int count) { return b[0] + count; }
KEPT int take_words(char **list) { return list[0][0]; }
KEPT int negative(int i) { return -i; }
KEPT int8_t small_result(int i) { return (int8_t)i; }
KEPT char *pointer_result(int i) { return i ? three : NULL; }
KEPT unsigned long factorial(unsigned long n) { return n < 2 ? 1 : n * factorial(n - 1); }
KEPT int inner(int i) { return i + 1; }
KEPT int middle(int i) { return inner(i) + 1; }
KEPT int outer(int i) { return middle(i) + 1; }
KEPT int in_thread(int thread, int i) { return thread * 10 + i; }
KEPT void many(int i) { counter += i & 1; }
KEPT void last(void) { counter--; }

COUNTER(scripted, guarded);
KEPT void mark(int i, const char *s)
{
    MARK2(scripted, tick, i, (long)i * 1000000000000);
    MARK2(other, tick, (long)s, 7);
    GUARDED1(scripted, guarded, (int8_t)-i);
}

static inline __attribute__((always_inline)) void twice(uint16_t value) { MARK1(scripted, twice, value); }

// Lines that stay what they are when this file grows.
#line 100 "lines.c"
KEPT int lined(int i)
{
    counter += i;
    if (i > 1)
        counter -= 2 * i;

    // nothing to run on this line
    for (int k = 0; k < i; k++)
        counter++;
    return counter;
}
#line 100 "scripted.c"

static void *body(void *number)
{
    for (int i = 0; i < 3; i++) in_thread((int)(long)number, i);
    return NULL;
}

static void touch(volatile char *from, size_t size)
{
    for (size_t i = 0; i < size; i++) from[i] = from[i];
}

int main(void)
{
    alarm(120);
    memset(thousands, 'x', sizeof thousands - 1);
    touch((char *)&shape, sizeof shape);
    touch((char *)nodes, sizeof nodes);
    touch((char *)words, sizeof words);
    once();
    six(1, 2, 3, -4, 5, 6);
    narrow(-1, 255, -300, 65000, -70000, 4000000000u);
    wide(UINT64_MAX, INT64_MIN, 1ull << 40);
    for (int i = 0; i < 10; i++) step(i);
    text(one, 3);
    text(two, 3);
    text(three, 5);
    text(nothing, 0);
    text(two, 2);
    text(strange, sizeof strange - 1);
    text(path, sizeof path - 1);
    text(thousands, 2000);
    take_shape(&shape, shape.far_corner);
    take_list(nodes);
    take_bytes(bytes, sizeof bytes);
    take_words(words);
    negative(1);
    negative(0);
    negative(-5);
    small_result(200);
    pointer_result(1);
    pointer_result(0);
    factorial(5);
    outer(1);
    for (long t = 1; t <= 3; t++) {
        pthread_t id;
        if (pthread_create(&id, NULL, body, (void *)t)) abort();
        pthread_join(id, NULL);
    }
    for (int i = 0; i < 1000; i++) many(i);
    for (int i = 1; i <= 3; i++) mark(i, words[i - 1]);
    twice(65535);
    twice((uint16_t)counter);
    lined(1);
    lined(2);
    last();
    return 0;
}
