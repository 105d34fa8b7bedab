using System.Text;
using Spectre.Console;

namespace Uprobes.Tool.Output;

/// <summary>A terminal, as Spectre.Console sees it.</summary>
/// <param name="writer">Takes what is drawn.</param>
/// <param name="size">Knows how large it is.</param>
internal sealed class ScreenOutput(TextWriter writer, TerminalSize size) : IAnsiConsoleOutput
{
    /// <inheritdoc/>
    public TextWriter Writer => writer;

    /// <inheritdoc/>
    public bool IsTerminal => true;

    /// <inheritdoc/>
    public int Width => size.Columns;

    /// <inheritdoc/>
    public int Height => size.Rows;

    /// <summary>Text is UTF-8 whatever is asked for.</summary>
    public void SetEncoding(Encoding encoding)
    {
    }
}
