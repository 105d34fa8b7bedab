// Makes progress until it is stopped: calls tick() for ever. `progress` prints `progress N`, the number of calls so far.
#include "target.h"
#include <poll.h>

static volatile unsigned long progress;
KEPT void tick(void) { progress++; }

int main(void)
{
    struct command c;
    setvbuf(stdin, NULL, _IONBF, 0); // what poll does not see must not wait in a buffer
    ready();
    for (;;) {
        for (int i = 0; i < 1000; i++) tick();
        struct pollfd input = {.fd = 0, .events = POLLIN};
        if (poll(&input, 1, 0) == 0) continue;
        if (!next_command(&c)) return 0;
        if (is(&c, "progress")) { printf("progress %lu\n", progress); fflush(stdout); } else unknown(&c);
    }
}
