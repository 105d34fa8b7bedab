using System.Text;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Registry;

/// <summary>User code that throws is removed and told of; the target and the other consumers do not notice.</summary>
public sealed class FailingHandlerTests
{
    private static readonly ProbePoint Sum6 = ProbePoint.At("calls-pie", "sum6");

    [Theory]
    [InlineData("pre")]
    [InlineData("post")]
    [InlineData("entry")]
    [InlineData("return")]
    [InlineData("filter")]
    public void A_handler_that_throws_is_removed_and_told(string kind)
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        string expected = target.Ask("sum6 4");
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            Notices notices = new(session);
            StringBuilder trace = new();
            using ProbeRegistration before = session.Register(Sum6, Count.Mark(trace, 'b'));
            using ProbeRegistration failing = kind switch
            {
                "pre" => session.Register(Sum6, new ProbeHandlers { Pre = _ => throw new InvalidOperationException("on purpose") }),
                "post" => session.Register(Sum6, new ProbeHandlers { Post = _ => throw new InvalidOperationException("on purpose") }),
                "entry" => session.RegisterReturn(Sum6, new ReturnHandlers { Entry = _ => throw new InvalidOperationException("on purpose") }),
                "return" => session.RegisterReturn(Sum6, new ReturnHandlers { Return = _ => throw new InvalidOperationException("on purpose") }),
                _ => session.Register(Sum6, Count.Only, _ => throw new InvalidOperationException("on purpose")),
            };
            using ProbeRegistration after = session.Register(Sum6, Count.Mark(trace, 'a'));
            Assert.Equal(expected, target.Ask("sum6 4"));
            Assert.Equal("babababa", trace.ToString());
            Assert.False(failing.IsActive);
            Assert.Equal(kind == "filter" ? 0 : 1, failing.Hits);
            failing.Dispose(); // Brings what the tracer thread still has to tell.
            SessionNotice notice = Assert.Single(notices.All);
            Assert.Equal(NoticeKind.HandlerFailed, notice.Kind);
            Assert.Contains("calls-pie:sum6", notice.Message, StringComparison.Ordinal);
            Assert.Contains("InvalidOperationException: on purpose", notice.Message, StringComparison.Ordinal);
        }

        TextComparison.AssertSame(target.Pid);
    }

    [Fact]
    public void The_probe_goes_with_its_only_consumer()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using ProbeRegistration failing = session.Register(Sum6, new ProbeHandlers { Pre = _ => throw new InvalidOperationException("on purpose") });
        target.Ask("sum6 4");
        Assert.False(failing.IsActive);
        TextComparison.AssertSame(target.Pid);
        using ProbeRegistration again = session.Register(Sum6, Count.Only);
        target.Ask("sum6 4");
        Assert.Equal(4, again.Hits);
    }

    [Fact]
    public void A_receiver_of_notices_that_throws_is_removed_and_ends_the_completion_with_its_exception()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = new(session);
        session.Notice += _ => throw new NotSupportedException("on purpose");
        session.Register(Sum6, new ProbeHandlers { Pre = _ => throw new InvalidOperationException("first") });
        target.Ask("sum6 1");
        session.Register(Sum6, new ProbeHandlers { Pre = _ => throw new InvalidOperationException("second") });
        target.Ask("sum6 1");
        session.Dispose();
        Assert.Collection(notices.All,
            n => Assert.EndsWith("InvalidOperationException: first", n.Message, StringComparison.Ordinal),
            n => Assert.EndsWith("NotSupportedException: on purpose", n.Message, StringComparison.Ordinal),
            n => Assert.EndsWith("InvalidOperationException: second", n.Message, StringComparison.Ordinal));
        Assert.IsType<NotSupportedException>(session.Completion.Exception?.InnerException);
        TextComparison.AssertSame(target.Pid);
    }
}
