namespace Uprobes.Registry;

/// <summary>What the registry reports to the session; on the tracer thread.</summary>
internal interface IRegistryEvents
{
    /// <summary>A handler threw. The consumer is to be removed.</summary>
    void OnHandlerFailed(Consumer consumer, Exception error);

    /// <summary>A consumer's first return that could not be followed.</summary>
    void OnReturnLost(Consumer consumer, string reason, int processId);

    /// <summary>A point could not be armed in a process.</summary>
    void OnArmingRefused(Uprobe uprobe, ProbeRefusal refusal, int processId);

    /// <summary>A breakpoint is gone from the text.</summary>
    void OnSiteLost(Uprobe uprobe, string reason, int processId);
}
