namespace Uprobes.Arming.Trap.X64;

/// <summary>A program to start, and what it starts with. Strings are passed in UTF-8 and hold no NUL.</summary>
internal sealed record LaunchRequest
{
    /// <summary>
    /// The file to execute (see <see cref="ExecutableFinder"/> for a bare name). A relative path is meant from our
    /// working directory, also where <see cref="WorkingDirectory"/> is given.
    /// </summary>
    internal required string Path { get; init; }

    /// <summary>The argument vector, the name that the program knows itself by (argv[0]) included.</summary>
    internal required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The environment as <c>NAME=value</c>; null for our own.</summary>
    internal IReadOnlyList<string>? Environment { get; init; }

    /// <summary>The directory to start in; null for our own.</summary>
    internal string? WorkingDirectory { get; init; }

    /// <summary>The descriptor of ours that becomes its standard input; null to inherit ours. It stays open here.</summary>
    internal int? StandardInput { get; init; }

    /// <summary>The descriptor of ours that becomes its standard output; null to inherit ours. It stays open here.</summary>
    internal int? StandardOutput { get; init; }

    /// <summary>The descriptor of ours that becomes its standard error; null to inherit ours. It stays open here.</summary>
    internal int? StandardError { get; init; }
}
