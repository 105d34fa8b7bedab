using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Registry;

/// <summary>Fault handlers decide what becomes of a signal that the probed instruction raises.</summary>
public sealed class FaultHandlerTests
{
    private const int Sigill = 4, Sigfpe = 8, Sigsegv = 11;

    [Theory]
    [InlineData("load", "fault_load", Sigsegv)]
    [InlineData("store", "fault_store", Sigsegv)]
    [InlineData("div", "fault_div", Sigfpe)]
    [InlineData("ud2", "fault_ud2", Sigill)]
    public void A_delivered_signal_is_what_the_program_would_see_without_probes(string command, string function, int expected)
    {
        using TargetProcess target = TargetProcess.StartTarget("faults");
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            Notices notices = new(session);
            List<(int Signal, bool AtSite)> seen = [];
            using ProbeRegistration registration = session.Register(ProbePoint.At("faults", function), new ProbeHandlers
            {
                Pre = static _ => { },
                Fault = (hit, signal) =>
                {
                    seen.Add((signal, hit.Registers.Rip == hit.Address.Value));
                    return FaultAction.Deliver;
                },
            });
            Assert.Equal("0", target.Ask($"{command} 3")); // The program itself checks RIP, address and code.
            Assert.Equal(Enumerable.Repeat((expected, true), 3), seen);
            Assert.Equal(3, registration.Hits);
            notices.AssertNone();
        }

        TextComparison.AssertSame(target.Pid);
        Assert.Equal("0", target.Ask("go 2"));
    }

    [Fact]
    public void A_signal_that_is_not_wanted_is_dropped_and_the_thread_goes_on_where_the_handler_sends_it()
    {
        using TargetProcess target = TargetProcess.StartTarget("faults");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        const int Ud2Length = 2;
        using (session.Register(ProbePoint.At("faults", "fault_ud2"), new ProbeHandlers
        {
            Fault = (hit, _) =>
            {
                hit.Registers.Rip += Ud2Length;
                return FaultAction.Resume;
            },
        }))
        {
            Assert.Equal("4", target.Ask("ud2 4")); // Each call came back, which the program counts as wrong.
        }

        Assert.Equal("0", target.Ask("ud2 4"));
    }

    [Fact]
    public void A_resumed_instruction_is_tried_again_without_a_second_hit()
    {
        using TargetProcess target = TargetProcess.StartTarget("faults");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        int faults = 0;
        using ProbeRegistration registration = session.Register(ProbePoint.At("faults", "fault_div"), new ProbeHandlers
        {
            Pre = static _ => { },
            Fault = (_, _) => ++faults < 5 ? FaultAction.Resume : FaultAction.Deliver,
        });
        Assert.Equal("0", target.Ask("div 1"));
        Assert.Equal((5, 1L), (faults, registration.Hits));
    }

    [Fact]
    public void The_program_may_repair_the_fault_and_the_hit_counts_once()
    {
        using TargetProcess target = TargetProcess.StartTarget("faults");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        int faults = 0;
        using ProbeRegistration registration = session.Register(ProbePoint.At("faults", "load_page"), new ProbeHandlers
        {
            Pre = static _ => { },
            Post = static _ => { },
            Fault = (_, _) =>
            {
                faults++;
                return FaultAction.Deliver;
            },
        });
        Assert.Equal("0", target.Ask("repair 5"));
        Assert.Equal((5, 5L), (faults, registration.Hits));
    }

    [Fact]
    public void One_consumer_that_says_resume_is_enough()
    {
        using TargetProcess target = TargetProcess.StartTarget("faults");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        ProbePoint point = ProbePoint.At("faults", "fault_ud2");
        using ProbeRegistration delivers = session.Register(point, new ProbeHandlers { Fault = static (_, _) => FaultAction.Deliver });
        using ProbeRegistration resumes = session.Register(point, new ProbeHandlers
        {
            Fault = static (hit, _) =>
            {
                hit.Registers.Rip += 2;
                return FaultAction.Resume;
            },
        });
        Assert.Equal("1", target.Ask("ud2 1"));
    }

    [Fact]
    public void A_fault_handler_that_throws_leaves_the_signal_to_the_program()
    {
        using TargetProcess target = TargetProcess.StartTarget("faults");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = new(session);
        using ProbeRegistration registration = session.Register(ProbePoint.At("faults", "fault_load"),
            new ProbeHandlers { Fault = static (_, _) => throw new InvalidOperationException("on purpose") });
        Assert.Equal("0", target.Ask("load 3"));
        registration.Dispose();
        Assert.Equal(NoticeKind.HandlerFailed, Assert.Single(notices.All).Kind);
        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void A_fault_handler_may_end_the_session()
    {
        using TargetProcess target = TargetProcess.StartTarget("faults");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        session.Register(ProbePoint.At("faults", "fault_load"), new ProbeHandlers
        {
            Fault = (_, _) =>
            {
                session.Dispose();
                return FaultAction.Deliver;
            },
        });
        Assert.Equal("0", target.Ask("load 3"));
        TextComparison.AssertSame(target.Pid);
        Assert.Equal("0", target.Ask("go 1"));
    }
}
