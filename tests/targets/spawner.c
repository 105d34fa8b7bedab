// Starts programs in the four usual ways, N times each: `vfork N`, `spawn N` (posix_spawn), `system N`, `popen N`; `all N`.
// The child of vfork and posix_spawn is this program with the argument `child I`, which calls child_work.
#include "target.h"
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;
DEFINE_WORK
KEPT int child_work(int i) { return (i * 5 + 2) & 0x7f; }
static int child_code(int i) { return (i * 5 + 2) & 0x7f; }
KEPT char *number(char *buffer, int i) { sprintf(buffer, "%d", i); return buffer; }

static int code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 2000 + WTERMSIG(status); }

static int by_vfork(int i)
{
    char text[16];
    char *arguments[] = {"spawner", "child", number(text, i), NULL};
    int status;
    pid_t pid = vfork();
    if (pid == 0) {
        execve("/proc/self/exe", arguments, environ);
        _exit(127);
    }
    return waitpid(pid, &status, 0) == pid ? code(status) : 1000;
}

static int by_spawn(int i)
{
    char text[16];
    char *arguments[] = {"spawner", "child", number(text, i), NULL};
    pid_t pid;
    int status;
    if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ)) return 3000;
    return waitpid(pid, &status, 0) == pid ? code(status) : 1000;
}

static int by_system(int i)
{
    char line[64];
    snprintf(line, sizeof line, "exit %d", i & 0x7f);
    return code(system(line));
}

static int by_popen(int i)
{
    char line[64];
    int value = -1;
    snprintf(line, sizeof line, "echo %d; exit %d", i * 11, i & 0x7f);
    FILE *pipe = popen(line, "r");
    if (!pipe || fscanf(pipe, "%d", &value) != 1) return 4000;
    return value + code(pclose(pipe));
}

// Says on standard error which start did not end as it should.
static int expect(const char *how, int i, int got, int expected)
{
    if (got != expected) fprintf(stderr, "%s %d: %d instead of %d\n", how, i, got, expected);
    return got;
}

int main(int argc, char **argv)
{
    if (argc == 3) { bound_life(); return child_work(atoi(argv[2])); }
    struct command c;
    ready();
    while (next_command(&c)) {
        unsigned long sum = 1;
        int all = is(&c, "all");
        for (int i = 0; i < c.a; i++) {
            sum = mix(sum, work(i, i));
            if (all || is(&c, "vfork")) sum = mix(sum, expect("vfork", i, by_vfork(i), child_code(i)));
            if (all || is(&c, "spawn")) sum = mix(sum, expect("posix_spawn", i, by_spawn(i), child_code(i)));
            if (all || is(&c, "system")) sum = mix(sum, expect("system", i, by_system(i), i & 0x7f));
            if (all || is(&c, "popen")) sum = mix(sum, expect("popen", i, by_popen(i), i * 11 + (i & 0x7f)));
        }
        result(sum);
    }
    return 0;
}
