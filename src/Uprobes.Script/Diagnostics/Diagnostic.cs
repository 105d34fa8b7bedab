using Uprobes.Script.Syntax;

namespace Uprobes.Script.Diagnostics;

/// <summary>Whether a script can run in spite of what is said about it.</summary>
internal enum Severity
{
    Error,
    Warning,
}

/// <summary>What kind of thing is wrong: stable, while messages may be reworded.</summary>
internal enum DiagnosticId
{
    /// <summary>The text is not of the language.</summary>
    Syntax,

    /// <summary>A number, string or name is malformed.</summary>
    Literal,

    /// <summary>Too long, too deep, too many.</summary>
    Limit,

    /// <summary>The place of a probe makes no sense.</summary>
    AttachPoint,

    /// <summary>Only the kernel can do it.</summary>
    KernelOnly,

    /// <summary>Of the language, and not offered here.</summary>
    Unsupported,

    /// <summary>Nothing has that name.</summary>
    UnknownName,

    /// <summary>A value of another type is needed.</summary>
    Type,

    /// <summary>Too few or too many arguments, or one of a wrong kind.</summary>
    Arguments,

    /// <summary>Needs the user's consent to unsafe actions.</summary>
    Unsafe,

    /// <summary>It stands where it means nothing.</summary>
    Misplaced,

    /// <summary>An option of the script is not known, or its value is not.</summary>
    Option,

    /// <summary>The script itself asked for it: fail() and static_assert().</summary>
    Asked,

    /// <summary>Legal, and likely a mistake.</summary>
    Suspicious,
}

/// <summary>Another place of the script that a message speaks of.</summary>
internal sealed record RelatedPlace(SourceSpan Span, string Message);

/// <summary>Something to say about a place of a script.</summary>
/// <param name="Severity">Whether the script can run nevertheless.</param>
/// <param name="Id">What kind of thing it is.</param>
/// <param name="Span">The place.</param>
/// <param name="Message">One sentence without a stop. It may hold text of the script: only <see cref="DiagnosticRenderer"/> makes it fit for a terminal.</param>
internal sealed record Diagnostic(Severity Severity, DiagnosticId Id, SourceSpan Span, string Message)
{
    /// <summary>What to do about it, where that can be said.</summary>
    internal string? Hint { get; init; }

    /// <summary>Where else to look.</summary>
    internal IReadOnlyList<RelatedPlace> Related { get; init; } = [];
}
