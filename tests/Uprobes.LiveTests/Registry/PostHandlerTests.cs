using Uprobes.Images;
using Uprobes.LiveTests.Kit;
using Uprobes.Processes;

namespace Uprobes.LiveTests.Registry;

/// <summary>A post handler sees what the probed instruction did: registers, stack, and where it went.</summary>
public sealed class PostHandlerTests
{
    /// <summary>How far behind or ahead of the function each instruction goes; by hand from insns.S.</summary>
    [Theory]
    [InlineData("i_leaf", "straight")]
    [InlineData("i_load", "straight")]
    [InlineData("i_push_rbp", "push")]
    [InlineData("i_pop", "pop")]
    [InlineData("i_jo", "conditional")]
    [InlineData("i_je_near", "conditional")]
    [InlineData("i_loop", "conditional")]
    [InlineData("i_jrcxz", "conditional")]
    [InlineData("i_jmp_short", "ahead")]
    [InlineData("i_jmp_near", "ahead")]
    [InlineData("i_call_rel", "call")]
    [InlineData("i_call_rip", "call")]
    [InlineData("i_call_reg", "call")]
    [InlineData("i_call_index", "call")]
    [InlineData("i_call_stack", "call")]
    [InlineData("i_jmp_reg", "jump")]
    [InlineData("i_jmp_rip", "jump")]
    [InlineData("i_jmp_notrack", "jump")]
    [InlineData("i_ret", "return")]
    [InlineData("i_ret16", "return16")]
    [InlineData("i_syscall", "syscall")]
    public void The_effect_of_the_instruction_is_there(string function, string kind)
    {
        using TargetProcess target = TargetProcess.StartTarget("insns");
        List<string> wrong = [];
        long posts = 0;
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            Notices notices = new(session);
            ElfImage image = session.OpenImage("insns");
            FunctionSymbol probed = image.Functions.Named(function).Single(), leaf = image.Functions.Named("i_leaf").Single();
            byte[] code = new byte[15];
            image.Read(probed.Offset, code);
            Arming.X64.InstructionRelocator.TryInspect(code, 0, out Arming.X64.InspectedInstruction instruction, out _);
            ulong length = (ulong)instruction.Length;
            Registers before = default;
            using (session.Register(ProbePoint.At("insns", function), new ProbeHandlers
            {
                Pre = hit => before = Registers.Of(hit),
                Post = hit =>
                {
                    posts++;
                    Registers after = Registers.Of(hit);
                    ulong site = hit.Address.Value, next = site + length, atLeaf = site + (leaf.Offset.Value - probed.Offset.Value);
                    bool right = kind switch
                    {
                        "straight" => after.Rip == next && after.Rsp == before.Rsp && (function != "i_leaf" || after.Rax == before.Rdi + 5),
                        "push" => after.Rip == next && after.Rsp == before.Rsp - 8,
                        "pop" => after.Rip == next && after.Rsp == before.Rsp + 8,
                        "conditional" => after.Rsp == before.Rsp && (after.Rip == next || after.Rip == next + 6),
                        "ahead" => after.Rsp == before.Rsp && after.Rip == next + 2,
                        "call" => after.Rsp == before.Rsp - 8 && after.Rip == atLeaf && after.Top == next,
                        "jump" => after.Rsp == before.Rsp && after.Rip == atLeaf,
                        "return" => after.Rsp == before.Rsp + 8 && after.Rip == before.Top,
                        "return16" => after.Rsp == before.Rsp + 24 && after.Rip == before.Top,
                        "syscall" => after.Rip == next && after.Rcx == next && after.Rsp == before.Rsp && after.Rax == (ulong)Environment.ProcessId,
                        _ => false,
                    };
                    if (!right)
                        wrong.Add($"{before} -> {after} at {site:x}");
                },
            }))
            {
                Assert.Equal("0", target.Ask("go 3"));
            }

            notices.AssertNone();
        }

        Assert.Empty(wrong);
        target.Send("counts");
        string line = target.WaitForLine($"count {function} ");
        Assert.Equal(line, $"count {function} {posts}");
        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void What_a_post_handler_changes_holds()
    {
        using TargetProcess target = TargetProcess.StartTarget("insns");
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            // i_leaf: lea 5(%rdi),%rax; ret. Undoing the effect makes every caller's check wrong.
            using ProbeRegistration registration = session.Register(ProbePoint.At("insns", "i_leaf"), new ProbeHandlers { Post = hit => hit.Registers.Rax -= 1 });
            Assert.NotEqual("0", target.Ask("go 1"));
        }

        Assert.Equal("0", target.Ask("go 1"));
    }

    [Fact]
    public void Every_instruction_of_the_target_with_pre_and_post_handlers_gives_the_right_answers()
    {
        using TargetProcess target = TargetProcess.StartTarget("insns");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            long pre = 0, post = 0;
            ElfImage image = session.OpenImage("insns");
            ProbeRequest[] requests = [.. image.Functions.All.Where(f => f.Name.StartsWith("i_", StringComparison.Ordinal))
                .Select(f => new ProbeRequest(ProbePoint.At("insns", f.Offset, f.Name), new ProbeHandlers { Pre = _ => pre++, Post = _ => post++ }))];
            RegistrationResult result = session.RegisterAll(requests);
            Assert.Empty(result.Refusals);
            Assert.Equal("0", target.Ask("go 2"));
            Assert.Equal(pre, post);
            Assert.True(pre > requests.Length);
        }

        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        TextComparison.AssertSame(target.Pid);
        Assert.Equal("0", target.Ask("go 2"));
    }

    private readonly record struct Registers(ulong Rip, ulong Rsp, ulong Rax, ulong Rcx, ulong Rdi, ulong Top)
    {
        internal static Registers Of(ProbeHit hit)
        {
            byte[] top = new byte[8];
            hit.ReadMemory(new RemoteAddress(hit.Registers.Rsp), top);
            ThreadRegisters r = hit.Registers;
            return new Registers(r.Rip, r.Rsp, r.Rax, r.Rcx, r.Rdi, BitConverter.ToUInt64(top));
        }
    }
}
