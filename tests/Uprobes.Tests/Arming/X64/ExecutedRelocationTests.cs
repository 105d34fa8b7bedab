using Iced.Intel;
using Uprobes.Arming.X64;

namespace Uprobes.Tests.Arming.X64;

/// <summary>
/// Instructions run for real, in place and from their slot: registers, flags, vector state, memory, signal, si_code and
/// si_addr must be the same. What this processor lacks must be the same #UD.
/// </summary>
public class ExecutedRelocationTests
{
    /// <summary>What is relocated and not run here, each with the reason.</summary>
    private static readonly Dictionary<string, string> Skipped = new()
    {
        ["Rdtsc Rdtscp Rdpru Rdpmc Rdrand Rdseed"] = "gives another value each time",
        ["Mwait Mwaitx Umwait Tpause"] = "may wait for an event that does not come",
        ["Wrpkru"] = "can take the signal stack away from the handler",
    };

    /// <summary>rax rcx rdx rbx rsp rbp rsi rdi r8 to r15: operands, small divisors, valid pointers, an index, a bad pointer.</summary>
    private static readonly ulong[] Ordinary =
    [
        TestLayout.Data + 0x1040, 3, 2, TestLayout.Operand, TestLayout.StackPointer, TestLayout.Stack + 0x2800, TestLayout.Data + 0x400, TestLayout.Data + 0x2400,
        0x1122_3344_5566_7788, ulong.MaxValue, TestLayout.Data + 0x3000, 0x8000_0001, TestLayout.Index, TestLayout.Unmapped, 0x7FFF_FFFF_FFFF_FFFF, 0x31,
    ];

    /// <summary>The same with a branch target wherever it can be an operand.</summary>
    private static readonly ulong[] Branching =
    [
        TestLayout.Target, TestLayout.Target, TestLayout.Target, TestLayout.Operand, TestLayout.StackPointer, TestLayout.Target, TestLayout.Target, TestLayout.Target,
        TestLayout.Target, TestLayout.Target, TestLayout.Target, TestLayout.Target, TestLayout.Index, TestLayout.Unmapped, TestLayout.Target, TestLayout.Target,
    ];

    [Fact]
    public async Task Every_instruction_does_in_its_slot_what_it_did_in_place()
    {
        var skipped = Skipped.Keys.SelectMany(names => names.Split(' ')).ToHashSet();
        var cases = new List<ExecutedCase>();
        int skippedForms = 0;
        foreach (InstructionForm form in InstructionForms.All)
        {
            if (skipped.Contains(form.Code.Mnemonic().ToString()))
                skippedForms++;
            else
                cases.AddRange(CasesOf(form));
        }

        RunnerReport report = await InstructionRunner.RunAsync(cases, TestContext.Current.CancellationToken);
        TestContext.Current.SendDiagnosticMessage($"{string.Join(", ", report.Counts.Select(count => $"{count.Key} {count.Value}"))}, skipped forms {skippedForms}");
        Assert.True(report.Differences.Count == 0, $"{report.Counts["differing"]} of {cases.Count} cases differ:\n{string.Join('\n', report.Differences.Take(40))}");
        Assert.InRange(skippedForms, 1, 400);
        Assert.InRange(report.Counts["cases"], 350_000, int.MaxValue);
        Assert.InRange(report.Counts["completed"], 200_000, int.MaxValue);
        Assert.InRange(report.Counts["segv"], 50_000, int.MaxValue);
        Assert.InRange(report.Counts["ill"], 1_000, int.MaxValue);
        Assert.InRange(report.Counts["fpe"], 10, int.MaxValue);
    }

    private static IEnumerable<ExecutedCase> CasesOf(InstructionForm form)
    {
        bool branch = form.Code.FlowControl() is FlowControl.IndirectBranch or FlowControl.IndirectCall or FlowControl.Return;
        if (TryCase(form, TestLayout.NearSlot, false, branch ? Branching : Ordinary, "near") is { } near)
            yield return near with { Fill = branch ? TestLayout.Target : 0 };
        if (form.Variant.Contains("prefix", StringComparison.Ordinal))
            yield break;
        // All arithmetic flags and DF set, no floating point exception masked; for branches, operands that are no targets.
        if (TryCase(form, TestLayout.FarSlot, false, Ordinary, "far, other flags") is { } far)
            yield return far with { Flags = 0xED7, Mxcsr = 0, Fcw = 0x0340 };
        else if (TryCase(form, TestLayout.NearSlot, false, Ordinary, "near, other flags") is { } flags)
            yield return flags with { Flags = 0xED7, Mxcsr = 0, Fcw = 0x0340 };
        if (form.Variant.EndsWith('0') && TryCase(form, TestLayout.NearSlot, true, Ordinary, "stops") is { } stopping)
            yield return stopping;
    }

    private static ExecutedCase? TryCase(InstructionForm form, ulong slot, bool stopAfter, ulong[] registers, string state)
    {
        return InstructionRelocator.TryRelocate(form.Bytes, TestLayout.Site, slot, stopAfter, out RelocatedInstruction? relocated, out _)
            ? new() { Name = $"{form} ({state})", Original = form.Bytes, Relocated = relocated, Slot = slot, Registers = registers }
            : null;
    }
}
