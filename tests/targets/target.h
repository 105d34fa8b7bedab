// What every target shares: a bounded life, the ready line, and commands on standard input.
// A target never sleeps for a test's sake: it says `ready PID`, then answers each command line with a `result` line.
#ifndef TARGET_H
#define TARGET_H
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The compiler may neither inline nor clone such a function, nor rely on what it does with registers.
#define KEPT __attribute__((noipa))

struct command {
    char verb[32];
    long a, b;
    char rest[200]; // what follows the verb, for the few that take a path
};

// Nothing is orphaned for ever: SIGALRM ends the program. Not inherited by fork; a child calls this itself.
static inline void bound_life(void) { alarm(120); }

// The last thing before the first command.
static inline void ready(void)
{
    bound_life();
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
}

// The next command; 0 at `quit` and where the tester is gone.
static inline int next_command(struct command *c)
{
    char line[256];
    memset(c, 0, sizeof *c);
    if (!fgets(line, sizeof line, stdin))
        return 0;
    if (sscanf(line, "%31s %ld %ld", c->verb, &c->a, &c->b) < 1)
        c->verb[0] = 0;
    sscanf(line, "%*s %199[^\n]", c->rest);
    return strcmp(c->verb, "quit") != 0;
}

static inline int is(const struct command *c, const char *verb) { return strcmp(c->verb, verb) == 0; }

static inline void result(unsigned long value)
{
    printf("result %lu\n", value);
    fflush(stdout);
}

static inline void unknown(const struct command *c)
{
    printf("unknown %s\n", c->verb);
    fflush(stdout);
}

// One step of a checksum (FNV-1a over whole words).
static inline unsigned long mix(unsigned long sum, unsigned long value) { return (sum ^ value) * 1099511628211UL; }

// The function that most targets call: cheap, pure, of a few instructions.
KEPT long work(long a, long b);
#define DEFINE_WORK KEPT long work(long a, long b) { return a * 3 + (b ^ 0x55) + (a >> 2); }

#endif
