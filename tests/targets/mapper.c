// Maps its own text again and calls into the copies. `go N`: calls leaf N times where the loader put it.
// `second N`: maps the text a second time (private, executable), calls leaf there, unmaps. `keep`: maps it and keeps it;
// `kept N` calls there; `move` moves that mapping with mremap; `drop` unmaps it. `shared N`: as `second`, MAP_SHARED.
// `dontneed N`: drops the text pages of the program itself (they come back from the file), then calls leaf.
#define _GNU_SOURCE
#include "target.h"
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>

typedef long leaf_function(long);
// Alone on its page, so that dropping the page does not touch the code that drops it.
__attribute__((noipa, aligned(4096), section(".text.leaf"))) long leaf(long a) { return a * 13 + 7; }
__attribute__((noipa, aligned(4096), section(".text.rest"))) static void rest(void) { asm volatile(""); }

static struct { char *start; size_t size; off_t offset; } text;

static int find_text(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size; (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X)) continue;
        size_t lead = p->p_vaddr & 4095;
        text.start = (char *)info->dlpi_addr + p->p_vaddr - lead;
        text.size = (p->p_memsz + lead + 4095) & ~4095UL;
        text.offset = (off_t)(p->p_offset - lead);
    }
    return 1; // the program itself comes first
}

static char *map_again(int sharing)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    char *copy = mmap(NULL, text.size, PROT_READ | PROT_EXEC, sharing, file, text.offset);
    close(file);
    if (copy == MAP_FAILED) { perror("mmap"); exit(3); }
    return copy;
}

static unsigned long call(char *base, long count)
{
    leaf_function *function = (leaf_function *)(base + ((char *)leaf - text.start));
    unsigned long sum = 1;
    for (long i = 0; i < count; i++) sum = mix(sum, function(i));
    return sum;
}

int main(void)
{
    struct command c;
    char *kept = NULL;
    rest();
    dl_iterate_phdr(find_text, NULL);
    ready();
    while (next_command(&c)) {
        if (is(&c, "go")) result(call(text.start, c.a));
        else if (is(&c, "second") || is(&c, "shared")) {
            char *copy = map_again(is(&c, "shared") ? MAP_SHARED : MAP_PRIVATE);
            unsigned long sum = call(copy, c.a);
            munmap(copy, text.size);
            result(sum);
        } else if (is(&c, "keep")) { if (!kept) kept = map_again(MAP_PRIVATE); result(1); }
        else if (is(&c, "kept")) result(kept ? call(kept, c.a) : 0);
        else if (is(&c, "move")) {
            char *place = mmap(NULL, text.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            char *moved = mremap(kept, text.size, text.size, MREMAP_MAYMOVE | MREMAP_FIXED, place);
            if (moved == MAP_FAILED) { perror("mremap"); return 3; }
            kept = moved;
            result(1);
        } else if (is(&c, "drop")) { if (kept) munmap(kept, text.size); kept = NULL; result(1); }
        else if (is(&c, "dontneed")) {
            if (madvise((char *)leaf, 4096, MADV_DONTNEED)) { perror("madvise"); return 3; }
            result(call(text.start, c.a));
        } else unknown(&c);
    }
    return 0;
}
