using Uprobes.Arming.Inline.X64;
using Uprobes.Images;
using static Uprobes.Tests.Arming.Inline.PlannerCorpus;

namespace Uprobes.Tests.Arming.Inline;

/// <summary>Functions that no jump fits on: where branches alone lead to one, these are redirected, and where anything else may, they are not.</summary>
public sealed class RedirectPlanTests(PlannerCorpus corpus) : IClassFixture<PlannerCorpus>
{
    /// <summary>PART is 3 bytes without padding around it; what can come to it is each test's own.</summary>
    private const string Parts = """
        .macro PACKED name
        .local \name
        .type \name, @function
        \name:
        .cfi_startproc
        .endm
        .macro PACKED_END name
        .cfi_endproc
        .size \name, . - \name
        .endm
        .macro FILLER name
        PACKED \name
        .rept 60
        mov $1, %eax
        .endr
        ret
        PACKED_END \name
        .endm
        .section .text.unlikely, "ax", @progbits
        FILLER in_front
        PACKED part
        xor %eax, %eax
        ret
        PACKED_END part
        FILLER behind
        .text

        """;

    private const string TwoBranches = """
        ALIGNED parted
        .cfi_startproc
        mov $1, %eax
        test %edi, %edi
        jz part
        call part
        jmp part
        .cfi_endproc
        END parted

        """;

    private readonly string[] _shared = ["-shared", "-nostdlib"];

    private PatchDecision Decide(string name, string source, params string[] flags)
    {
        ElfImage image = corpus.Assemble(name + ".so", Parts + source, flags.Length == 0 ? _shared : flags);
        return new PatchPlanner(new ImageAnalysis(image)).Plan(Entry(image, "part"));
    }

    [Fact]
    public void Branches_and_calls_are_redirected_and_the_site_keeps_its_bytes()
    {
        ElfImage image = corpus.Assemble("two_branches.so", Parts + TwoBranches, _shared);
        PatchPlan plan = Assert.IsType<PatchPlan>(new PatchPlanner(new ImageAnalysis(image)).Plan(Entry(image, "part")).Plan);
        Assert.Equal(PatchTactic.Redirect, plan.Tactic);
        Assert.Equal([0x31, 0xc0], plan.Displaced);
        Assert.Empty(plan.Overwritten);
        FileOffset parted = Entry(image, "parted").Offset;
        Assert.Equal([parted + 7, parted + 13, parted + 18], plan.Redirected.Select(branch => branch.Offset));
        Assert.Equal([0x0F, 0xE8, 0xE9], plan.Redirected.Select(branch => branch.Original[0]));
        Assert.All(plan.Redirected, branch => Assert.Equal(plan.Address.Value,
            branch.Address.Value + (ulong)branch.Original.Length + (ulong)(long)BitConverter.ToInt32(branch.Original.AsSpan()[^4..])));
    }

    [Fact]
    public void The_planner_prefers_jumps_and_takes_the_branches_of_its_plans()
    {
        ElfImage image = corpus.Assemble("prefers.so", Parts + """
            ALIGNED begins_with_branch
            .cfi_startproc
            jmp part
            .cfi_endproc
            END begins_with_branch

            """, _shared);
        PatchPlanner planner = new(new ImageAnalysis(image));
        PatchSite part = Entry(image, "part"), first = Entry(image, "begins_with_branch");
        var both = planner.Plan([part, first]);
        Assert.Equal((PatchTactic.SingleInstruction, PatchRefusalReason.EndsEarly), (both[1].Plan!.Tactic, both[0].Refusal!.Reason));
        planner.Release(both[1].Plan!);
        PatchPlan redirected = Assert.IsType<PatchPlan>(planner.Plan(part).Plan);
        Assert.Equal(PatchTactic.Redirect, redirected.Tactic);
        Assert.Same(redirected, planner.Plan(part).Plan);
        Assert.Equal(PatchRefusalReason.InsideDisplaced, planner.Plan(first).Refusal?.Reason);
        planner.Release(redirected);
        Assert.True(planner.Plan(first).IsInline);
    }

    [Theory]
    [InlineData("nothing", "")]
    [InlineData("pointer", ".section .data.rel.ro, \"aw\"\n.quad part\n.text\n")]
    [InlineData("loaded", "ALIGNED loads\nlea part(%rip), %rax\nret\nEND loads\n")]
    [InlineData("exported", ".globl also\n.type also, @function\n.set also, part\n")]
    [InlineData("table", ".section .rodata\n.p2align 2\nt: .long part - t, part - t\n.text\nALIGNED switches\nlea t(%rip), %rdx\nmovslq (%rdx, %rdi, 4), %rax\nadd %rdx, %rax\njmp *%rax\nEND switches\n")]
    [InlineData("unknown", "ALIGNED jumps\n.cfi_startproc\nmov $1, %eax\ntest %edi, %edi\njz part\nlea 8(%rdi, %rdi, 4), %rax\njmp *%rax\n.cfi_endproc\nEND jumps\n")]
    [InlineData("prefixed", "ALIGNED jumps\n.cfi_startproc\nmov $1, %eax\ntest %edi, %edi\n.byte 0x2e\njz part\nret\n.cfi_endproc\nEND jumps\n")]
    [InlineData("exceptions", ".section .gcc_except_table, \"a\"\n.long 0\n.text\n")]
    [InlineData("unsound", "ALIGNED data\n.cfi_startproc\njmp 1f\n.byte 0x06\n1: jmp part\n.cfi_endproc\nEND data\n")]
    public void What_else_may_lead_there_prevents_it(string name, string other)
    {
        PatchDecision decision = Decide(name, (name == "nothing" ? "" : TwoBranches) + other);
        Assert.False(decision.IsInline, $"{decision.Plan?.Tactic}");
        Assert.Equal(PatchRefusalReason.EndsEarly, decision.Refusal.Reason);
    }

    [Fact]
    public void A_branch_in_two_pages_prevents_it() => Assert.False(Decide("paged", TwoBranches + """
        .p2align 12, 0x0f
        .skip 4096 - 8, 0x0f
        FN crossing
        .cfi_startproc
        mov $1, %eax
        jmp part
        .cfi_endproc
        END crossing

        """).IsInline);

    [Theory]
    [InlineData("jmp part_stops", true)]
    [InlineData("call part_stops", true)]
    [InlineData("mov $1, %eax", false)]
    [InlineData("jz part_stops", false)]
    public void What_stands_in_front_must_not_go_on_into_it(string last, bool ends)
    {
        string source = $"""
            ALIGNED part_stops
            .cfi_startproc
            ud2
            .cfi_endproc
            END part_stops
            .section .text.unlikely, "ax", @progbits
            PACKED ahead
            .rept 60
            mov $1, %eax
            .endr
            {last}
            PACKED_END ahead
            PACKED part2
            xor %eax, %eax
            ret
            PACKED_END part2
            FILLER behind2
            .text

            """ + TwoBranches.Replace("part\n", "part2\n", StringComparison.Ordinal);
        ElfImage image = corpus.Assemble($"front_{ends}_{last.Length}.so", Parts + source, _shared);
        Assert.Equal(ends, new PatchPlanner(new ImageAnalysis(image)).Plan(Entry(image, "part2")).Plan?.Tactic == PatchTactic.Redirect);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("mov $part, %esi\n", false)]
    public void In_a_file_with_a_fixed_address_an_instruction_may_hold_it(string holder, bool isInline) =>
        Assert.Equal(isInline, Decide($"fixed_{isInline}", TwoBranches + $"""
            ALIGNED _start
            {holder}mov $60, %eax
            syscall
            END _start

            """, "-static", "-no-pie", "-nostdlib", "-nostartfiles").IsInline);

    [Fact]
    public void A_short_branch_prevents_it()
    {
        ElfImage image = corpus.Assemble("short.so", Parts + TwoBranches.Replace("part\n", "part2\n", StringComparison.Ordinal) + """
            .section .text.unlikely, "ax", @progbits
            PACKED part2
            xor %eax, %eax
            ret
            PACKED_END part2
            PACKED near
            .rept 12
            mov $1, %eax
            .endr
            test %edi, %edi
            jz part2
            .rept 60
            mov $1, %eax
            .endr
            ret
            PACKED_END near
            .text

            """, _shared);
        Assert.False(new PatchPlanner(new ImageAnalysis(image)).Plan(Entry(image, "part2")).IsInline);
    }
}
