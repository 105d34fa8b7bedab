namespace Uprobes;

/// <summary>A program could not be started. Nothing was left behind.</summary>
public sealed class LaunchException : Exception
{
    /// <summary>Creates the exception.</summary>
    public LaunchException(string program, string message, string hint)
        : base($"cannot start {program}: {message}")
    {
        Program = program;
        Hint = hint;
    }

    /// <summary>The program, as it was asked for.</summary>
    public string Program { get; }

    /// <summary>What the user can do about it, as a sentence; empty when nothing.</summary>
    public string Hint { get; }
}
