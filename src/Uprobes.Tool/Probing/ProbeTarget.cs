namespace Uprobes.Tool.Probing;

/// <summary>What is to be probed: running processes, or a command to be started.</summary>
internal abstract record ProbeTarget
{
    /// <summary>Running processes.</summary>
    internal sealed record Processes(IReadOnlyList<int> Ids) : ProbeTarget;

    /// <summary>A command to be started.</summary>
    internal sealed record Command(string Program, IReadOnlyList<string> Arguments) : ProbeTarget;
}
