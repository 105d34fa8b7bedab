using System.Text;
using Spectre.Console.Rendering;
using Uprobes.Tool.Output;

namespace Uprobes.Tool.Messages;

/// <summary>
/// Everything that is not a result goes to standard error, one escaped line each; on a terminal one live line may stand
/// below them. Usable from any thread, but never from a probe handler: writing may block.
/// </summary>
/// <param name="error">Standard error.</param>
/// <param name="isTerminal">Whether it is a terminal that can take a line back.</param>
/// <param name="size">How large that is; null where it has no bounds.</param>
internal sealed class StatusLines(Stream error, bool isTerminal, TerminalSize? size = null)
{
    private const string EraseLine = "\r\e[K";
    private readonly Lock _lock = new();
    private bool _closed;
    private bool _progressShown;
    private StringBuilder? _held;

    /// <summary>Whether a live line can be shown.</summary>
    public bool CanShowProgress => isTerminal;

    /// <summary>Writes a line.</summary>
    public void Write(string line)
    {
        lock (_lock)
            Put($"{TakeProgress()}{Escaping.Text(line)}\n");
    }

    /// <summary>Writes lines that are fit for a terminal already, such as those of a script's diagnostics.</summary>
    public void WriteSafe(string lines)
    {
        lock (_lock)
            Put(TakeProgress() + lines);
    }

    /// <summary>Writes an error as every command writes them: what, the place in what the user wrote if there is one, then what to do.</summary>
    public void WriteError(string message, string? hint, string? excerpt = null)
    {
        var place = excerpt is null ? "" : string.Concat(excerpt.Split('\n').Select(line => $"  {Escaping.Text(line)}\n"));
        var advice = hint is null ? "" : $"  hint: {Escaping.Text(hint)}\n";
        lock (_lock)
            Put($"{TakeProgress()}uprobe: {Escaping.Text(message)}\n{place}{advice}");
    }

    /// <summary>Replaces the live line.</summary>
    public void ShowProgress(string line)
    {
        if (!isTerminal)
            return;
        lock (_lock)
        {
            if (_held is not null)
                return;
            var shown = Escaping.Text(line);
            // A line that goes on in the next one could not be taken back.
            Put($"{EraseLine}{Cut(shown, (size?.Columns ?? int.MaxValue) - 1)}");
            _progressShown = true;
        }
    }

    /// <summary>Takes the live line away, before results are written to the same terminal.</summary>
    public void EndProgress()
    {
        lock (_lock)
            Put(TakeProgress());
    }

    /// <summary>Tells, after a while, that work goes on, until what is returned is disposed of. Does nothing where there can be no live line.</summary>
    /// <param name="what">What is done.</param>
    public WorkLine ShowWork(string what) => new(this, what);

    /// <summary>On a terminal, keeps lines back until what is returned is disposed of: something else has the whole of it meanwhile.</summary>
    public IDisposable Hold()
    {
        lock (_lock)
        {
            Put(TakeProgress());
            if (isTerminal)
                _held ??= new StringBuilder();
        }
        return new Held(this);
    }

    /// <summary>Writes what is kept back, and keeps no more; for where the program is about to end.</summary>
    public void Release()
    {
        lock (_lock)
        {
            var held = _held?.ToString() ?? "";
            _held = null;
            Put(held);
        }
    }

    /// <summary>The start of a text that has so many cells; letters may be two wide.</summary>
    private static string Cut(string text, int cells)
    {
        var whole = new Segment(text);
        return whole.CellCount() <= cells ? text : Segment.Truncate(whole, cells)?.Text ?? "";
    }

    private string TakeProgress()
    {
        if (!_progressShown)
            return "";
        _progressShown = false;
        return EraseLine;
    }

    private void Put(string text)
    {
        if (text.Length == 0 || _closed)
            return;
        if (_held is not null)
        {
            _held.Append(text);
            return;
        }
        try
        {
            error.Write(Encoding.UTF8.GetBytes(text));
        }
        catch (IOException)
        {
            _closed = true; // nobody reads what is told; the results go on
        }
    }

    private sealed class Held(StatusLines lines) : IDisposable
    {
        public void Dispose() => lines.Release();
    }
}
