namespace Uprobes.Tool.Output;

/// <summary>How large the terminal's window is now.</summary>
internal class TerminalSize
{
    private const int UsualColumns = 80, UsualRows = 24, LeastColumns = 10, LeastRows = 4;

    /// <summary>Letters in a line. Some terminals do not know.</summary>
    public virtual int Columns => Math.Max(LeastColumns, Console.WindowWidth is > 0 and var width ? width : UsualColumns);

    /// <summary>Lines.</summary>
    public virtual int Rows => Math.Max(LeastRows, Console.WindowHeight is > 0 and var height ? height : UsualRows);
}
