// Starts programs in the four usual ways, N times each: `vfork N`, `spawn N` (posix_spawn), `system N`, `popen N`; `all N`.
// The child of vfork and posix_spawn is this program with the argument `child I`, which calls child_work.
#include "target.h"
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;
DEFINE_WORK
KEPT int child_work(int i) { return (i * 5 + 2) & 0x7f; }
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
            if (all || is(&c, "vfork")) sum = mix(sum, by_vfork(i));
            if (all || is(&c, "spawn")) sum = mix(sum, by_spawn(i));
            if (all || is(&c, "system")) sum = mix(sum, by_system(i));
            if (all || is(&c, "popen")) sum = mix(sum, by_popen(i));
        }
        result(sum);
    }
    return 0;
}
