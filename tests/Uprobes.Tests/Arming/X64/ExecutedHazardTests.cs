using Uprobes.Arming.X64;

namespace Uprobes.Tests.Arming.X64;

/// <summary>Instructions run for real, in place and from their slot, in the states that the catalogue warns of.</summary>
public class ExecutedHazardTests
{
    private const int Rax = 0, Rcx = 1, Rsp = 4, Rsi = 6, Rdi = 7;
    private const ulong EndOfData = TestLayout.Data + 0x4000, EndOfStack = TestLayout.Stack + 0x4000;
    private const ulong NonCanonical = 0x8000_0000_0000_0000, BeyondUserSpace = 0x0000_8000_0000_0000;

    private static readonly ulong[] Registers =
    [
        TestLayout.Target, 3, 2, TestLayout.Operand, TestLayout.StackPointer, TestLayout.Stack + 0x2800, TestLayout.Data, TestLayout.Data + 0x2000,
        8, 9, 10, 11, TestLayout.Index, TestLayout.Unmapped, 14, 15,
    ];

    [Fact]
    public async Task Hazards_end_alike_in_place_and_in_the_slot()
    {
        List<ExecutedCase> cases = [.. Calls(), .. Transfers(), .. Counters(), .. Strings(), .. SystemCalls()];
        RunnerReport report = await InstructionRunner.RunAsync(cases, TestContext.Current.CancellationToken);
        Assert.True(report.Differences.Count == 0, string.Join('\n', report.Differences));
        Assert.Equal(cases.Count, report.Counts["cases"]);
        Assert.InRange(report.Counts["segv"], 20, int.MaxValue);
        Assert.InRange(report.Counts["completed"], 60, int.MaxValue);
    }

    /// <summary>The push of a call: at the last stack word, past it, and with operands that the push moves (X3, X20, I19).</summary>
    private static IEnumerable<ExecutedCase> Calls()
    {
        foreach (string call in (string[])["e8 10 00 00 00", "ff d0", "ff 13", "ff 15 f6 0b 00 ff", "48 e8 10 00 00 00"])
        {
            foreach (ulong stack in (ulong[])[TestLayout.Stack + 8, TestLayout.Stack, TestLayout.Stack - 64, EndOfStack, NonCanonical, TestLayout.Stack + 9, 7])
            {
                foreach (ExecutedCase item in Both(call, $"rsp={stack:x}", (Rsp, stack)))
                    yield return item with { Fill = TestLayout.Target };
            }
        }

        // (The forms with an operand below RSP are refused.)
        foreach (string call in (string[])["ff 14 24", "ff 54 24 08", "ff 54 24 f0", "ff 94 24 00 10 00 00", "67 ff 54 24 08", "42 ff 14 24", "42 ff 54 24 08", "42 ff 54 64 f8"])
        {
            foreach (ExecutedCase item in Both(call, "targets on the stack"))
                yield return item with { Fill = TestLayout.Target + 0x10 };
        }

        foreach (ExecutedCase item in Both("ff 94 24 00 40 00 00", "operand past the stack"))
            yield return item;
    }

    /// <summary>Targets that no user address can be fault at the branch, or where the processor says (X4).</summary>
    private static IEnumerable<ExecutedCase> Transfers()
    {
        foreach (string branch in (string[])["c3", "c2 10 00", "f3 c3", "ff e0", "ff d0", "3e ff e0", "ff 23", "ff 13"])
        {
            foreach (ulong target in (ulong[])[NonCanonical, BeyondUserSpace, 0, 0x10, ulong.MaxValue, TestLayout.Target, TestLayout.Data])
            {
                foreach (ExecutedCase item in Both(branch, $"to {target:x}", (Rax, target)))
                    yield return item with { TopOfStack = target, Fill = target };
            }
        }

        foreach (ExecutedCase item in Both("c3", "stack end", (Rsp, EndOfStack - 4)).Concat(Both("c2 ff ff", "stack far up")).Concat(Both("f2 c3", "bnd")))
            yield return item;

        // A jump into its own second byte (ff cc, dec %esp). No int3 waits at its target, so the stopping slot is none to compare with.
        foreach (ExecutedCase item in Both("eb ff", "into itself").Where(item => item.Relocated.Exits.IsEmpty))
            yield return item;
    }

    /// <summary>Counts around zero and around 2^32, with and without 67 (X5).</summary>
    private static IEnumerable<ExecutedCase> Counters()
    {
        foreach (string branch in (string[])["e2 10", "e1 10", "e0 10", "e3 10", "67 e2 10", "67 e1 10", "67 e0 10", "67 e3 10"])
        {
            foreach (ulong count in (ulong[])[0, 1, 2, 0x1_0000_0000, 0x1_0000_0001, ulong.MaxValue])
            {
                foreach (ulong flags in (ulong[])[0x202, 0x242])
                {
                    foreach (ExecutedCase item in Both(branch, $"rcx={count:x} flags={flags:x}", (Rcx, count)))
                        yield return item with { Flags = flags };
                }
            }
        }
    }

    /// <summary>Repeated string instructions that fault on the way, in both directions (X10).</summary>
    private static IEnumerable<ExecutedCase> Strings()
    {
        foreach (string instruction in (string[])["f3 a4", "f3 48 a5", "f3 aa", "f3 ab", "f3 ac", "f3 a6", "f2 ae", "f3 48 a7"])
        {
            foreach (ulong count in (ulong[])[0, 1, 40, 0x3000])
            {
                foreach (ExecutedCase item in Both(instruction, $"up rcx={count:x}", (Rcx, count), (Rax, 0x3F3F_3F3F), (Rdi, EndOfData - 17)))
                    yield return item;
                foreach (ExecutedCase item in Both(instruction, $"down rcx={count:x}", (Rcx, count), (Rax, 0x3F3F_3F3F), (Rdi, TestLayout.Data + 17), (Rsi, TestLayout.Data + 0x1000)))
                    yield return item with { Flags = 0x602 };
            }
        }
    }

    /// <summary>System calls: RCX is the address behind the original, R11 the flags (X7).</summary>
    private static IEnumerable<ExecutedCase> SystemCalls()
    {
        const ulong getpid = 39, nonexistent = 9999, exitGroupLess = ulong.MaxValue;
        foreach (string instruction in (string[])["0f 05", "48 0f 05", "2e 0f 05"])
        {
            foreach (ulong number in (ulong[])[getpid, nonexistent, exitGroupLess])
            {
                foreach (ExecutedCase item in Both(instruction, $"system call {number}", (Rax, number)))
                    yield return item with { Flags = 0xAD7 };
            }
        }
    }

    /// <summary>From a near slot, from a far one where the operand allows it, and stopping afterwards where the target is known.</summary>
    private static IEnumerable<ExecutedCase> Both(string hex, string state, params (int Register, ulong Value)[] changes)
    {
        byte[] bytes = Relocation.Bytes(hex);
        ulong[] registers = [.. Registers];
        foreach ((int register, ulong value) in changes)
            registers[register] = value;
        foreach ((ulong slot, bool stop) in ((ulong, bool)[])[(TestLayout.NearSlot, false), (TestLayout.FarSlot, false), (TestLayout.NearSlot, true)])
        {
            if (InstructionRelocator.TryRelocate(bytes, TestLayout.Site, slot, stop, out RelocatedInstruction? relocated, out RelocationRefusal? refusal))
                yield return new() { Name = $"{hex} {state} slot {slot:x} stop {stop}", Original = bytes, Relocated = relocated, Slot = slot, Registers = registers };
            else
                Assert.True(refusal.Reason is RelocationRefusalReason.NeedsEmulation or RelocationRefusalReason.OutOfReach, refusal.Message);
        }
    }
}
