using Uprobes.Arming.Inline.X64;
using Uprobes.Images;
using static Uprobes.Tests.Arming.Inline.PlannerCorpus;

namespace Uprobes.Tests.Arming.Inline;

public sealed class PatchPlannerTests(PlannerCorpus corpus) : IClassFixture<PlannerCorpus>
{
    private PatchDecision Decide(string function) => Decide(corpus.Library, function);

    private static PatchDecision Decide(ElfImage image, string function) => new PatchPlanner(new ImageAnalysis(image)).Plan(Entry(image, function));

    private static PatchPlan Planned(PatchDecision decision, PatchTactic tactic, params int[] boundaries)
    {
        Assert.True(decision.IsInline, decision.Refusal?.Message);
        Assert.Equal(tactic, decision.Plan.Tactic);
        Assert.Equal(boundaries, decision.Plan.Boundaries);
        return decision.Plan;
    }

    private static PatchRefusal Refused(PatchDecision decision, PatchRefusalReason reason)
    {
        Assert.False(decision.IsInline, $"{decision.Plan?.Tactic}");
        Assert.Equal(reason, decision.Refusal.Reason);
        return decision.Refusal;
    }

    [Fact]
    public void One_long_instruction_is_displaced_alone()
    {
        PatchPlan plan = Planned(Decide("one_long"), PatchTactic.SingleInstruction, 0);
        Assert.Equal([0xb8, 1, 0, 0, 0], plan.Displaced);
        Assert.Equal(plan.Displaced, plan.Overwritten);
    }

    [Fact]
    public void Several_whole_instructions_are_displaced_at_an_entry()
    {
        PatchPlan plan = Planned(Decide("several"), PatchTactic.WholeInstructions, 0, 1, 4);
        Assert.Equal(5, plan.Displaced.Length);
        Assert.Equal(plan.Address + 5, plan.Next);
    }

    [Fact]
    public void The_mark_of_an_indirect_branch_target_is_displaced_with_the_rest() =>
        Planned(Decide("endbr"), PatchTactic.WholeInstructions, 0, 4);

    [Fact]
    public void Padding_behind_a_short_function_is_used()
    {
        PatchPlan plan = Planned(Decide("short_padded"), PatchTactic.Padding, 0, 2);
        Assert.Equal([0x31, 0xc0, 0xc3], plan.Displaced);
        Assert.Equal([0x31, 0xc0, 0xc3, 0xcc, 0xcc], plan.Overwritten);
    }

    [Theory]
    [InlineData("packed_a")]
    [InlineData("packed_b")]
    [InlineData("packed_c")]
    public void A_short_function_without_padding_behind_it_is_refused(string function) => Refused(Decide(function), PatchRefusalReason.EndsEarly);

    [Fact]
    public void The_function_behind_short_ones_is_patched() => Planned(Decide("packed_d"), PatchTactic.SingleInstruction, 0);

    [Theory]
    [InlineData("entered_far", true)]
    [InlineData("entered_near", true)]
    [InlineData("entered_by_neighbour", true)]
    [InlineData("entered_by_address", true)]
    [InlineData("entered_by_table", false)]
    [InlineData("entered_by_symbol", false)]
    [InlineData("entered_by_unwind", false)]
    [InlineData("entered_by_pointer", false)]
    public void What_leads_into_the_patch_prevents_it(string function, bool isBranch)
    {
        PatchRefusal refusal = Refused(Decide(function), PatchRefusalReason.LandingInside);
        Assert.StartsWith(isBranch ? "the branch at" : "a symbol, a pointer or a jump table", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("fixed_by_quad")]
    [InlineData("fixed_by_constant")]
    public void In_a_file_of_fixed_address_any_word_can_lead_into_the_patch(string function) =>
        Refused(Decide(corpus.Program, function), PatchRefusalReason.LandingInside);

    [Fact]
    public void Bytes_of_a_constant_that_look_like_an_address_do_not_count() =>
        Planned(Decide(corpus.Program, "fixed_seems"), PatchTactic.WholeInstructions, 0, 1, 4);

    [Fact]
    public void Bytes_of_an_operand_that_look_like_a_branch_do_not_count() =>
        Planned(Decide("seems_entered"), PatchTactic.WholeInstructions, 0, 1, 4);

    [Theory]
    [InlineData("jumps_anywhere")]
    [InlineData("jumps_by_table_and_anywhere")]
    public void A_computed_jump_without_a_table_prevents_displacing_several(string function) =>
        Refused(Decide(function), PatchRefusalReason.UnknownJump);

    [Fact]
    public void A_jump_by_a_table_does_not() => Planned(Decide("jumps_by_table"), PatchTactic.WholeInstructions, 0, 1, 4);

    [Fact]
    public void A_tail_call_through_a_pointer_does_not() => Planned(Decide("tail_call"), PatchTactic.WholeInstructions, 0, 1, 4);

    [Fact]
    public void A_call_is_displaced_as_the_last_instruction() =>
        Assert.Equal(9, Planned(Decide("call_last"), PatchTactic.WholeInstructions, 0, 4).Displaced.Length);

    [Fact]
    public void A_call_with_instructions_behind_it_gets_a_springboard_in_its_place() =>
        Assert.Equal(3, Planned(Decide("call_inside"), PatchTactic.Springboard, 0, 1).Displaced.Length);

    [Fact]
    public void A_system_call_is_not_displaced_with_what_follows() => Planned(Decide("syscall_inside"), PatchTactic.Springboard, 0);

    [Fact]
    public void A_loop_back_to_the_site_is_not_displaced_with_it() =>
        Assert.Equal(2, Planned(Decide("loops_to_itself"), PatchTactic.Springboard, 0).Displaced.Length);

    [Fact]
    public void Filler_in_front_of_data_is_not_padding()
    {
        PatchDecision decision = Decide("data_behind");
        if (decision.IsInline)
            Assert.True(decision.Plan.SpringboardAddress < decision.Plan.Address, "the springboard is in the data");
        else
            Assert.Equal(PatchRefusalReason.EndsEarly, decision.Refusal.Reason);
    }

    [Theory]
    [InlineData("crosses_page", PatchTactic.Springboard)]
    [InlineData("crosses_page_at_once", null)]
    public void No_written_bytes_lie_in_two_pages(string function, object? tactic)
    {
        PatchDecision decision = Decide(function);
        if (tactic is PatchTactic expected)
            Assert.Equal(expected, decision.Plan?.Tactic);
        else
            Refused(decision, PatchRefusalReason.PageCrossing);
    }

    [Theory]
    [InlineData("signal_return", PatchRefusalReason.SignalReturn)]
    [InlineData("restarted", PatchRefusalReason.RestartableSequence)]
    [InlineData("nowhere", PatchRefusalReason.NotCode)]
    public void Places_that_must_stay_as_they_are_are_refused_by_name(string function, object reason)
    {
        PatchDecision decision = function == "nowhere"
            ? new PatchPlanner(new ImageAnalysis(corpus.Library)).Plan(new PatchSite(new FileOffset(0), IsFunctionEntry: true))
            : Decide(function);
        Refused(decision, (PatchRefusalReason)reason);
    }

    [Fact]
    public void The_first_code_of_a_process_is_refused() => Refused(Decide(corpus.Program, "_start"), PatchRefusalReason.ProcessStart);

    [Theory]
    [InlineData(0, true)]
    [InlineData(5, false)]
    [InlineData(7, false)]
    [InlineData(13, false)]
    public void Code_in_which_a_child_starts_is_refused_but_not_what_comes_before(ulong distance, bool isInline)
    {
        PatchDecision decision = new PatchPlanner(new ImageAnalysis(corpus.Library)).Plan(Inside(corpus.Library, "clone_child", distance));
        Assert.Equal(isInline, decision.IsInline);
        if (!isInline)
            Assert.Equal(PatchRefusalReason.CloneChild, decision.Refusal!.Reason);
    }

    [Fact]
    public void At_a_static_probe_several_are_displaced_and_never_what_a_thread_waits_in()
    {
        PatchPlanner planner = new(new ImageAnalysis(corpus.Library));
        Planned(planner.Plan(Inside(corpus.Library, "several", 1) with { IsMark = true }), PatchTactic.WholeInstructions, 0, 3, 4);
        PatchSite site = Inside(corpus.Library, "tail_call", 4);
        Assert.NotEqual(PatchRefusalReason.InsideFunction, planner.Plan(site with { IsMark = true }).Refusal?.Reason);
        foreach (string function in (string[])["call_inside", "syscall_inside"])
            Assert.NotEqual(PatchTactic.WholeInstructions, planner.Plan(Entry(corpus.Library, function) with { IsFunctionEntry = false, IsMark = true }).Plan?.Tactic);
    }

    [Fact]
    public void Inside_a_function_one_instruction_is_displaced_or_none()
    {
        var planner = new PatchPlanner(new ImageAnalysis(corpus.Library));
        Planned(planner.Plan(Inside(corpus.Library, "call_last", 4)), PatchTactic.SingleInstruction, 0);
        Planned(planner.Plan(Inside(corpus.Library, "call_last", 9)), PatchTactic.Springboard, 0);
        Refused(planner.Plan(Inside(corpus.Library, "tail_call", 4)), PatchRefusalReason.InsideFunction);
    }

    [Fact]
    public void Of_a_runtime_that_minds_faults_only_single_instructions_that_cannot_fault_are_displaced()
    {
        ElfImage image = corpus.Assemble("go.so", """
            ALIGNED loads_address
            lea 64(%rsp), %rdi
            ret
            END loads_address
            ALIGNED reads_memory
            mov 0x1234(%rdi), %rax
            ret
            END reads_memory
            ALIGNED checks_stack
            cmp 16(%r14), %rsp
            jbe 1f
            ret
            1: jmp loads_address
            END checks_stack
            ALIGNED many
            push %rbp
            mov %rsp, %rbp
            push %rbx
            ret
            END many
            .section .note.go.buildid, "a", @note
            .long 0
            """, "-shared", "-nostdlib");
        Planned(Decide(image, "loads_address"), PatchTactic.SingleInstruction, 0);
        Refused(Decide(image, "reads_memory"), PatchRefusalReason.CanFault);
        Planned(Decide(image, "checks_stack"), PatchTactic.Springboard, 0);
        Refused(Decide(image, "many"), PatchRefusalReason.InsideFunction);
    }
}
