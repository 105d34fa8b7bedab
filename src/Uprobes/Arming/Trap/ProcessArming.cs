using Uprobes.Processes;

namespace Uprobes.Arming.Trap;

/// <summary>What the engine keeps about a process, beside what is in its memory.</summary>
internal sealed class ProcessArming
{
    /// <summary>
    /// What a process that runs in its parent's memory (vfork, posix_spawn) has chosen for SIGTRAP: its actions are its own.
    /// Null until it chooses.
    /// </summary>
    internal ProgramDisposition? OwnDisposition { get; set; }

    /// <summary>
    /// Whether the safety net's handler has been installed in it, or was in the process that it is a copy of. Those that run in one memory have actions of their own.
    /// </summary>
    internal bool HasHandler { get; set; }

    /// <summary>Whether the program ignored SIGTRAP when it executed another: that has to be inherited, though our handler stood in its place.</summary>
    internal bool WasIgnored { get; set; }

    /// <summary>What was seen of it when the tracer let go of it; null while it is attended.</summary>
    internal UnattendedProcess? Unattended { get; set; }

    /// <summary>Whether it has patches that nobody wants, since the tracer could not return to take them out.</summary>
    internal bool OwesRemoval { get; set; }

    /// <summary>Whether programs that nobody wants run in it, since they could not be switched off either.</summary>
    internal bool OwesSwitch { get; set; }

    /// <summary>Whether it was told that the tracer cannot return to it, and not yet that it has.</summary>
    internal bool IsOutOfReach { get; set; }

    internal static ProcessArming Of(TracedProcess process) =>
        (process.EngineState ??= new ProcessArming()) as ProcessArming ?? throw new InvalidOperationException("foreign process state");
}
