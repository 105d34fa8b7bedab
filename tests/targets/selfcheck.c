// A long computation through cheap function calls that knows its answer. `go N`: N rounds of step(), compared with the same
// rounds without calls; prints `result SUM` and then `right` or `wrong`. `halves N`: the same, and `half` on the way.
#include "target.h"

static inline __attribute__((always_inline)) unsigned long formula(unsigned long sum, unsigned long i)
{
    sum ^= i * 0x9e3779b97f4a7c15UL;
    return (sum << 13 | sum >> 51) * 5 + 0xe6546b64;
}
KEPT unsigned long step(unsigned long sum, unsigned long i) { return formula(sum, i); }

int main(void)
{
    struct command c;
    ready();
    while (next_command(&c)) {
        if (!is(&c, "go") && !is(&c, "halves")) { unknown(&c); continue; }
        unsigned long sum = 1, reference = 1, count = (unsigned long)c.a;
        for (unsigned long i = 0; i < count; i++) {
            if (i == count / 2 && is(&c, "halves")) { puts("half"); fflush(stdout); }
            sum = step(sum, i);
        }
        for (unsigned long i = 0; i < count; i++) reference = formula(reference, i);
        result(sum);
        puts(sum == reference ? "right" : "wrong");
        fflush(stdout);
    }
    return 0;
}
