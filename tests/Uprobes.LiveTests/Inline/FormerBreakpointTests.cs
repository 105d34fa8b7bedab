using Uprobes.LiveTests.Kit;
using Uprobes.Registry;

namespace Uprobes.LiveTests.Inline;

/// <summary>Jumps that are written where breakpoints stood a moment before: a thread may still be on its way past one, in its slot.</summary>
public sealed class FormerBreakpointTests
{
    private const int Rounds = 300;

    [Fact]
    public void Threads_that_leave_a_breakpoint_do_not_come_into_the_middle_of_a_jump()
    {
        using Hitters target = new(threads: 4);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid);
        for (int round = 0; round < Rounds; round++)
        {
            (string function, ulong offset) = (round % 3) switch { 0 => ("hit_short", 0ul), 1 => ("hit_short", 1ul), _ => ("hit_branch", 0ul) };
            ProbeRegistration trap = session.Register(Hitters.At(function, offset), new ProbeHandlers { Pre = static _ => { }, Post = round % 2 == 0 ? static _ => { } : null });
            using LifeRun run = new(ProgramKind.Count, threadSlots: 64);
            session.UnregisterAll([trap]);
            RegistrationResult jump = session.RegisterAll([run.At(Hitters.At(function))]);
            Assert.Empty(jump.Refusals);
            session.UnregisterAll(jump.Registrations);
            target.AssertAlive($"round {round}");
        }

        session.Dispose();
        TextComparison.AssertSame(target.Process.Pid);
        target.AssertRight();
    }

    /// <summary>The thread that is being served stands there for certain.</summary>
    [Theory]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    public void A_handler_may_have_a_jump_take_the_place_of_its_own_breakpoint(ulong offset, bool isPost)
    {
        using Hitters target = new(threads: 2);
        using UprobeSession session = UprobeSession.Attach(target.Process.Pid);
        for (int round = 0; round < 5; round++)
        {
            using LifeRun run = new(ProgramKind.Count, threadSlots: 64);
            ProbeRegistration? trap = null;
            using ManualResetEventSlim registered = new(), switched = new();
            RegistrationResult? jump = null;
            void Switch()
            {
                if (!registered.IsSet || jump is not null)
                    return;
                session.UnregisterAll([trap!]);
                jump = session.RegisterAll([run.At(Hitters.At("hit_short"))]);
                switched.Set();
            }

            trap = session.Register(Hitters.At("hit_short", offset), isPost ? new ProbeHandlers { Post = _ => Switch() } : new ProbeHandlers { Pre = _ => Switch() });
            registered.Set();
            Assert.True(switched.Wait(Deadline.Default), "no hit");
            Assert.Empty(jump!.Refusals);
            target.Window(10);
            Assert.True(run.Total() > 0, "the program has counted nothing");
            session.UnregisterAll(jump.Registrations);
            target.AssertAlive($"round {round}");
        }

        session.Dispose();
        TextComparison.AssertSame(target.Process.Pid);
        target.AssertRight();
    }
}
