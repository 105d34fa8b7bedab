using System.Globalization;
using System.Text.RegularExpressions;
using CsCheck;
using Uprobes.Arming.Inline.X64;
using Uprobes.Images;
using Uprobes.Tests.Images;

namespace Uprobes.Tests.Arming.Inline;

/// <summary>Plans for random sites, held against what objdump says about the same file.</summary>
public sealed partial class PlanPropertyTests
{
    /// <summary>Functions of many shapes: loops at the very start, switches, tail calls, one-byte bodies, packed without padding.</summary>
    private static string Source()
    {
        var text = new System.Text.StringBuilder("extern int g(int); extern int (*table[])(int);\n");
        for (int i = 0; i < 120; i++)
        {
            string attribute = (i % 5) switch { 0 => "__attribute__((cold))", 1 => "__attribute__((optimize(\"Os\")))", 2 => "__attribute__((optimize(\"align-functions=1\")))", _ => "" };
            string body = (i % 8) switch
            {
                0 => "do { x = g(x); } while (x);  return x;",
                1 => "switch (x) { case 0: return g(1); case 1: return g(5); case 2: return 7; case 3: return g(x + 2); case 4: return 11; case 5: return g(13) + 1; default: return 3; }",
                2 => "return table[x & 3](x);",
                3 => "return 0;",
                4 => "while (--x > 1) if (x % 3 == 1) x /= 2; return x;",
                5 => "static void *labels[] = { &&a, &&b, &&c }; goto *labels[x % 3]; a: return 1; b: x += g(x); c: return x;",
                6 => "g(x); return g(x + 1);",
                _ => "",
            };
            text.Append(CultureInfo.InvariantCulture, $"{attribute} int f{i}(int x) {{ {body} }}\n");
        }

        return text.ToString();
    }

    [Theory]
    [InlineData("-fPIC -shared -nostdlib")]
    [InlineData("-no-pie -fno-pie -static -nostdlib -nostartfiles -Wl,-e,f0 -Wl,--unresolved-symbols=ignore-all")]
    public void Written_bytes_are_never_the_target_of_a_branch_and_never_overlap(string flags)
    {
        using var workshop = new Workshop();
        string path = workshop.Compile("many", "many.c", Source(), ["-O2", "-w", .. flags.Split(' ')]);
        (ulong[] instructions, HashSet<ulong> targets) = Disassemble(workshop.Run("objdump", "-d", "--no-show-raw-insn", path));
        Assert.True(targets.Count > 30, $"objdump shows {targets.Count} targets");
        using ElfImage image = ElfImage.Open(path);
        var analysis = new ImageAnalysis(image);
        HashSet<ulong> entries = [.. image.Functions.All.Select(function => function.Address.Value)];
        PatchSite[] sites = [.. instructions.Select(address =>
            new PatchSite(image.TryGetOffset(new LinkAddress(address), out FileOffset offset) ? offset : default, entries.Contains(address)))];
        Gen.Int[0, sites.Length - 1].Array[1, 200].Sample(indexes =>
        {
            var decisions = new PatchPlanner(analysis).Plan([.. indexes.Select(index => sites[index])]);
            Check([.. decisions.Where(decision => decision.IsInline).Select(decision => decision.Plan!)], targets, [.. instructions]);
        }, iter: 60);
    }

    private static void Check(PatchPlan[] plans, HashSet<ulong> targets, HashSet<ulong> instructions)
    {
        var written = new HashSet<ulong>();
        foreach (PatchPlan plan in plans.DistinctBy(plan => plan.Address))
        {
            ulong site = plan.Address.Value;
            Assert.All(plan.Boundaries, boundary => Assert.Contains(site + (ulong)boundary, instructions));
            for (ulong at = 0; at < (ulong)plan.Overwritten.Length; at++)
            {
                Assert.True(written.Add(site + at), $"0x{site + at:x} is written twice");
                Assert.True(at == 0 || !targets.Contains(site + at), $"0x{site + at:x} is the target of a branch");
            }

            for (ulong at = 0; plan.SpringboardAddress is { } springboard && at < PatchPlan.JumpLength; at++)
            {
                Assert.True(written.Add(springboard.Value + at), $"0x{springboard.Value + at:x} is written twice");
                Assert.DoesNotContain(springboard.Value + at, targets);
            }

            foreach (RedirectedBranch branch in plan.Redirected)
            {
                Assert.Contains(branch.Address.Value, instructions);
                for (ulong at = 0; at < (ulong)branch.Original.Length; at++)
                    Assert.True(written.Add(branch.Address.Value + at), $"0x{branch.Address.Value + at:x} is written twice");
            }
        }
    }

    private static (ulong[] Instructions, HashSet<ulong> Targets) Disassemble(string listing)
    {
        var instructions = new List<ulong>();
        var targets = new HashSet<ulong>();
        foreach (Match match in Line().Matches(listing))
        {
            instructions.Add(ulong.Parse(match.Groups["address"].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            if (match.Groups["target"].Success)
                targets.Add(ulong.Parse(match.Groups["target"].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        }

        return ([.. instructions], targets);
    }

    [GeneratedRegex(@"^ +(?<address>[0-9a-f]+):\t(?:(?:bnd |notrack )?(?:call|j[a-z]+|loop[a-z]*)q? +(?<target>[0-9a-f]+) <)?", RegexOptions.Multiline)]
    private static partial Regex Line();
}
