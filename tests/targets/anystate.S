# run_case: gives a function all of a thread's state, calls it, and keeps all of the state that it leaves.
# What it is given and what is kept are the variables at the end, which anystate.c fills and reads.

        .intel_syntax noprefix
        .text
        .globl  run_case, run_case_call, run_case_back
        .type   run_case, @function
run_case:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [rip + own_rsp], rsp
        mov     eax, [rip + xstate_mask]
        xor     edx, edx
        xsave64 [rip + own_xstate]
        xrstor64 [rip + in_xstate]
        mov     rsp, [rip + in_state + 32]
        push    qword ptr [rip + in_state + 128]        # where the call will put its return address
        popfq
        mov     rax, [rip + in_state]
        mov     rcx, [rip + in_state + 8]
        mov     rdx, [rip + in_state + 16]
        mov     rbx, [rip + in_state + 24]
        mov     rbp, [rip + in_state + 40]
        mov     rsi, [rip + in_state + 48]
        mov     rdi, [rip + in_state + 56]
        mov     r8, [rip + in_state + 64]
        mov     r9, [rip + in_state + 72]
        mov     r10, [rip + in_state + 80]
        mov     r11, [rip + in_state + 88]
        mov     r12, [rip + in_state + 96]
        mov     r13, [rip + in_state + 104]
        mov     r14, [rip + in_state + 112]
        mov     r15, [rip + in_state + 120]
run_case_call:
        call    [rip + in_function]
run_case_back:
        mov     [rip + out_state], rax
        mov     [rip + out_state + 8], rcx
        mov     [rip + out_state + 16], rdx
        mov     [rip + out_state + 24], rbx
        mov     [rip + out_state + 32], rsp
        mov     [rip + out_state + 40], rbp
        mov     [rip + out_state + 48], rsi
        mov     [rip + out_state + 56], rdi
        mov     [rip + out_state + 64], r8
        mov     [rip + out_state + 72], r9
        mov     [rip + out_state + 80], r10
        mov     [rip + out_state + 88], r11
        mov     [rip + out_state + 96], r12
        mov     [rip + out_state + 104], r13
        mov     [rip + out_state + 112], r14
        mov     [rip + out_state + 120], r15
        mov     rsp, [rip + own_rsp]
        pushfq
        pop     qword ptr [rip + out_state + 128]
        push    2
        popfq
        mov     eax, [rip + xstate_mask]
        xor     edx, edx
        xsave64 [rip + out_xstate]
        xrstor64 [rip + own_xstate]
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
        .size   run_case, . - run_case

        .bss
        .globl  in_state, out_state, in_function, in_xstate, out_xstate, own_xstate, xstate_mask
        .balign 64
in_xstate:      .skip 4096
out_xstate:     .skip 4096
own_xstate:     .skip 4096
in_state:       .skip 136       # the general registers by their numbers, then the flags
out_state:      .skip 136
in_function:    .skip 8
own_rsp:        .skip 8
xstate_mask:    .skip 4
        .section .note.GNU-stack, "", @progbits
