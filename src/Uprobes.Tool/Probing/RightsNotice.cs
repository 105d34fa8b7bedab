namespace Uprobes.Tool.Probing;

/// <summary>Tells of a command that would have its owner's rights if nobody traced it (execve(2): the bits are not honoured then, unless the tracer is privileged).</summary>
internal static class RightsNotice
{
    /// <summary>The line to tell, or null.</summary>
    /// <param name="target">What is probed.</param>
    public static string? Of(TargetChoice? target)
    {
        if (target is not TargetChoice.Command { Program: var program } || Environment.IsPrivilegedProcess || FileOf(program) is not { } path)
            return null;
        var mode = new FileInfo(path).UnixFileMode;
        var kind = mode.HasFlag(UnixFileMode.SetUser) ? "set-user-ID" : mode.HasFlag(UnixFileMode.SetGroup) ? "set-group-ID" : null;
        return kind is null ? null : $"{program} is {kind}: while it is traced it runs with your rights, not with its owner's (run uprobe as root for these)";
    }

    private static string? FileOf(string program)
    {
        if (program.Contains('/', StringComparison.Ordinal))
            return File.Exists(program) ? program : null;
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
    }
}
