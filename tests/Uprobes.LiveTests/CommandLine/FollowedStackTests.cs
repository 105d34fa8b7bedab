using System.Text.RegularExpressions;
using Uprobes.LiveTests.Kit;
using static Uprobes.LiveTests.CommandLine.RunTests;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>Scripts that follow calls and look at stacks.</summary>
[TestLimit(240)]
public sealed partial class FollowedStackTests
{
    /// <summary>Targets, what they are asked, and scripts: what depends on the run, such as addresses and the order of threads, is not in their output.</summary>
    public static TheoryData<string, string, string> Scripts => new()
    {
        // Who allocates how much.
        { "calls-pie", "sum7 6;fact 5", "uprobe:PATH:fact { @size[tid] = arg0; } uretprobe:PATH:fact /@size[tid]/ { @[ustack] = sum(@size[tid]); } END { clear(@size); }" },
        { "calls-pie", "fact 5", "uprobe:PATH:fact { @e[ustack(9)] = count(); } uretprobe:PATH:fact { @r[ustack(9), retval] = count(); printf(\"%d%s\\n\", retval, ustack(3)); }" },
        { "stacks", "deep 60;qsort 3;raise 3;interrupt 3;thread 3;twalk 3", "uretprobe:PATH:deep,uretprobe:PATH:compare,uretprobe:PATH:raised,uretprobe:PATH:plain,uretprobe:PATH:visit { @r[func, ustack] = count(); } uprobe:PATH:mark { @e[ustack] = count(); }" },
        { "throw", "go 5", "uretprobe:PATH:level,uretprobe:PATH:throw_again,uretprobe:PATH:throw_nested,uretprobe:PATH:called_back,uretprobe:PATH:returns_normally { @r[ustack] = count(); } uprobe:PATH:level { @e[ustack] = count(); }" },
        { "jumps", "long 5;signal 5;context 1", "uretprobe:PATH:descend,uretprobe:PATH:raiser,uretprobe:PATH:yields,uretprobe:PATH:work { @r[ustack(8)] = count(); } uprobe:PATH:descend,uprobe:PATH:raiser,uprobe:PATH:yields { @e[ustack(8)] = count(); }" },
        { "threads", "go 8 50", "uretprobe:PATH:work,uretprobe:PATH:body { @r[ustack] = count(); } uprobe:PATH:work { @e[ustack] = count(); }" },
        { "tail", "go 7", "uretprobe:PATH:even,uretprobe:PATH:odd,uretprobe:PATH:first,uretprobe:PATH:second,uretprobe:PATH:third { @r[ustack] = count(); } uprobe:PATH:even,uprobe:PATH:third { @e[ustack] = count(); }" },
        { "insns", "go 5", "uretprobe:PATH:i_ret16,uretprobe:PATH:via_ret16 { @r[ustack] = count(); }" },
    };

    [Theory]
    [MemberData(nameof(Scripts))]
    public void Stacks_at_entries_and_returns_are_those_that_breakpoints_find(string name, string requests, string script)
    {
        string[] outputs = [.. ((string[])["inline", "trap"]).Select(engine =>
        {
            using TargetProcess target = TargetProcess.StartTarget(name);
            using TargetProcess tool = Attach(target, script.Replace("PATH", Targets.Path(name), StringComparison.Ordinal), "--engine", engine);
            foreach (string request in requests.Split(';'))
                target.Ask(request, TimeSpan.FromSeconds(60));
            tool.Signal(Signals.Interrupt);
            Assert.Equal(new ExitStatus(0, null), tool.WaitForExit());
            Assert.Equal(new ExitStatus(0, null), target.Quit());
            return Sorted(tool.Output);
        })];
        Assert.Equal(outputs[1], outputs[0]);
        Assert.True(outputs[0].Length > 200, outputs[0]);
    }

    /// <summary>The entries of maps, of which those with equal counts come in the order in which they were made.</summary>
    private static string Sorted(string output) => string.Join("\n@", Address().Replace(output, "ADDRESS").Split("\n@").Order(StringComparer.Ordinal));

    /// <summary>What is where a coroutine's stack ends, and the vDSO's code.</summary>
    [GeneratedRegex("0x[0-9a-f]+")]
    private static partial Regex Address();
}
