// A long computation through cheap function calls that knows its answer. `go N`: N rounds of step(), compared with the same
// rounds without calls; prints `result SUM` and then `right` or `wrong`. `halves N`: the same, and `half` on the way.
// `until`: the same, with rounds until the next line arrives (which is taken as a command after the answer).
#include "target.h"
#include <poll.h>

static inline __attribute__((always_inline)) unsigned long formula(unsigned long sum, unsigned long i)
{
    sum ^= i * 0x9e3779b97f4a7c15UL;
    return (sum << 13 | sum >> 51) * 5 + 0xe6546b64;
}
KEPT unsigned long step(unsigned long sum, unsigned long i) { return formula(sum, i); }

int main(void)
{
    struct command c;
    setvbuf(stdin, NULL, _IONBF, 0); // what poll does not see must not wait in a buffer
    ready();
    while (next_command(&c)) {
        if (!is(&c, "go") && !is(&c, "halves") && !is(&c, "until")) { unknown(&c); continue; }
        unsigned long sum = 1, reference = 1, count = (unsigned long)c.a;
        struct pollfd input = {.fd = 0, .events = POLLIN};
        if (is(&c, "until"))
            do
                for (int i = 0; i < 1000; i++) sum = step(sum, count++);
            while (poll(&input, 1, 0) == 0);
        for (unsigned long i = 0; i < count && !is(&c, "until"); i++) {
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
