// Tail calls, built with -O2. `go N`: even(N) and odd(N), which jump to one another N times, then self_tail(N), which
// jumps to its own entry N times, then chain(N): three functions that end in jumps, N times. The result is a checksum.
#include "target.h"

KEPT int odd(long n);
KEPT int even(long n) { return n == 0 ? 1 : odd(n - 1); }
KEPT int odd(long n) { return n == 0 ? 0 : even(n - 1); }

// Counts rdi down and rax up, entering itself at its first instruction each time: N + 1 entries, one return.
long self_tail(long n, long sum);
asm(".text\n.globl self_tail\n.type self_tail, @function\nself_tail:\n"
    "  test %rdi, %rdi\n  jz 1f\n  add %rdi, %rsi\n  dec %rdi\n  jmp self_tail\n1: mov %rsi, %rax\n  ret\n"
    ".size self_tail, . - self_tail\n");

KEPT long third(long a) { return a * 3 + 1; }
KEPT long second(long a) { return third(a + 2); }
KEPT long first(long a) { return second(a ^ 5); }

int main(void)
{
    struct command c;
    ready();
    while (next_command(&c)) {
        unsigned long sum = 1;
        sum = mix(sum, even(c.a));
        sum = mix(sum, odd(c.a));
        sum = mix(sum, self_tail(c.a, 0));
        for (long i = 0; i < c.a; i++) sum = mix(sum, first(i));
        result(sum);
    }
    return 0;
}
