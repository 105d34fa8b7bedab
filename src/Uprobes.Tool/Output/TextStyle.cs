namespace Uprobes.Tool.Output;

/// <summary>Colours of text results: ANSI sequences, or nothing where results are not read on a terminal or NO_COLOR is set.</summary>
internal sealed record TextStyle(string Time, string Function, string Result, string Reset)
{
    /// <summary>No colours.</summary>
    public static TextStyle None { get; } = new("", "", "", "");

    /// <summary>The style for an output, following https://no-color.org.</summary>
    public static TextStyle For(ResultOutput output) =>
        output.IsTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            ? new TextStyle("\e[2m", "\e[1m", "\e[36m", "\e[0m")
            : None;
}
