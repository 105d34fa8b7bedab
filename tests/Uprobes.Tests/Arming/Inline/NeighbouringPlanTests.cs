using Uprobes.Arming.Inline.X64;
using Uprobes.Images;
using static Uprobes.Tests.Arming.Inline.PlannerCorpus;

namespace Uprobes.Tests.Arming.Inline;

public sealed class NeighbouringPlanTests(PlannerCorpus corpus) : IClassFixture<PlannerCorpus>
{
    private readonly ElfImage _image = corpus.Library;
    private readonly PatchPlanner _planner = new(new ImageAnalysis(corpus.Library));

    [Fact]
    public void A_site_at_a_displaced_instruction_joins_its_neighbour()
    {
        PatchSite entry = Entry(_image, "several");
        var decisions = _planner.Plan([Inside(_image, "several", 1), Inside(_image, "several", 2), entry]);
        PatchPlan joined = Assert.IsType<PatchPlan>(decisions[0].Plan);
        Assert.Equal((PatchTactic.JoinsNeighbour, entry.Offset), (joined.Tactic, joined.Neighbour!.Value));
        Assert.Equal([0x48, 0x89, 0xe5], joined.Displaced);
        Assert.Empty(joined.Overwritten);
        Assert.Equal(PatchRefusalReason.InsideDisplaced, decisions[1].Refusal?.Reason);
        Assert.Equal(PatchTactic.WholeInstructions, decisions[2].Plan?.Tactic);
    }

    [Fact]
    public void A_site_whose_jump_would_reach_into_an_older_patch_gets_no_such_jump()
    {
        PatchPlan older = Assert.IsType<PatchPlan>(_planner.Plan(Inside(_image, "call_last", 4)).Plan);
        Assert.Equal(PatchTactic.SingleInstruction, older.Tactic);
        PatchPlan plan = Assert.IsType<PatchPlan>(_planner.Plan(Entry(_image, "call_last")).Plan);
        Assert.Equal((PatchTactic.Springboard, 4), (plan.Tactic, plan.Displaced.Length));
    }

    [Fact]
    public void One_site_has_one_plan_until_it_is_released()
    {
        PatchSite site = Entry(_image, "several");
        PatchPlan? first = _planner.Plan(site).Plan;
        Assert.Same(first, _planner.Plan([site, site])[1].Plan);
        _planner.Release(first!);
        _planner.Release(first!);
        Assert.NotSame(first, _planner.Plan(site).Plan);
    }

    [Fact]
    public void Padding_serves_as_many_springboards_as_it_has_room_for()
    {
        string[] functions = ["looper_d", "looper_b", "looper_c", "looper_a"];
        var decisions = _planner.Plan([.. functions.Select(function => Entry(_image, function))]);
        PatchPlan[] plans = [.. decisions.Where(decision => decision.IsInline).Select(decision => decision.Plan!)];
        Assert.Equal(3, plans.Length);
        Assert.Equal(PatchRefusalReason.LandingInside, decisions[0].Refusal?.Reason);
        ulong[] springboards = [.. plans.Select(plan => plan.SpringboardAddress!.Value.Value).Order()];
        Assert.Equal([springboards[0], springboards[0] + 5, springboards[0] + 10], springboards);
        Assert.All(plans, plan => Assert.InRange((long)(plan.SpringboardAddress!.Value.Value - plan.Address.Value) - 2, -128, 127));
        Assert.All(plans, plan => Assert.Equal([0x90, 0x90, 0x90, 0x90, 0x90], plan.SpringboardOverwritten));

        _planner.Release(plans[0]);
        Assert.True(_planner.Plan(Entry(_image, "looper_d")).IsInline);
    }

    [Fact]
    public void Plans_do_not_depend_on_the_order_of_the_question()
    {
        PatchSite[] sites = [.. _image.Functions.All.Select(function => new PatchSite(function.Offset, IsFunctionEntry: true))];
        var forward = _planner.Plan(sites);
        var backward = new PatchPlanner(new ImageAnalysis(_image)).Plan([.. sites.Reverse()]).Reverse();
        Assert.Equal(forward.Select(Describe), backward.Select(Describe));

        static string Describe(PatchDecision decision) => $"{decision.Site.Offset} {decision.Plan?.Tactic} {decision.Plan?.Springboard} {decision.Refusal}";
    }
}
