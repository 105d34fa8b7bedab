namespace Uprobes.Tool.Output;

/// <summary>How large the terminal's window is now.</summary>
internal class TerminalSize
{
    private const string NoScreen = "dumb";
    private const int UsualColumns = 80, UsualRows = 24, LeastColumns = 10, LeastRows = 4;

    /// <summary>Whether the terminal is one on which what was written can be changed, as its TERM says.</summary>
    public static bool IsSmart => Environment.GetEnvironmentVariable("TERM") is { Length: > 0 } name && name != NoScreen;

    /// <summary>Letters in a line. Some terminals do not know.</summary>
    public virtual int Columns => Math.Max(LeastColumns, Console.WindowWidth is > 0 and var width ? width : UsualColumns);

    /// <summary>Lines.</summary>
    public virtual int Rows => Math.Max(LeastRows, Console.WindowHeight is > 0 and var height ? height : UsualRows);
}
