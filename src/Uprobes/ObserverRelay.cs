using Uprobes.Arming.Trap;
using Uprobes.Processes;

namespace Uprobes;

/// <summary>Joins the tracer and the engine, each of which needs the other from its beginning.</summary>
internal sealed class ObserverRelay : ITraceeObserver
{
    private TrapEngine? _target;

    /// <summary>The engine; set before the first process is attached.</summary>
    internal TrapEngine Target
    {
        get => _target ?? throw new InvalidOperationException("a tracee reported before the engine was there");
        set => _target = value;
    }

    public int OnSignal(TracedThread thread, int signal) => Target.OnSignal(thread, signal);

    public void OnSystemCall(TracedThread thread) => Target.OnSystemCall(thread);

    public object? OnForking(TracedThread parent, int childThreadId) => Target.OnForking(parent, childThreadId);

    public bool IsCopy(ForkOrigin ended, int childThreadId) => Target.IsCopy(ended, childThreadId);

    public ForkOrigin? FindLikeliest(IReadOnlyCollection<ForkOrigin> ended, int childThreadId) => Target.FindLikeliest(ended, childThreadId);

    public bool OnForked(TracedProcess child, ForkOrigin origin) => Target.OnForked(child, origin);

    public void OnExecuting(TracedProcess process) => Target.OnExecuting(process);

    public bool OnExecuted(TracedProcess process) => Target.OnExecuted(process);

    public void OnThreadStarted(TracedThread thread) => Target.OnThreadStarted(thread);

    public void OnThreadEnded(TracedThread thread) => Target.OnThreadEnded(thread);

    public void OnProcessEnded(TracedProcess process) => Target.OnProcessEnded(process);

    public void OnOtherChildEnded(int processId) => Target.OnOtherChildEnded(processId);

    public void OnFailed() => _target?.OnFailed();

    public void OnNotice(string message, int processId) => _target?.OnNotice(message, processId);
}
