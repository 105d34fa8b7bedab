// Small functions whose first instruction is one that a probe has to move or emulate with care; insns.c calls and
// checks each. A function that cannot be called as C calls has an entry `via_…` that prepares registers or the stack.
    .text
    .macro fn name
    .globl \name
    .type \name, @function
    .p2align 4
\name:
    .endm
    .macro done name
    .size \name, . - \name
    .endm

// long via_flags(function, flags, rdx, rcx, out[2]): calls with rflags, rdx and rcx as given; out = { rax, rcx } afterwards.
fn via_flags
    push %r8
    push %rsi
    popf
    call *%rdi
    pop %r8
    mov %rax, (%r8)
    mov %rcx, 8(%r8)
    pushf
    pop %rax
    push $0x202
    popf
    ret
done via_flags

// long via_rax(function, rax, rdx, rcx)
fn via_rax
    mov %rsi, %rax
    call *%rdi
    ret
done via_rax

fn i_leaf
    lea 5(%rdi), %rax
    ret
done i_leaf

fn i_call_rel
    call i_leaf
    inc %rax
    ret
done i_call_rel

fn i_call_stack                       // the operand is relative to rsp before the push
    call *8(%rsp)
    inc %rax
    ret
done i_call_stack
fn via_call_stack
    lea i_leaf(%rip), %rax
    push %rax
    call i_call_stack
    add $8, %rsp
    ret
done via_call_stack

fn i_call_reg
    call *%rsi
    inc %rax
    ret
done i_call_reg

fn i_call_rip
    call *i_pointer(%rip)
    inc %rax
    ret
done i_call_rip

fn i_call_index                       // rsi: table, rdx: index
    call *(%rsi,%rdx,8)
    inc %rax
    ret
done i_call_index

fn i_jmp_short
    jmp 1f
    ud2
1:  lea 1(%rdi), %rax
    ret
done i_jmp_short

fn i_jmp_near
    .byte 0xe9
    .long 1f - 2f
2:  ud2
1:  lea 2(%rdi), %rax
    ret
done i_jmp_near

fn i_jmp_reg
    jmp *%rsi
    ud2
done i_jmp_reg

fn i_jmp_rip
    jmp *i_pointer(%rip)
    ud2
done i_jmp_rip

fn i_jmp_notrack                      // 3E FF E6
    notrack jmp *%rsi
    ud2
done i_jmp_notrack

    .macro condition name
fn i_j\name
    j\name 1f
    mov $1, %eax
    ret
1:  mov $2, %eax
    ret
done i_j\name
    .endm
    .irp name, o, no, b, ae, e, ne, be, a, s, ns, p, np, l, ge, le, g
    condition \name
    .endr

fn i_je_near                          // the six-byte form
    .byte 0x0f, 0x84
    .long 1f - 2f
2:  mov $1, %eax
    ret
1:  mov $2, %eax
    ret
done i_je_near

    .macro counted name, insn:vararg
fn i_\name
    \insn 1f
    mov $1, %eax
    ret
1:  mov $2, %eax
    ret
done i_\name
    .endm
    counted loop, loop
    counted loope, loope
    counted loopne, loopne
    counted jrcxz, jrcxz
    counted jecxz, jecxz
    counted loop32, addr32 loop       // uses and zero-extends ecx

fn i_push_rsp
    push %rsp
    pop %rax
    sub %rsp, %rax                    // 0: what was pushed is the value before the push
    ret
done i_push_rsp

fn i_push_mem
    push (%rsp)
    pop %rax
    sub (%rsp), %rax
    ret
done i_push_mem

fn i_push_rip
    push i_data(%rip)
    pop %rax
    ret
done i_push_rip

fn i_push_imm
    push $-5
    pop %rax
    ret
done i_push_imm

fn i_push_rbp
    push %rbp
    mov %rsp, %rbp
    lea 1(%rdi), %rax
    pop %rbp
    ret
done i_push_rbp

fn i_pop
    pop %r11
    lea 3(%rdi), %rax
    jmp *%r11
done i_pop

fn i_pop_rsp                          // rsp becomes what was popped
    pop %rsp
    mov %rdi, %rax
    ret
done i_pop_rsp
fn via_pop_rsp
    push %rdi
    lea 1f(%rip), %rax
    push %rax
    mov %rsp, %rax
    push %rax                         // i_pop_rsp pops it: rsp then points at the address of 1:
    jmp i_pop_rsp
1:  pop %rdi
    ret
done via_pop_rsp

fn i_leave
    leave
    lea 4(%rdi), %rax
    ret
done i_leave
fn via_leave
    push %rbp
    mov %rsp, %rbp
    lea 1f(%rip), %rax
    push %rax
    push %rbp                         // the frame that leave undoes: saved rbp, and above it the return address
    mov %rsp, %rbp
    sub $32, %rsp
    jmp i_leave
1:  pop %rbp
    ret
done via_leave

fn i_enter
    enter $16, $0
    leave
    lea 6(%rdi), %rax
    ret
done i_enter

fn i_ret
    ret
done i_ret

fn i_ret16
    ret $16
done i_ret16
fn via_ret16                          // 0 where ret took its return address and 16 bytes
    mov %rsp, %rdx
    push $1
    push $2
    call i_ret16
    mov %rdx, %rax
    sub %rsp, %rax
    mov %rdx, %rsp
    ret
done via_ret16

fn i_load
    mov i_data(%rip), %rax
    ret
done i_load

fn i_store
    mov %rdi, i_scratch(%rip)
    mov i_scratch(%rip), %rax
    ret
done i_store

fn i_store_imm                        // an immediate follows the displacement
    movl $0x12345678, i_scratch32(%rip)
    mov i_scratch32(%rip), %eax
    ret
done i_store_imm

fn i_lea
    lea i_data(%rip), %rax
    ret
done i_lea

fn i_cmp_rip
    cmpl $77, i_small(%rip)
    sete %al
    movzbl %al, %eax
    ret
done i_cmp_rip

fn i_cmpxchg16b                       // rax, rdx: expected; rbx, rcx: new
    lock cmpxchg16b i_pair(%rip)
    sete %al
    movzbl %al, %eax
    ret
done i_cmpxchg16b
fn via_cmpxchg16b                     // long (expected low, expected high, new low, new high)
    push %rbx
    mov %rdi, %rax
    mov %rdx, %rbx
    mov %rsi, %rdx
    call i_cmpxchg16b
    pop %rbx
    ret
done via_cmpxchg16b

fn i_mulx                             // VEX, and three registers that no scratch register may be
    mulx i_data(%rip), %rcx, %rax        // high half to rax
    ret
done i_mulx

fn i_movups
    movups i_vector(%rip), %xmm0
    movq %xmm0, %rax
    ret
done i_movups

fn i_fld
    fldl i_double(%rip)
    fistpll -8(%rsp)
    mov -8(%rsp), %rax
    ret
done i_fld

fn i_lock_inc
    lock incq i_counter(%rip)
    mov i_counter(%rip), %rax
    ret
done i_lock_inc

fn i_lock_add
    lock addl $3, (%rdi)
    mov (%rdi), %eax
    ret
done i_lock_add

fn i_xchg
    xchg %rsi, (%rdi)
    mov %rsi, %rax
    ret
done i_xchg

fn i_rep_movsb                        // to rdi, from rsi, rcx bytes
    rep movsb
    mov %rdi, %rax
    ret
done i_rep_movsb

fn i_rep_stosb
    rep stosb
    mov %rdi, %rax
    ret
done i_rep_stosb

fn i_repne_scasb
    repne scasb
    mov %rcx, %rax
    ret
done i_repne_scasb

fn i_pushf
    pushf
    pop %rax
    ret
done i_pushf

fn i_popf
    popf
    pushf
    pop %rax
    push $0x202
    popf
    jmp *%r11
done i_popf
fn via_popf
    lea 1f(%rip), %r11
    push %rdi
    jmp i_popf
1:  ret
done via_popf

fn i_lahf
    lahf
    movzbl %ah, %eax
    ret
done i_lahf

fn i_syscall                          // rax: number; out rdi = { rcx, r11 }
    syscall
    mov %rcx, (%rdi)
    mov %r11, 8(%rdi)
    ret
done i_syscall
fn via_syscall                        // long (out, number)
    mov %rsi, %rax
    call i_syscall
    ret
done via_syscall

fn i_fs
    mov %fs:0, %rax
    ret
done i_fs

fn i_rdfsbase
    rdfsbase %rax
    ret
done i_rdfsbase

fn i_nop1
    nop
    lea 1(%rdi), %rax
    ret
done i_nop1

fn i_nop5
    .byte 0x0f, 0x1f, 0x44, 0x00, 0x00
    lea 5(%rdi), %rax
    ret
done i_nop5

fn i_nop15
    .byte 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00
    lea 15(%rdi), %rax
    ret
done i_nop15

fn i_endbr
    endbr64
    lea 9(%rdi), %rax
    ret
done i_endbr

fn i_movabs
    movabs $0x1122334455667788, %rax
    ret
done i_movabs

fn i_div
    div %rcx
    ret
done i_div

fn i_mov_segment
    mov %ds, %eax
    mov %ds, %ecx
    sub %ecx, %eax
    ret
done i_mov_segment

fn i_cpuid                            // rax 0: the highest leaf; rbx is the caller's
    cpuid
    mov %r8, %rbx
    ret
done i_cpuid
fn via_cpuid
    mov %rbx, %r8
    xor %eax, %eax
    xor %ecx, %ecx
    call i_cpuid
    ret
done via_cpuid

fn i_red_zone                         // reads below rsp what its caller wrote there: nothing may be pushed on the way
    mov -64(%rsp), %rax
    ret
done i_red_zone
fn via_red_zone
    mov %rdi, -72(%rsp)
    call i_red_zone
    ret
done via_red_zone

    .data
    .balign 16
    .globl i_pair, i_data, i_pointer, i_counter, i_table
i_pair:     .quad 11, 22
i_vector:   .quad 0x0102030405060708, 0x1112131415161718
i_data:     .quad 0x8877665544332211
i_pointer:  .quad i_leaf
i_table:    .quad 0, i_leaf, 0
i_double:   .double 4711.0
i_scratch:  .quad 0
i_counter:  .quad 0
i_scratch32: .long 0
i_small:    .long 77
    .section .note.GNU-stack, "", @progbits
