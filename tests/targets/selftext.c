// Reads its own text. `hash`: prints `text H` for the program's executable mapping and `libc H` for libc's, as seen in memory,
// and `same` or `differs` for both against the files. `go N`: calls work N times.
#define _GNU_SOURCE
#include "target.h"
#include <fcntl.h>
#include <limits.h>

DEFINE_WORK

static unsigned long hash(const unsigned char *bytes, size_t size)
{
    unsigned long sum = 14695981039346656037UL;
    for (size_t i = 0; i < size; i++) sum = (sum ^ bytes[i]) * 1099511628211UL;
    return sum;
}

static int show(const char *name, unsigned long low, unsigned long high, long offset, const char *path)
{
    size_t size = high - low;
    unsigned char *copy = malloc(size);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = pread(file, copy, size, offset); // the last page may end after the file: zeros follow, as in the mapping
    close(file);
    if (got < 0) got = 0;
    memset(copy + got, 0, size - (size_t)got);
    int differs = memcmp(copy, (void *)low, size) != 0;
    printf("%s %lx %s\n", name, hash((unsigned char *)low, size), differs ? "differs" : "same");
    free(copy);
    return differs;
}

static unsigned long show_all(void)
{
    char line[PATH_MAX + 128], mode[8], path[PATH_MAX], self[PATH_MAX] = {0};
    unsigned long low, high, differences = 0;
    long offset;
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0) abort();
    FILE *maps = fopen("/proc/self/maps", "re");
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %4095s", &low, &high, mode, (unsigned long *)&offset, path) == 5 && mode[2] == 'x') {
            if (!strcmp(path, self)) differences += (unsigned)show("text", low, high, offset, path);
            else if (strstr(path, "/libc.so") || strstr(path, "/libc-")) differences += (unsigned)show("libc", low, high, offset, path);
        }
    fclose(maps);
    return differences;
}

int main(void)
{
    struct command c;
    ready();
    while (next_command(&c)) {
        if (is(&c, "hash")) result(show_all());
        else {
            unsigned long sum = 1;
            for (long i = 0; i < c.a; i++) sum = mix(sum, work(i, i));
            result(sum);
        }
    }
    return 0;
}
