// A restartable sequence (rseq(2)): `go N` runs it N times; the result is how often it was committed.
// Stopped inside of it, it starts again, at most 1,000 times.
#define _GNU_SOURCE
#include "target.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/rseq.h>

// long sequence(struct rseq_cs **place, long *counter): 1 when committed, 0 when given up.
long sequence(void *place, long *counter);
asm(".text\n.globl sequence\n.type sequence, @function\n"
    "sequence:\n"
    " xor %ecx, %ecx\n"
    "1: lea descriptor(%rip), %rax\n"
    " mov %rax, (%rdi)\n"
    ".globl sequence_start\nsequence_start:\n"
    " mov (%rsi), %rax\n"
    " inc %rax\n"
    " mov %rax, (%rsi)\n"
    ".globl sequence_end\nsequence_end:\n"
    " movq $0, (%rdi)\n"
    " mov $1, %eax\n"
    " ret\n"
    " .byte 0x0f, 0xb9, 0x3d\n" // makes the signature an instruction for disassemblers: ud1 0x53053053(%rip), %edi
    ".globl sequence_signature\nsequence_signature:\n"
    " .long 0x53053053\n"
    "sequence_abort:\n"
    " inc %ecx\n"
    " cmp $1000, %ecx\n"
    " jb 1b\n"
    " movq $0, (%rdi)\n"
    " xor %eax, %eax\n"
    " ret\n"
    ".size sequence, . - sequence\n"
    ".section __rseq_cs, \"aw\"\n.balign 32\n"
    "descriptor: .long 0, 0\n .quad sequence_start, sequence_end - sequence_start, sequence_abort\n"
    ".text\n");

int main(void)
{
    struct command c;
    struct rseq *area = (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
    long counter = 0;
    ready();
    while (next_command(&c)) {
        unsigned long committed = 0;
        for (long i = 0; i < c.a; i++)
            committed += __rseq_size ? sequence(&area->rseq_cs, &counter) : 1;
        result(committed);
    }
    return 0;
}
