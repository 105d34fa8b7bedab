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

    /// <summary>Whether the program ignored SIGTRAP when it executed another: that has to be inherited, though our handler stood in its place.</summary>
    internal bool WasIgnored { get; set; }

    internal static ProcessArming Of(TracedProcess process) =>
        (process.EngineState ??= new ProcessArming()) as ProcessArming ?? throw new InvalidOperationException("foreign process state");
}
