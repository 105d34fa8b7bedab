using Spectre.Console;

namespace Uprobes.Tool.Messages;

/// <summary>A live line for work that takes long: it comes after a while and turns as long as the work goes on.</summary>
internal sealed class WorkLine : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(300);
    private readonly Lock _gate = new();
    private readonly StatusLines _status;
    private readonly Spinner _spinner = Spinner.Known.Line;
    private readonly Timer? _timer;
    private readonly string _what;
    private int _turns;
    private bool _hasEnded;

    /// <summary>Begins.</summary>
    /// <param name="status">Where the line stands.</param>
    /// <param name="what">What is done.</param>
    public WorkLine(StatusLines status, string what)
    {
        (_status, _what) = (status, what);
        if (status.CanShowProgress)
            _timer = new Timer(static line => ((WorkLine)line!).Turn(), this, Patience, _spinner.Interval);
    }

    /// <summary>Shows the next state of the line.</summary>
    internal void Turn()
    {
        lock (_gate)
        {
            if (!_hasEnded)
                _status.ShowProgress($"{_spinner.Frames[_turns++ % _spinner.Frames.Count]} {_what}");
        }
    }

    /// <summary>The work is done: the line is taken away.</summary>
    public void Dispose()
    {
        _timer?.Dispose();
        lock (_gate)
        {
            if (_turns > 0 && !_hasEnded)
                _status.EndProgress();
            _hasEnded = true;
        }
    }
}
