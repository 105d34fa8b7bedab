using System.Text;
using Uprobes.Tool.Output;

namespace Uprobes.Tool.Messages;

/// <summary>
/// Everything that is not a result goes to standard error, one escaped line each; on a terminal one live line may stand
/// below them. Usable from any thread, but never from a probe handler: writing may block.
/// </summary>
internal sealed class StatusLines(Stream error, bool isTerminal)
{
    private const string EraseLine = "\r\e[K";
    private readonly Lock _lock = new();
    private bool _closed;
    private bool _progressShown;

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
            Put($"{EraseLine}{Escaping.Text(line)}");
            _progressShown = true;
        }
    }

    /// <summary>Takes the live line away, before results are written to the same terminal.</summary>
    public void EndProgress()
    {
        lock (_lock)
            Put(TakeProgress());
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
        try
        {
            error.Write(Encoding.UTF8.GetBytes(text));
        }
        catch (IOException)
        {
            _closed = true; // nobody reads what is told; the results go on
        }
    }
}
