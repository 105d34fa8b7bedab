// The kernel's own uprobes as a reference: counts how often processes come to points in files while a command runs.
//   kcount [-r] POINTS COUNTS COMMAND...   POINTS has a line `OFFSET FILE` (offset in hexadecimal) for each point, those of a file together
// With -r returns of functions that begin there are counted; the kernel follows at most 64 calls of a thread at a time.
// COUNTS gets a line with the number of hits for each point, in the same order. The exit code is the command's, or 125 where
// the reference itself failed (then standard error says why).
// EVERY process that maps one of the files is probed: give it private copies that only the command uses. Nothing stays behind
// however this program ends: all hangs on its descriptors.
// Not counted is what the kernel refuses to probe (it says so to nobody). It counts a hit again when the instruction at the
// point faults, and for each round of a repeated string instruction.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAILED = 125, MOST = 1 << 17, LONGEST = 4096 };

// linux/bpf.h of the machine may be older than its kernel.
enum { MAP_CREATE = 0, MAP_LOOKUP_ELEM = 1, PROG_LOAD = 5, LINK_CREATE = 28, ARRAY = 2, KPROBE = 2, UPROBE_MULTI = 48 };
struct insn { unsigned char code, registers; short offset; int immediate; };
struct map_attr { unsigned type, key_size, value_size, entries, flags, rest[27]; };
struct element_attr { unsigned map, pad; unsigned long key, value, flags; };
struct program_attr {
    unsigned type, count;
    unsigned long insns, license;
    unsigned log_level, log_size;
    unsigned long log;
    unsigned version, flags;
    char name[16];
    unsigned interface, attach_type, rest[16];
};
struct link_attr {
    unsigned program, target, attach_type, flags;
    unsigned long path, offsets, reference_counters, cookies;
    unsigned count, multi_flags, pid, pad;
};

static unsigned long offsets[MOST], cookies[MOST], counts[MOST];
static char *paths[MOST];
static unsigned follows; // BPF_F_UPROBE_MULTI_RETURN

static void fail(const char *what)
{
    fprintf(stderr, "kcount: %s: %s\n", what, strerror(errno));
    exit(FAILED);
}

static int bpf(int command, void *attr, unsigned size, const char *what)
{
    int result = (int)syscall(SYS_bpf, command, attr, size);
    if (result < 0) fail(what);
    return result;
}

static int create_map(unsigned entries)
{
    struct map_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.type = ARRAY;
    attr.key_size = 4;
    attr.value_size = 8;
    attr.entries = entries;
    return bpf(MAP_CREATE, &attr, sizeof attr, "no BPF map");
}

// Adds one to the map's entry that the point's cookie names.
static int load_program(int map)
{
    struct insn program[] = {
        { 0x85, 0x00, 0, 174 },  // call get_attach_cookie       r1 is the context
        { 0x63, 0x0a, -4, 0 },   // *(u32 *)(r10 - 4) = r0
        { 0xbf, 0xa2, 0, 0 },    // r2 = r10
        { 0x07, 0x02, 0, -4 },   // r2 += -4
        { 0x18, 0x11, 0, map },  // r1 = map
        { 0x00, 0x00, 0, 0 },
        { 0x85, 0x00, 0, 1 },    // call map_lookup_elem
        { 0x15, 0x00, 2, 0 },    // if r0 == 0 goto end
        { 0xb7, 0x01, 0, 1 },    // r1 = 1
        { 0xdb, 0x10, 0, 0 },    // lock *(u64 *)(r0 + 0) += r1
        { 0xb7, 0x00, 0, 0 },    // end: r0 = 0
        { 0x95, 0x00, 0, 0 },    // exit
    };
    struct program_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.type = KPROBE;
    attr.count = sizeof program / sizeof *program;
    attr.insns = (unsigned long)program;
    attr.license = (unsigned long)"GPL";
    attr.attach_type = UPROBE_MULTI;
    return bpf(PROG_LOAD, &attr, sizeof attr, "the BPF program is refused");
}

static void link_file(int program, unsigned first, unsigned count)
{
    struct link_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.program = (unsigned)program;
    attr.attach_type = UPROBE_MULTI;
    attr.path = (unsigned long)paths[first];
    attr.offsets = (unsigned long)(offsets + first);
    attr.cookies = (unsigned long)(cookies + first);
    attr.count = count;
    attr.multi_flags = follows;
    bpf(LINK_CREATE, &attr, sizeof attr, paths[first]);
}

static unsigned read_points(const char *name)
{
    unsigned count = 0;
    char path[LONGEST];
    FILE *file = fopen(name, "r");
    if (!file) fail(name);
    while (count < MOST && fscanf(file, "%lx %4095[^\n]", &offsets[count], path) == 2) {
        paths[count] = count && strcmp(paths[count - 1], path) == 0 ? paths[count - 1] : strdup(path);
        cookies[count] = count;
        count++;
    }
    fclose(file);
    return count;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "-r") == 0) follows = 1, argv++, argc--;
    if (argc < 4) { errno = EINVAL; fail("usage: kcount [-r] POINTS COUNTS COMMAND..."); }
    unsigned count = read_points(argv[1]);
    int map = create_map(count), program = load_program(map), status;
    for (unsigned first = 0, next; first < count; first = next) {
        for (next = first; next < count && paths[next] == paths[first];) next++;
        link_file(program, first, next - first);
    }
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[3], argv + 3);
        _exit(FAILED);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) fail("the command");
    FILE *file = fopen(argv[2], "w");
    if (!file) fail(argv[2]);
    for (unsigned key = 0; key < count; key++) {
        struct element_attr attr = { (unsigned)map, 0, (unsigned long)&key, (unsigned long)&counts[key], 0 };
        bpf(MAP_LOOKUP_ELEM, &attr, sizeof attr, "the counts");
        fprintf(file, "%lu\n", counts[key]);
    }
    if (fclose(file)) fail(argv[2]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
