// A program under seccomp, by its argument: `strict` (read, write, exit and sigreturn only), `kill` or `errno`: a filter that kills
// the process, or answers EPERM, at calls that make or change mappings, processes or files. `go N` calls work N times.
// After the filter nothing but read, write and exit is called, so that every violation is somebody else's.
#define _GNU_SOURCE
#include "target.h"
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

DEFINE_WORK
static const int refused[] = {SYS_mmap, SYS_mprotect, SYS_munmap, SYS_mremap, SYS_memfd_create, SYS_open, SYS_openat, SYS_ptrace,
    SYS_clone, SYS_clone3, SYS_fork, SYS_vfork, SYS_execve, SYS_rt_sigaction, SYS_process_vm_readv, SYS_ioctl, SYS_prctl};
enum { REFUSED = sizeof refused / sizeof *refused };

static void install(unsigned action)
{
    struct sock_filter filter[REFUSED + 5];
    int n = 0;
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, REFUSED + 2);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < REFUSED; i++)
        filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)refused[i], (unsigned char)(REFUSED - i), 0);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
    struct sock_fprog program = {(unsigned short)n, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) { perror("seccomp"); exit(3); }
}

static void say(const char *text) { if (write(1, text, strlen(text)) < 0) syscall(SYS_exit, 4); }

static int read_line(char *line, int size)
{
    int used = 0;
    while (used < size - 1 && read(0, line + used, 1) == 1)
        if (line[used++] == '\n') { line[used] = 0; return 1; }
    return 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "errno";
    char line[64];
    bound_life();
    int length = snprintf(line, sizeof line, "ready %d\n", (int)getpid());
    work(0, 0);
    if (!strcmp(mode, "strict")) { if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)) { perror("seccomp"); return 3; } }
    else install(!strcmp(mode, "kill") ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM);
    if (write(1, line, (size_t)length) != length) syscall(SYS_exit, 4);
    while (read_line(line, sizeof line) && strncmp(line, "quit", 4)) {
        long count = 0;
        for (const char *p = line; *p; p++) if (*p >= '0' && *p <= '9') count = count * 10 + (*p - '0');
        unsigned long sum = 1;
        for (long i = 0; i < count; i++) sum = mix(sum, work(i, i));
        char digits[24], *p = digits + sizeof digits;
        *--p = 0, *--p = '\n';
        do *--p = (char)('0' + sum % 10); while (sum /= 10);
        say("result ");
        say(p);
    }
    syscall(SYS_exit, 0);
}
