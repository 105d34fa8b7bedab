namespace Uprobes.Tool.Messages;

/// <summary>
/// An error that ends the command and that its user can act on: one sentence that says what, and a hint that says what
/// to do. Both may hold text from files and processes; they are escaped where they are written.
/// </summary>
internal sealed class ToolException(string message, string? hint = null, int exitCode = ExitCode.Failure, Exception? inner = null)
    : Exception(message, inner)
{
    /// <summary>What the user can do, or null where there is nothing to advise.</summary>
    public string? Hint { get; } = hint;

    /// <summary>The function or pattern that there is not, when that is the error.</summary>
    public string? Function { get; init; }

    /// <summary>What the error is in, and a line with a caret; null where there is no such place.</summary>
    public string? Excerpt { get; init; }

    /// <summary>The exit code of the command.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>The command was called in a way that has no meaning.</summary>
    public static ToolException Usage(string message, string hint) => new(message, hint, Messages.ExitCode.Usage);
}
