// Functions whose parameters and results debug information describes. Prints, for the tests to compare with, what it passes and where fields are.
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum color { RED, GREEN = 5, BLUE };
typedef struct { int x, y; } point_t;
struct node {
    struct node *next;
    int value;
    char name[16];
    unsigned low : 3, high : 7;
    signed sign : 5;
    bool flag;
    union { long number; double fraction; };
    point_t at;
    enum color color;
    const char *text;
    int grid[2][3];
};
typedef struct node node_t;
struct big { long items[5]; };
struct pair { long a, b; };

#define PROBED __attribute__((noinline, noclone))

static inline __attribute__((always_inline)) int twice(int n)
{
    return n * 2 + printf("twice %d\n", n) * 0; /* line:twice */
}

PROBED int visit(node_t *node, double factor, unsigned char letter, struct pair pair, struct big big, enum color color, const char *text, long last)
{
    printf("visit %d %f %c %ld %ld %d %s %ld\n", node->value, factor, letter, pair.a, big.items[4], color, text, last); /* line:visit */
    return -node->value;
}

PROBED struct big make(short count, struct pair *pair)
{
    struct big big = { { count, 2, 3, 4, pair->a } };
    printf("make %d\n", count);
    return big;
}

PROBED int both(int n)
{
    int sum = twice(n);

    sum += twice(n + 1);
    return sum;
}

int main(void)
{
    printf("offsets %zu %zu %zu %zu %zu %zu %zu %zu %zu\n", sizeof(struct node), offsetof(node_t, value), offsetof(node_t, name), offsetof(node_t, flag), offsetof(node_t, number),
        offsetof(node_t, at.y), offsetof(node_t, color), offsetof(node_t, text), offsetof(node_t, grid));
    node_t second = { .value = 2, .name = "second", .text = "b" };
    node_t first = { &second, 1, "first", 5, 77, -3, true, { 42 }, { 7, 8 }, BLUE, "hello", { { 1, 2, 3 }, { 4, 5, 6 } } };
    visit(&first, 1.5, 'q', (struct pair){ 11, 12 }, (struct big){ { 1, 2, 3, 4, 55 } }, GREEN, "str", 99);
    struct big made = make(-3, &(struct pair){ 17, 18 });
    printf("%ld %d\n", made.items[4], both(20));
    return 0;
}
