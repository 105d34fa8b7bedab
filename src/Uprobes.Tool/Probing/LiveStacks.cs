using Uprobes.Stacks;

namespace Uprobes.Tool.Probing;

/// <summary>
/// Stacks of a session of the library. A process is looked at when it maps code: one that lives for some milliseconds would show nothing any more when
/// its first stack is read.
/// </summary>
internal sealed class LiveStacks : IStackSource
{
    // Each process that is looked at costs a descriptor: a build that starts thousands is looked at when their stacks come.
    private const int MostAhead = 256;
    private readonly Lock _gate = new();
    private readonly Lock _waitingGate = new();
    private readonly HashSet<int> _waiting = [];
    private readonly HashSet<int> _ahead = [];
    private readonly UprobeSession _session;
    private readonly StackReader _reader;
    private volatile bool _hasWaiting;
    private bool _isDisposed;

    /// <summary>Reads stacks of the session's processes, also when it has ended.</summary>
    public LiveStacks(UprobeSession session)
    {
        (_session, _reader) = (session, new StackReader(session));
        session.CodeMapped += OnCodeMapped;
    }

    /// <inheritdoc/>
    public void Look(int processId)
    {
        lock (_gate)
            _reader.Look(processId);
    }

    /// <inheritdoc/>
    public StackUnwinding Unwind(int processId, scoped in CapturedStack stack, Span<ulong> frames)
    {
        lock (_gate)
        {
            if (_hasWaiting)
                LookAtWaiting();
            return _reader.Unwind(processId, stack, frames);
        }
    }

    /// <inheritdoc/>
    public void Symbolize(int processId, ReadOnlySpan<ulong> frames, List<StackFrame> named)
    {
        lock (_gate)
            _reader.Symbolize(processId, frames, named);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _session.CodeMapped -= OnCodeMapped;
        lock (_gate)
        {
            _isDisposed = true;
            _reader.Dispose();
        }
    }

    /// <summary>On the tracer thread, for which the one that reads a stack may be waiting right now: then that one looks.</summary>
    private void OnCodeMapped(int processId)
    {
        if (_gate.TryEnter())
        {
            try
            {
                if (!_isDisposed && (_ahead.Contains(processId) || (_ahead.Count < MostAhead && _ahead.Add(processId))))
                    _reader.Look(processId);
            }
            finally
            {
                _gate.Exit();
            }
            return;
        }

        lock (_waitingGate)
            _waiting.Add(processId);
        _hasWaiting = true;
    }

    private void LookAtWaiting()
    {
        int[] waiting;
        lock (_waitingGate)
        {
            waiting = [.. _waiting];
            _waiting.Clear();
            _hasWaiting = false;
        }
        foreach (var processId in waiting)
            _reader.Look(processId);
    }
}
