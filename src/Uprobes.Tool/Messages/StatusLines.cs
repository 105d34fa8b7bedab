using Uprobes.Tool.Output;

namespace Uprobes.Tool.Messages;

/// <summary>
/// Everything that is not a result goes to standard error, one escaped line each; on a terminal one live line may stand
/// below them. Usable from any thread, but never from a probe handler: writing may block.
/// </summary>
internal sealed class StatusLines(TextWriter error, bool isTerminal)
{
    private readonly Lock _lock = new();
    private bool _progressShown;

    /// <summary>Whether a live line can be shown.</summary>
    public bool CanShowProgress => isTerminal;

    /// <summary>Writes a line.</summary>
    public void Write(string line)
    {
        lock (_lock)
        {
            ClearProgress();
            error.WriteLine(Escaping.Text(line));
        }
    }

    /// <summary>Writes an error as every command writes them: what, then what to do.</summary>
    public void WriteError(string message, string? hint)
    {
        lock (_lock)
        {
            ClearProgress();
            error.WriteLine($"uprobe: {Escaping.Text(message)}");
            if (hint is not null)
                error.WriteLine($"  hint: {Escaping.Text(hint)}");
        }
    }

    /// <summary>Replaces the live line.</summary>
    public void ShowProgress(string line)
    {
        if (!isTerminal)
            return;
        lock (_lock)
        {
            error.Write($"\r\e[K{Escaping.Text(line)}");
            _progressShown = true;
        }
    }

    /// <summary>Takes the live line away, before results are written to the same terminal.</summary>
    public void EndProgress()
    {
        lock (_lock)
            ClearProgress();
    }

    private void ClearProgress()
    {
        if (!_progressShown)
            return;
        error.Write("\r\e[K");
        _progressShown = false;
    }
}
