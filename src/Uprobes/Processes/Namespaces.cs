namespace Uprobes.Processes;

/// <summary>Kinds of namespaces (namespaces(7)) by which processes number users and processes.</summary>
internal enum NamespaceKind
{
    User,
    Process,
}

/// <summary>Whether processes share namespaces with this one.</summary>
internal static class Namespaces
{
    // The tracer stays in its own.
    private static readonly Lazy<string?> OwnUsers = new(() => Name("self", "user")), OwnProcesses = new(() => Name("self", "pid"));

    /// <summary>Whether a process is in the same namespace as this one; also where that cannot be found out: it has ended, or is hidden.</summary>
    internal static bool AreShared(int pid, NamespaceKind kind)
    {
        (Lazy<string?> ours, string name) = kind == NamespaceKind.User ? (OwnUsers, "user") : (OwnProcesses, "pid");
        return ours.Value is not { } own || Name($"{pid}", name) is not { } other || own == other;
    }

    private static string? Name(string process, string kind)
    {
        try
        {
            return File.ResolveLinkTarget($"/proc/{process}/ns/{kind}", returnFinalTarget: false)?.Name;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
