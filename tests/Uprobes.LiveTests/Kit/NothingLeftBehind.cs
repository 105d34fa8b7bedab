namespace Uprobes.LiveTests.Kit;

/// <summary>At the end of the run: kills the processes that are left over from outside of any test (fixtures), and fails the run if there were any.</summary>
public sealed class NothingLeftBehind : IDisposable
{
    public void Dispose()
    {
        IReadOnlyList<string> left = Ledger.Leftovers;
        Ledger.KillAndForget();
        if (left.Count > 0)
            throw new InvalidOperationException($"Tests left processes behind: {string.Join("; ", left)}");
    }
}
