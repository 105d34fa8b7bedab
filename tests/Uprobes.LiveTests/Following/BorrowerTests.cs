using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Following;

/// <summary>A child that runs in its parent's memory already when the parent is attached (traps T12, T13).</summary>
public class BorrowerTests
{
    [Fact]
    public void A_child_that_borrows_its_parents_memory_when_a_session_begins_is_served_too()
    {
        const int Calls = 20;
        string bare = $"result {Counting.Bare("borrower", $"go {Calls}")[0]}";
        using TargetProcess target = TargetProcess.StartTarget("borrower");
        target.Send($"go {Calls}");
        target.WaitForLine("borrowed");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        HashSet<int> processes = [];
        using ProbeRegistration probe = session.Register(ProbePoint.At(Targets.Path("borrower"), "work"),
            new ProbeHandlers { Pre = hit => processes.Add(hit.ProcessId) });
        Assert.Equal(bare, target.WaitForLine("result "));
        Assert.Equal(2 * Calls, probe.Hits);
        Assert.Equal(2, processes.Count);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        Assert.Equal(0, target.Quit().Code);
    }
}
