// What the program does with SIGTRAP, by its argument: default, default-blocked, ignored, ignored-blocked, handler,
// handler-blocked. `go N` calls work N times; `int3 N` executes N own int3 (handler only) and checks that each reached the handler;
// `raise N` raises SIGTRAP N times (handler). `install`, `ignore` and `reset` change what it does and print `former DISPOSITION`.
// `again` executes the program anew, which then inherits what it does (argument inherit); `spawn` starts one that inherits it,
// prints its state and ends (argument report). Each prints `state DISPOSITION blocked B own O wrong W usr1 U` and the result, a checksum.
#define _GNU_SOURCE
#include "target.h"
#include <spawn.h>
#include <sys/wait.h>
#include <ucontext.h>

DEFINE_WORK
static volatile long own, wrong;
extern char after_int3[];

// Two of them, so that one can be probed nearby: a call of own_int3 hits one int3.
KEPT void own_int3(void) { asm volatile("int3\n.globl after_int3\nafter_int3:\n"); }

static int raising;
static void handler(int signal, siginfo_t *info, void *context)
{
    unsigned long rip = (unsigned long)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    own++;
    if (raising ? info->si_code != SI_TKILL : rip != (unsigned long)after_int3 || info->si_code != SI_KERNEL) wrong++;
    work(signal, 1);
}

static const char *name_of(const struct sigaction *action)
{
    // 0x04000000: SA_RESTORER, which the C library adds.
    if (action->sa_handler == SIG_DFL) return "default";
    if (action->sa_handler == SIG_IGN) return "ignored";
    if (action->sa_sigaction != handler) return "foreign";
    return (action->sa_flags & ~0x04000000) == (SA_SIGINFO | SA_RESTART) && sigismember(&action->sa_mask, SIGUSR2) ? "handler" : "handler-with-other-flags";
}

static void print_state(void)
{
    struct sigaction now;
    sigset_t mask;
    sigaction(SIGTRAP, NULL, &now);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    const char *disposition = name_of(&now);
    printf("state %s blocked %d own %ld wrong %ld usr1 %d\n", disposition, sigismember(&mask, SIGTRAP), own, wrong,
        sigismember(&mask, SIGUSR1));
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "default";
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaddset(&action.sa_mask, SIGUSR2);
    if (!strncmp(mode, "handler", 7)) sigaction(SIGTRAP, &action, NULL);
    if (!strncmp(mode, "ignored", 7)) signal(SIGTRAP, SIG_IGN);
    if (strstr(mode, "blocked")) {
        sigset_t most;
        sigfillset(&most);
        sigdelset(&most, SIGALRM); // its life stays bounded
        sigprocmask(SIG_SETMASK, &most, NULL);
    }
    struct command c;
    if (!strcmp(mode, "report")) { work(0, 0); print_state(); return 0; }
    ready();
    while (next_command(&c)) {
        if (is(&c, "install") || is(&c, "ignore") || is(&c, "reset")) {
            struct sigaction next = action, former;
            if (!is(&c, "install")) next = (struct sigaction){.sa_handler = is(&c, "ignore") ? SIG_IGN : SIG_DFL};
            sigaction(SIGTRAP, &next, &former);
            printf("former %s\n", name_of(&former));
        }
        if (is(&c, "again")) execl("/proc/self/exe", argv[0], "inherit", (char *)NULL);
        if (is(&c, "spawn")) {
            pid_t child;
            int status = -1;
            if (posix_spawn(&child, "/proc/self/exe", NULL, NULL, (char *[]){argv[0], "report", NULL}, environ) == 0) waitpid(child, &status, 0);
            if (status) printf("child status %#x\n", status);
        }
        unsigned long sum = 1;
        raising = is(&c, "raise");
        for (long i = 0; i < c.a; i++) {
            if (is(&c, "int3")) own_int3();
            else if (raising) raise(SIGTRAP);
            sum = mix(sum, work(i, i));
        }
        print_state();
        result(sum);
    }
    return 0;
}
