using Uprobes.Arming.Inline.X64;
using Uprobes.Images;
using Uprobes.Tests.Images;

namespace Uprobes.Tests.Arming.Inline;

/// <summary>Hand-made functions, one for each thing that the planner has to see, assembled once.</summary>
public sealed class PlannerCorpus : IDisposable
{
    private readonly Workshop _workshop = new();
    private readonly List<ElfImage> _images = [];
    private readonly Lazy<ElfImage> _library;
    private readonly Lazy<ElfImage> _program;

    public PlannerCorpus()
    {
        _library = new(() => Assemble("library.so", LibrarySource, "-shared", "-nostdlib", "-Wl,-z,noseparate-code"));
        _program = new(() => Assemble("program", ProgramSource, "-static", "-no-pie", "-nostdlib", "-nostartfiles"));
    }

    /// <summary>Position-independent.</summary>
    internal ElfImage Library => _library.Value;

    /// <summary>With a fixed address.</summary>
    internal ElfImage Program => _program.Value;

    internal ElfImage Assemble(string output, string source, params string[] flags)
    {
        ElfImage image = ElfImage.Open(_workshop.Compile(output, output + ".s", Macros + source, flags));
        _images.Add(image);
        return image;
    }

    internal static PatchSite Entry(ElfImage image, string function) => new(Offset(image, function), IsFunctionEntry: true);

    internal static PatchSite Inside(ElfImage image, string function, ulong distance) => new(Offset(image, function) + distance, IsFunctionEntry: false);

    private static FileOffset Offset(ElfImage image, string function) => Assert.Single(image.Functions.Named(function)).Offset;

    public void Dispose()
    {
        foreach (ElfImage image in _images)
            image.Dispose();
        _workshop.Dispose();
    }

    private const string Macros = """
        .macro FN name
        .globl \name
        .type \name, @function
        \name:
        .endm
        .macro END name
        .size \name, . - \name
        .endm
        .macro ALIGNED name
        .p2align 4, 0xcc
        FN \name
        .endm
        .text

        """;

    /// <summary>2 bytes, then a loop back to the third: only a springboard can take it.</summary>
    private const string Looper = """
        .macro LOOPER name
        FN \name
        xor %eax, %eax
        1: inc %eax
        cmp $9, %eax
        jne 1b
        ret
        END \name
        .endm

        """;

    private const string LibrarySource = Looper + """
        ALIGNED one_long
        mov $1, %eax
        ret
        END one_long
        ALIGNED several
        push %rbp
        mov %rsp, %rbp
        push %rbx
        pop %rbx
        pop %rbp
        ret
        END several
        ALIGNED endbr
        endbr64
        push %rbp
        pop %rbp
        ret
        END endbr
        ALIGNED short_padded
        xor %eax, %eax
        ret
        END short_padded
        .p2align 4, 0xcc
        .skip 300, 0x90

        ALIGNED packed_a
        ret
        END packed_a
        FN packed_b
        ret
        END packed_b
        FN packed_c
        inc %eax
        ret
        END packed_c
        FN packed_d
        lea 8(%rdi, %rsi, 8), %rax
        ret
        END packed_d
        .p2align 4, 0x0f
        .skip 300, 0x0f

        ALIGNED entered_far
        push %rbx
        1: mov %rdi, %rbx
        pop %rbx
        ret
        END entered_far
        .skip 200, 0x0f
        FN enters_far
        mov $7, %eax
        jmp 1b
        END enters_far
        ALIGNED entered_near
        push %rbx
        1: dec %edi
        jnz 1b
        pop %rbx
        ret
        END entered_near
        ALIGNED entered_by_neighbour
        push %rbx
        1: mov %rdi, %rbx
        pop %rbx
        ret
        END entered_by_neighbour
        FN neighbour_that_enters
        test %edi, %edi
        jnz 1b
        ret
        END neighbour_that_enters
        ALIGNED entered_by_table
        push %rbx
        2: mov %rdi, %rbx
        lea table(%rip), %rdx
        movslq (%rdx, %rbx, 4), %rax
        add %rdx, %rax
        jmp *%rax
        3: pop %rbx
        ret
        END entered_by_table
        .section .rodata
        .p2align 2
        table: .long 3b - table, 2b - table, 3b - table
        .text
        ALIGNED entered_by_symbol
        push %rbx
        .globl inner_symbol
        inner_symbol: mov %rdi, %rbx
        pop %rbx
        ret
        END entered_by_symbol
        ALIGNED entered_by_unwind
        push %rbx
        .cfi_startproc
        mov %rdi, %rbx
        pop %rbx
        ret
        .cfi_endproc
        END entered_by_unwind
        ALIGNED entered_by_pointer
        push %rbx
        4: mov %rdi, %rbx
        pop %rbx
        ret
        END entered_by_pointer
        .section .data.rel.ro, "aw"
        .quad 4b
        .text
        ALIGNED entered_by_address
        push %rbx
        5: mov %rdi, %rbx
        pop %rbx
        ret
        END entered_by_address
        ALIGNED takes_address
        lea 5b(%rip), %rax
        ret
        END takes_address
        ALIGNED seems_entered
        push %rbx
        mov %rdi, %rbx
        pop %rbx
        mov $0xf8eb, %eax
        ret
        END seems_entered

        ALIGNED jumps_anywhere
        push %rbx
        mov %rdi, %rbx
        pop %rbx
        lea 8(%rdi, %rdi, 4), %rax
        jmp *%rax
        END jumps_anywhere
        ALIGNED jumps_by_table_and_anywhere
        push %rbx
        mov %rdi, %rbx
        pop %rbx
        lea other_table(%rip), %rdx
        movslq (%rdx, %rdi, 4), %rax
        add %rdx, %rax
        jmp *%rax
        1: lea 8(%rdi, %rdi, 4), %rax
        jmp *%rax
        END jumps_by_table_and_anywhere
        ALIGNED jumps_by_table
        push %rbx
        mov %rdi, %rbx
        pop %rbx
        lea other_table(%rip), %rdx
        test %esi, %esi
        jz 2f
        mov %rsi, %rdi
        2: movslq (%rdx, %rdi, 4), %rax
        add %rdx, %rax
        jmp *%rax
        END jumps_by_table
        .section .rodata
        .p2align 2
        other_table: .long 1b - other_table, 1b - other_table
        .long 0x7fffffff
        .text
        ALIGNED tail_call
        push %rbx
        mov %rdi, %rbx
        pop %rbx
        mov (%rdi), %rax
        test %rax, %rax
        jz 1f
        jmp *%rax
        1: ret
        END tail_call
        ALIGNED call_last
        sub $8, %rsp
        call one_long
        add $8, %rsp
        ret
        END call_last
        ALIGNED call_inside
        push %rbx
        call *%rax
        mov %rax, %rbx
        pop %rbx
        ret
        END call_inside
        ALIGNED syscall_inside
        syscall
        ret
        nop
        nop
        ret
        END syscall_inside
        ALIGNED loops_to_itself
        dec %edi
        jnz loops_to_itself
        ret
        END loops_to_itself
        ALIGNED data_behind
        ret
        END data_behind
        .byte 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x12, 0x34, 0x56, 0x78
        ALIGNED clone_child
        mov $56, %eax
        syscall
        test %rax, %rax
        jz 1f
        ret
        1: xor %ebp, %ebp
        mov $60, %eax
        syscall
        END clone_child
        ALIGNED signal_return
        mov $15, %rax
        syscall
        END signal_return
        ALIGNED restarted
        push %rbx
        6: mov %rdi, %rbx
        7: pop %rbx
        ret
        END restarted
        .section __rseq_cs, "aw"
        .p2align 5
        .long 0, 0
        .quad 6b, 7b - 6b, 0
        .text

        .p2align 12, 0xcc
        .skip 4096 - 3, 0xcc
        FN crosses_page
        push %rbp
        mov %rsp, %rbp
        pop %rbp
        ret
        END crosses_page
        .p2align 12, 0xcc
        .skip 4096 - 1, 0xcc
        FN crosses_page_at_once
        mov %rsp, %rbp
        xor %eax, %eax
        ret
        END crosses_page_at_once

        .p2align 8, 0x0f
        .skip 256, 0x0f
        LOOPER looper_a
        LOOPER looper_b
        FN padding_15
        jmp 1f
        .skip 15, 0x90
        1: ret
        END padding_15
        LOOPER looper_c
        LOOPER looper_d
        .skip 256, 0x0f

        """;

    private const string ProgramSource = """
        ALIGNED _start
        mov $60, %eax
        syscall
        END _start
        ALIGNED fixed_by_quad
        push %rbx
        1: mov %rdi, %rbx
        pop %rbx
        ret
        END fixed_by_quad
        .section .rodata
        .p2align 3
        .quad 1b
        .text
        ALIGNED fixed_by_constant
        push %rbx
        2: mov %rdi, %rbx
        pop %rbx
        ret
        END fixed_by_constant
        ALIGNED holds_constant
        mov $2b, %eax
        ret
        END holds_constant
        ALIGNED fixed_seems
        push %rbx
        3: mov %rdi, %rbx
        pop %rbx
        ret
        END fixed_seems
        ALIGNED seems_constant
        .byte 0x48, 0xb8, 0x00
        .long 3b
        .byte 0x00, 0x22, 0x11
        ret
        END seems_constant

        """;
}
