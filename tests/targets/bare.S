// A program without any library whose text fills its page to the end, so that nothing of it is unused. Prints `ready PID`; each line of input
// but `quit` makes it count to 1000 with a stack pointer that points nowhere, by `bare_step`, and print `result 1000`.
    .text
    .globl _start, bare_step
_start:
    mov $39, %eax                     // getpid, in decimal
    syscall
    lea number_end(%rip), %rsi
    mov $10, %ecx
1:  xor %edx, %edx
    div %ecx
    add $'0', %dl
    dec %rsi
    mov %dl, (%rsi)
    test %eax, %eax
    jnz 1b
    lea text(%rip), %rdi
    mov $1, %eax
    mov $6, %edx
    push %rsi
    mov %rdi, %rsi
    mov $1, %edi
    syscall
    pop %rsi
    lea number_end+1(%rip), %rdx
    sub %rsi, %rdx
    mov $1, %edi
    mov $1, %eax
    syscall
read_line:
    xor %eax, %eax
    xor %edi, %edi
    lea line(%rip), %rsi
    mov $64, %edx
    syscall
    test %rax, %rax
    jle leave
    cmpb $'q', line(%rip)
    je leave
    mov %rsp, %rbx
    mov $0xdeadbeef00000007, %rsp
    mov $1000, %r12d
    xor %r13d, %r13d
    .type bare_step, @function
bare_step:
    inc %r13
    dec %r12
    jnz bare_step
    .size bare_step, . - bare_step
    mov %rbx, %rsp
    cmp $1000, %r13
    jne leave_wrong
    mov $1, %eax
    mov $1, %edi
    lea answer(%rip), %rsi
    mov $12, %edx
    syscall
    jmp read_line
leave:
    xor %edi, %edi
    mov $231, %eax
    syscall
leave_wrong:
    mov $1, %edi
    mov $231, %eax
    syscall
    .fill 4096 - (. - _start), 1, 0x90
    .data
text:       .ascii "ready "
number:     .fill 10, 1, ' '
number_end: .ascii "\n"
answer:     .ascii "result 1000\n"
line:       .fill 64, 1, 0
    .section .note.GNU-stack, "", @progbits
