// A program with 52,000 functions, to be probed all at once. Answers each line of its input, having called some of them.
#include <stdio.h>

// Four shapes, as compilers write them: a leaf, one with a frame, a branch, a call.
__asm__(
    ".text\n"
    ".altmacro\n"
    ".macro begin n\n"
    " .p2align 4\n .globl many\\n\n .type many\\n, @function\n"
    "many\\n:\n .cfi_startproc\n"
    ".endm\n"
    ".macro finish n\n"
    " ret\n .cfi_endproc\n .size many\\n, . - many\\n\n"
    ".endm\n"
    ".macro leaf n\n"
    " begin \\n\n lea \\n(%rdi,%rsi), %eax\n imul $77, %eax, %eax\n finish \\n\n"
    ".endm\n"
    ".macro frame n\n"
    " begin \\n\n push %rbp\n mov %rsp, %rbp\n mov %rdi, -8(%rbp)\n add %rsi, -8(%rbp)\n mov -8(%rbp), %rax\n xor $\\n, %rax\n pop %rbp\n finish \\n\n"
    ".endm\n"
    ".macro branch n\n"
    " begin \\n\n test %rdi, %rdi\n jle 1f\n mov $\\n, %eax\n sub %rsi, %rax\n ret\n1: mov %rsi, %rax\n finish \\n\n"
    ".endm\n"
    ".macro caller n, m\n"
    " begin \\n\n endbr64\n sub $8, %rsp\n call many\\m\n add $\\n, %rax\n add $8, %rsp\n finish \\n\n"
    ".endm\n"
    ".set i, 0\n"
    ".rept 13000\n"
    " leaf %i\n .set i, i + 1\n"
    " frame %i\n .set i, i + 1\n"
    " branch %i\n .set i, i + 1\n"
    " caller %i, %(i - 3)\n .set i, i + 1\n"
    ".endr\n"
    ".noaltmacro\n");

long many0(long, long), many51996(long, long), many51997(long, long), many51998(long, long), many51999(long, long);

int main(void)
{
    char line[64];
    long sum = 0;
    while (fgets(line, sizeof line, stdin)) {
        for (long i = 0; i < 1000; i++)
            sum += many0(i, sum) + many51996(sum, i) + many51997(i, 2) + many51998(i - 500, sum) + many51999(i, 3);
        printf("%ld\n", sum);
        fflush(stdout);
    }
    return 0;
}
