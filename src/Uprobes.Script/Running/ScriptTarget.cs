namespace Uprobes.Script.Running;

/// <summary>What a script runs on.</summary>
internal abstract record ScriptTarget
{
    /// <summary>Nothing: the script has BEGIN, END and intervals only.</summary>
    internal sealed record Nothing : ScriptTarget;

    /// <summary>Running processes.</summary>
    internal sealed record Processes(IReadOnlyList<int> Ids) : ScriptTarget;

    /// <summary>A command that is started.</summary>
    internal sealed record Command(string Program, IReadOnlyList<string> Arguments) : ScriptTarget;
}
