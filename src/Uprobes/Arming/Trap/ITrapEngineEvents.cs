using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>What the layer above is told by the engine; on the tracer thread.</summary>
internal interface ITrapEngineEvents
{
    /// <summary>A tracee forked a process that is traced too.</summary>
    void OnProcessStarted(TracedProcess process, TracedProcess parent);

    /// <summary>A tracee has left its program for another one, which has not run yet.</summary>
    void OnProgramLeft(TracedProcess process);

    /// <summary>A tracee executes another program; its probes are armed.</summary>
    void OnProcessExecuted(TracedProcess process);

    /// <summary>A tracee has mapped code that was not there before; where it was watched doing so, it waits.</summary>
    void OnCodeMapped(TracedProcess process);

    /// <summary>A tracee ended or was let go of.</summary>
    void OnProcessEnded(TracedProcess process);

    /// <summary>Something that the user should know.</summary>
    void OnNotice(string message, int? processId);
}
