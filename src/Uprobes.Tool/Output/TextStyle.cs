using Spectre.Console;

namespace Uprobes.Tool.Output;

/// <summary>Colours of text results: ANSI sequences, or nothing where results are not read on a terminal or NO_COLOR is set.</summary>
internal sealed record TextStyle(string Time, string Function, string Result, string Reset)
{
    /// <summary>No colours.</summary>
    public static TextStyle None { get; } = new("", "", "", "");

    /// <summary>How the names of a table's columns look on a terminal.</summary>
    public static Style Heading => IsWanted ? new Style(decoration: Decoration.Bold) : Style.Plain;

    private static bool IsWanted => string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>The style for an output, following https://no-color.org.</summary>
    public static TextStyle For(ResultOutput output) => output.IsTerminal && IsWanted ? new TextStyle("\e[2m", "\e[1m", "\e[36m", "\e[0m") : None;
}
