// Functions with known arguments, called a known number of times. `go N` calls each N times, `NAME N` only that one.
#include "target.h"

DEFINE_WORK
KEPT long fact(long n) { return n <= 1 ? 1 : n * fact(n - 1); } // fact(10): ten calls
KEPT void nothing(void) { asm volatile(""); }
KEPT long sum6(long a, long b, long c, long d, long e, long f) { return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f; }
KEPT long sum7(long a, long b, long c, long d, long e, long f, long g) { return sum6(a, b, c, d, e, f) + 7 * g; }
KEPT long greet(const char *name)
{
    long sum = 5;
    while (*name)
        sum = sum * 31 + *name++;
    return sum;
}
struct rectangle { int width, height; const char *name; };
KEPT long area(const struct rectangle *r) { return (long)r->width * r->height; }
KEPT double scale(double x, double y) { return x * y + 0.5; }

static const char *const names[] = {"Ada", "Grace", "a\tb\x1b[31m", ""};

static unsigned long call(const char *name, long i, unsigned long sum)
{
    int all = !strcmp(name, "go");
    if (all || !strcmp(name, "work")) sum = mix(sum, work(i, i & 0xff));
    if (all || !strcmp(name, "fact")) sum = mix(sum, fact(10));
    if (all || !strcmp(name, "nothing")) nothing();
    if (all || !strcmp(name, "sum6")) sum = mix(sum, sum6(i, 2, 3, 4, 5, 6));
    if (all || !strcmp(name, "sum7")) sum = mix(sum, sum7(i, 2, 3, 4, 5, 6, 7)); // calls sum6 as well
    if (all || !strcmp(name, "greet")) sum = mix(sum, greet(names[i & 3]));
    if (all || !strcmp(name, "area")) {
        struct rectangle r = {(int)i, 7, "r"};
        sum = mix(sum, area(&r));
    }
    if (all || !strcmp(name, "scale")) sum = mix(sum, (unsigned long)scale(i, 2));
    return sum;
}

int main(void)
{
    struct command c;
    ready();
    while (next_command(&c)) {
        unsigned long sum = 1;
        for (long i = 0; i < c.a; i++)
            sum = call(c.verb, i, sum);
        result(sum);
    }
    return 0;
}
