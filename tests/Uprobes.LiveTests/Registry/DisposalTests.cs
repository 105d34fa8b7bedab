using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.WriteGuards;

namespace Uprobes.LiveTests.Registry;

/// <summary>A session can be disposed at any time, from any thread, more than once; its processes go on as if it had never been.</summary>
public sealed class DisposalTests
{
    [Fact]
    public void Twice_is_once()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        UprobeSession session = UprobeSession.Attach(target.Pid);
        session.Register(ProbePoint.At("calls-pie", "nothing"), Count.Only);
        session.Dispose();
        session.Dispose();
        Assert.True(session.Completion.IsCompletedSuccessfully);
        Assert.Empty(session.ProcessIds);
        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void Many_threads_may_dispose_at_once()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        target.Ask("spin 2");
        for (int round = 0; round < 3; round++)
        {
            UprobeSession session = UprobeSession.Attach(target.Pid);
            session.Register(ProbePoint.At("threads", "work"), Count.Only);
            Parallel.For(0, 4, _ =>
            {
                session.Dispose();
                TextComparison.AssertSame(target.Pid); // Also the one that came second has waited.
                Assert.Equal(0, ProcessSnapshot.Take(target.Pid).TracerPid);
            });
        }

        target.Ask("stop");
    }

    [Fact]
    public void During_hits_of_many_threads()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        target.Ask("spin 2");
        ProcessSnapshot spinning = ProcessSnapshot.Take(target.Pid);
        for (int round = 0; round < 15; round++)
        {
            using ManualResetEventSlim hit = new();
            using (UprobeSession session = UprobeSession.Attach(target.Pid))
            {
                session.Register(ProbePoint.At("threads", "work"), new ProbeHandlers { Pre = _ => hit.Set(), Post = round % 2 == 0 ? static _ => { } : null });
                session.RegisterReturn(ProbePoint.At("threads", "work"), new ReturnHandlers { Return = static _ => { } });
                Assert.True(hit.Wait(Deadline.Default), "no hit");
            }

            TextComparison.AssertSame(target.Pid);
            Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(spinning));
        }

        target.Ask("stop");
        Assert.Equal("20000", target.Ask("go 2 10000"));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    /// <summary>A thread that is told to stop behind a breakpoint, before its SIGTRAP was delivered, is not let go of with that signal.</summary>
    [Fact]
    public void Breakpoints_met_in_the_last_moment_leave_no_signal_behind()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        target.Ask("spin 2");
        for (int round = 0; round < 200 && !target.HasExited; round++)
        {
            using UprobeSession session = UprobeSession.Attach(target.Pid);
            session.Register(ProbePoint.At("threads", "work"), Count.Only);
        }

        target.Ask("stop");
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Theory]
    [InlineData("pre")]
    [InlineData("post")]
    [InlineData("return")]
    [InlineData("filter")]
    public void Inside_a_handler(string kind)
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        string expected = target.Ask("sum7 5");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        UprobeSession session = UprobeSession.Attach(target.Pid);
        int calls = 0;
        void End()
        {
            calls++;
            session.Dispose();
        }

        ProbePoint point = ProbePoint.At("calls-pie", "sum7");
        _ = kind switch
        {
            "pre" => session.Register(point, new ProbeHandlers { Pre = _ => End() }),
            "post" => session.Register(point, new ProbeHandlers { Post = _ => End() }),
            "return" => session.RegisterReturn(point, new ReturnHandlers { Return = _ => End() }),
            _ => session.Register(point, Count.Only, _ =>
            {
                End();
                return true;
            }),
        };
        ProbeRegistration after = session.Register(point, Count.Only);
        Assert.Equal(expected, target.Ask("sum7 5"));
        Eventually.Holds(() => session.Completion.IsCompleted, "the session ends");
        session.Dispose();
        Assert.Equal(1, calls);
        Assert.True(after.Hits <= 1);
        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        TextComparison.AssertSame(target.Pid);
        Assert.Equal(expected, target.Ask("sum7 5"));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Fact]
    public void What_a_handler_changed_holds_when_it_ends_the_session()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        string expected = target.Ask("fact 1");
        UprobeSession session = UprobeSession.Attach(target.Pid);
        session.Register(ProbePoint.At("calls-pie", "fact"), new ProbeHandlers
        {
            Pre = hit =>
            {
                hit.Registers.Rdi = 1; // fact(10) becomes fact(1)
                session.Dispose();
            },
        });
        Assert.NotEqual(expected, target.Ask("fact 1"));
        session.Dispose();
        Assert.Equal(expected, target.Ask("fact 1"));
    }

    [Fact]
    public void Inside_a_handler_while_another_thread_disposes_too()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        target.Ask("spin 2");
        for (int round = 0; round < 10; round++)
        {
            using UprobeSession session = UprobeSession.Attach(target.Pid);
            using ManualResetEventSlim inHandler = new();
            session.Register(ProbePoint.At("threads", "work"), new ProbeHandlers
            {
                Pre = _ =>
                {
                    inHandler.Set();
                    session.Dispose();
                },
            });
            Assert.True(inHandler.Wait(Deadline.Default), "no hit");
            session.Dispose();
            TextComparison.AssertSame(target.Pid);
        }

        target.Ask("stop");
    }

    [Fact]
    public void Inside_a_receiver_of_notices()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        UprobeSession session = UprobeSession.Attach(target.Pid);
        session.Notice += _ => session.Dispose();
        session.Register(ProbePoint.At("calls-pie", "nothing"), new ProbeHandlers { Pre = _ => throw new InvalidOperationException("on purpose") });
        target.Ask("nothing 3");
        Eventually.Holds(() => session.Completion.IsCompleted, "the session ends");
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
    }
}
