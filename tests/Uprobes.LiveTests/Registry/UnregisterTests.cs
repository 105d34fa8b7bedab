using System.Text;
using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.WriteGuards;

namespace Uprobes.LiveTests.Registry;

/// <summary>Unregistering never fails: twice, under fire, for a dead target, from many threads at once.</summary>
public sealed class UnregisterTests
{
    private static readonly ProbePoint Work = ProbePoint.At("threads", "work");

    [Fact]
    public void Unregistering_twice_does_nothing_the_second_time()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ProbePoint point = ProbePoint.At("calls-pie", "nothing");
        ProbeRegistration first = session.Register(point, Count.Only);
        first.Dispose();
        first.Dispose();
        using ProbeRegistration second = session.Register(point, Count.Only);
        first.Dispose();
        session.UnregisterAll([first, first]);
        target.Ask("nothing 4");
        Assert.Equal((0, 4), (first.Hits, second.Hits));
        Assert.True(second.IsActive);
    }

    [Fact]
    public void Probes_come_and_go_while_threads_hammer_them()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        target.Ask("spin 2");
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            long seen = 0;
            for (int round = 0; round < 30; round++)
            {
                using ManualResetEventSlim hit = new();
                ProbeRegistration registration = session.Register(Work, new ProbeHandlers { Pre = _ => hit.Set() });
                Assert.True(hit.Wait(Deadline.Default), "no hit");
                registration.Dispose();
                long hits = registration.Hits;
                TextComparison.AssertSame(target.Pid);
                Assert.Equal(hits, registration.Hits);
                seen += hits;
            }

            Assert.True(seen >= 30);
        }

        TextComparison.AssertSame(target.Pid);
        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        target.Ask("stop");
        Assert.Equal("40000", target.Ask("go 4 10000"));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Fact]
    public void No_handler_runs_any_more_when_unregistering_returns()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        target.Ask("spin 2");
        for (int round = 0; round < 30; round++)
        {
            bool removed = false;
            int late = 0;
            ProbeRegistration registration = session.Register(Work, new ProbeHandlers { Pre = _ => late += Volatile.Read(ref removed) ? 1 : 0 });
            registration.Dispose();
            Volatile.Write(ref removed, true);
            Assert.Equal(0, late);
        }

        target.Ask("stop");
    }

    [Fact]
    public void The_target_may_be_dead()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ProbeRegistration early = session.Register(ProbePoint.At("calls-pie", "nothing"), Count.Only);
        ProbeRegistration late = session.Register(ProbePoint.At("calls-pie", "work"), Count.Only);
        target.Signal(9);
        early.Dispose(); // Perhaps before the tracer has heard of it.
        Eventually.Holds(() => session.Completion.IsCompleted, "the session ends");
        late.Dispose();
        late.Dispose();
        Assert.Equal(new ExitStatus(null, 9), target.WaitForExit());
    }

    [Fact]
    public void Registrations_outlive_their_session()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        UprobeSession session = UprobeSession.Attach(target.Pid);
        ProbeRegistration registration = session.Register(ProbePoint.At("calls-pie", "nothing"), Count.Only);
        target.Ask("nothing 2");
        session.Dispose();
        Assert.False(registration.IsActive);
        Assert.Equal(2, registration.Hits);
        Assert.Equal("calls-pie", Path.GetFileName(registration.ImagePath));
        registration.Dispose();
        session.UnregisterAll([registration]);
    }

    [Fact]
    public void Many_threads_may_unregister_the_same_probes_at_once()
    {
        using TargetProcess target = TargetProcess.StartTarget("threads");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        target.Ask("spin 2");
        for (int round = 0; round < 5; round++)
        {
            ProbeRegistration[] all = [.. Enumerable.Range(0, 8).Select(_ => session.Register(Work, Count.Only))];
            Parallel.For(0, 16, i =>
            {
                foreach (ProbeRegistration registration in i % 2 == 0 ? all : all.Reverse())
                    registration.Dispose();
            });
            Assert.All(all, r => Assert.False(r.IsActive));
            TextComparison.AssertSame(target.Pid);
        }

        target.Ask("stop");
    }

    [Fact]
    public void Many_threads_may_register_at_once()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        StringBuilder trace = new();
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            ProbeRegistration[] all = new ProbeRegistration[16];
            Parallel.For(0, all.Length, i => all[i] = session.Register(ProbePoint.At("calls-pie", i % 2 == 0 ? "nothing" : "work"), Count.Mark(trace, 'x')));
            target.Ask("nothing 3");
            Assert.Equal(24, trace.Length);
            Assert.Equal(2, all.Select(r => r.Consumer.Uprobe).Distinct().Count());
        }

        TextComparison.AssertSame(target.Pid);
    }
}
