using Uprobes.Images;
using Uprobes.LiveTests.Kit;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Registry;

/// <summary>A breakpoint inside a restartable sequence would make it start again for ever: such points are refused, and those around it are not.</summary>
public sealed class RestartableSequenceTests
{
    [Theory]
    [InlineData("rseq-pie")]
    [InlineData("rseq-nopie")]
    [InlineData("rseq-static")]
    public void Its_instructions_are_refused_and_every_run_commits(string program)
    {
        using TargetProcess target = TargetProcess.StartTarget(program);
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ElfImage image = session.OpenImage(program);
        ulong start = image.Functions.Named("sequence_start").Single().Offset.Value, end = image.Functions.Named("sequence_end").Single().Offset.Value;
        FunctionSymbol function = image.Functions.Named("sequence").Single(f => f.Size > 0);
        byte[] code = new byte[end - start];
        image.Read(new FileOffset(start), code);
        Arming.X64.InstructionBoundaries boundaries = Arming.X64.InstructionBoundaries.Decode(code, start);
        for (ulong offset = start; offset < end; offset++)
        {
            if (!boundaries.IsBoundary(offset))
                continue;
            ProbeRefusal refusal = Assert.Throws<ProbeRefusedException>(() => session.Register(ProbePoint.At(program, offset), Count.Only)).Refusal;
            Assert.Equal(ProbeRefusalReason.UnsafeLocation, refusal.Reason);
            Assert.Contains("restartable sequence", refusal.Detail, StringComparison.Ordinal);
        }

        using ProbeRegistration entry = session.Register(ProbePoint.At(program, function.Offset), Count.Only);
        using ProbeRegistration commit = session.Register(ProbePoint.At(program, end), Count.Only);
        Assert.Equal("20", target.Ask("go 20"));
        Assert.Equal((20, 20), (entry.Hits, commit.Hits));
    }

    [Fact]
    public void The_signature_before_the_abort_handler_is_refused()
    {
        using ElfImage image = ElfImage.Open(Targets.Path("rseq-pie"));
        ulong signature = image.Functions.Named("sequence_signature").Single().Offset.Value;
        for (ulong at = 0; at < 4; at++)
            Assert.True(image.RestartableSequences.Cover(new FileOffset(signature + at)));
        Assert.False(image.RestartableSequences.Cover(new FileOffset(signature - 1)));
        Assert.False(image.RestartableSequences.Cover(new FileOffset(signature + 4)));
    }
}
