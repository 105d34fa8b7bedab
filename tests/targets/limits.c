// A program with hardly any room left, by its argument: `as` (no more address space than it has), `files` (no more descriptors),
// `size` (no file may grow), `mdwe` (no memory is both writable and executable, PR_SET_MDWE), `tsc` (rdtsc kills). `go N` calls work N times, `count N` too and says so;
// `forbid` has rdtsc kill from now on.
// Says `missing REASON` and ends with 2 where the kernel cannot do it.
#define _GNU_SOURCE
#include "target.h"
#include <sys/prctl.h>
#include <sys/resource.h>

DEFINE_WORK
static void set_limit(int what, rlim_t value)
{
    if (setrlimit(what, &(struct rlimit){value, value})) { perror("setrlimit"); exit(3); }
}

static rlim_t mapped_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file || fscanf(file, "%lu", &pages) != 1) exit(3);
    fclose(file);
    return pages * 4096;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "as";
    struct command c;
    setvbuf(stdin, NULL, _IONBF, 0);
    ready();
    if (!strcmp(mode, "as")) set_limit(RLIMIT_AS, mapped_bytes());
    if (!strcmp(mode, "files")) set_limit(RLIMIT_NOFILE, 3);
    if (!strcmp(mode, "size")) set_limit(RLIMIT_FSIZE, 0);
    if (!strcmp(mode, "mdwe") && prctl(65, 1, 0, 0, 0)) { puts("missing PR_SET_MDWE"); return 2; }
    if (!strcmp(mode, "tsc") && prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0)) { puts("missing PR_SET_TSC"); return 2; }
    while (next_command(&c)) {
        unsigned long sum = 1;
        if (is(&c, "forbid") && prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0)) return 3;
        if (is(&c, "count")) { for (long i = 0; i < c.a; i++) if (work(i, i) != i * 3 + (i ^ 0x55) + (i >> 2)) abort(); printf("calls %d %ld\n", (int)getpid(), c.a); result(0); continue; }
        for (long i = 0; i < c.a; i++) sum = mix(sum, work(i, i));
        result(sum);
    }
    return 0;
}
