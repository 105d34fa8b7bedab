// A process that is killed in the middle of a fork, so that nobody is told of its child, which comes to life as late as the tester likes. The
// kernel writes the child's number to a page that userfaultfd(2) watches before it wakes the child: there the parent is killed. The child, which shares
// the parent's memory, writes its own number before anything else: there it waits. `parent`: the PID of the process that is going to fork, 0
// where this machine does not allow that. `lose`: it forks and is killed; the result is its status when it was waited for. `bear`: lets the child go on;
// the result is its exit code, or 2000 + the signal that killed it.
#define _GNU_SOURCE
#include "target.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { PAGE = 4096, STACK = 64 * 1024 };

KEPT int child_work(int i) { return (i * 7 + 3) & 0x7f; }

static int begin[2], let_live[2];

static int body(void *unused)
{
    bound_life();
    _exit(child_work(1));
}

static void await_fault(int faults, void *page)
{
    struct uffd_msg message;
    do {
        ssize_t size = read(faults, &message, sizeof message);
        if (size != sizeof message) abort();
    } while (message.event != UFFD_EVENT_PAGEFAULT || (message.arg.pagefault.address & -PAGE) != (unsigned long)page);
}

// Kills the parent and holds its child back. Not traced: it was there before the session.
static void midwife(int faults, pid_t parent, char *pages)
{
    char byte;
    struct uffdio_zeropage zero = { .range = { (unsigned long)pages + PAGE, PAGE } };
    await_fault(faults, pages);
    if (kill(parent, SIGKILL)) abort();
    await_fault(faults, pages + PAGE);
    if (read(let_live[0], &byte, 1) < 0) abort(); // The end of file comes when the program is gone: nothing is held back for ever.
    if (ioctl(faults, UFFDIO_ZEROPAGE, &zero)) abort();
}

static void parent(int made)
{
    char byte;
    bound_life();
    close(let_live[1]);
    char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
    struct uffdio_api api = { .api = UFFD_API };
    struct uffdio_register watched = { .range = { (unsigned long)pages, 2 * PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING };
    byte = faults >= 0 && !ioctl(faults, UFFDIO_API, &api) && !ioctl(faults, UFFDIO_REGISTER, &watched);
    pid_t self = getpid();
    if (byte && fork() == 0) { bound_life(); midwife(faults, self, pages); _exit(0); }
    if (write(made, &byte, 1) != 1 || !byte || read(begin[0], &byte, 1) != 1) _exit(1);
    clone(body, stack + STACK, CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, NULL, pages, NULL, pages + PAGE);
    _exit(2);
}

static unsigned long end_of(pid_t pid)
{
    int status;
    // The midwife comes to this process, the subreaper, as well.
    for (pid_t ended; (ended = waitpid(pid, &status, 0)) > 0;) {
        if (pid > 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 2000 + WTERMSIG(status);
    }

    return 1000 + errno;
}

int main(void)
{
    struct command c;
    char can = 0;
    int made[2];
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (pipe(begin) || pipe(let_live) || pipe(made)) abort();
    pid_t mother = fork();
    if (mother == 0) parent(made[1]);
    if (read(made[0], &can, 1) != 1) abort();
    ready();
    while (next_command(&c)) {
        if (is(&c, "parent")) result(can ? (unsigned long)mother : 0);
        else if (is(&c, "lose")) result(write(begin[1], "b", 1) == 1 ? end_of(mother) : 3000);
        else if (is(&c, "bear")) result(write(let_live[1], "l", 1) == 1 ? end_of(-1) : 3000);
        else unknown(&c);
    }

    kill(mother, SIGKILL);
    return 0;
}
