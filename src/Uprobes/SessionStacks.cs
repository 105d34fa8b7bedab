using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Stacks;

namespace Uprobes;

/// <summary>
/// Stacks of a session's processes, as they map code, execute other programs and end. A process is looked at when it maps code: one that lives for some milliseconds would
/// show nothing any more when its first stack is read. Naming, which may read debug information for seconds, is done beside everything else: whoever only unwinds does not
/// wait for it. Thread-safe.
/// </summary>
internal sealed class SessionStacks : IDisposable
{
    // Each process that is looked at costs a descriptor: a build that starts thousands is looked at when their stacks come.
    private const int MostAhead = 256;

    // What happened in a process is said to be before it ended, whatever the clocks differ by; its number is another's much later only.
    private const long AfterEnd = 100_000_000;
    private readonly Lock _gate = new();
    private readonly Lock _waitingGate = new();

    // Never taken by one that has _gate.
    private readonly Lock _namingGate = new();
    private readonly Queue<Change> _waiting = new();
    private readonly UprobeSession? _session;
    private readonly StackReader _reader;
    private readonly StackSymbols _symbols;
    private volatile bool _hasWaiting;
    private volatile bool _isDisposed;

    /// <summary>Follows a session; null reads the stacks of any process, as it is when it is asked about.</summary>
    internal SessionStacks(UprobeSession? session)
    {
        (_session, _reader) = (session, new StackReader(session));
        _symbols = _reader.Symbols;
        if (session is null)
            return;
        session.ProcessForked += OnProcessForked;
        session.CodeMapped += OnCodeMapped;
        session.ProgramEnded += OnProgramEnded;
    }

    /// <summary>
    /// What has happened to a process: it is a copy of its parent, or its program has ended, and perhaps another one begun, or, without either, it has mapped code: then perhaps
    /// what it had mapped.
    /// </summary>
    private readonly record struct Change(int ProcessId, long? End = null, bool IsReplaced = false, int? Parent = null, List<Mapping>? Mappings = null);

    /// <summary>
    /// Keeps what is known as it is until it is let go of: a program whose number was given by <see cref="Unwind"/> meanwhile is still known, so that its frames can be named.
    /// For one thread, and for as short as it takes.
    /// </summary>
    internal Lock.Scope Hold() => _gate.EnterScope();

    /// <inheritdoc cref="StackReader.Look"/>
    internal void Look(int processId)
    {
        lock (_gate)
        {
            TakeWaiting();
            _reader.Look(processId);
        }
    }

    /// <inheritdoc cref="StackReader.Unwind(int, long, in CapturedStack, Span{ulong}, out int)"/>
    internal StackUnwinding Unwind(int processId, long timestamp, scoped in CapturedStack stack, Span<ulong> frames, out int program)
    {
        lock (_gate)
        {
            TakeWaiting();
            return _reader.Unwind(processId, timestamp, stack, frames, out program);
        }
    }

    /// <inheritdoc cref="StackReader.SymbolizeOf"/>
    internal void Symbolize(int program, ReadOnlySpan<ulong> frames, List<StackFrame> named, bool isExpanded = true) => Name(Locate(program, frames), named, isExpanded);

    /// <inheritdoc cref="StackReader.Locate(int, ReadOnlySpan{ulong})"/>
    internal FramePlace[] Locate(int program, ReadOnlySpan<ulong> frames)
    {
        lock (_gate)
            return _reader.Locate(program, frames);
    }

    /// <inheritdoc cref="StackReader.Locate(int, long, ulong)"/>
    internal FramePlace Locate(int processId, long timestamp, ulong address)
    {
        lock (_gate)
        {
            TakeWaiting();
            return _reader.Locate(processId, timestamp, address);
        }
    }

    /// <inheritdoc cref="StackSymbols.Name(ReadOnlySpan{FramePlace}, List{StackFrame}, bool)"/>
    /// <remarks>When this is disposed, the files are closed: then there are addresses only.</remarks>
    internal void Name(ReadOnlySpan<FramePlace> places, List<StackFrame> named, bool isExpanded)
    {
        lock (_namingGate)
        {
            if (!_isDisposed)
            {
                _symbols.Name(places, named, isExpanded);
                return;
            }
        }

        foreach (FramePlace place in places)
            named.Add(new StackFrame(place.Address, null, 0, null, 0));
    }

    /// <summary>The function of a place; without a name when this is disposed.</summary>
    internal StackFrame FunctionAt(FramePlace place)
    {
        lock (_namingGate)
            return _isDisposed ? new StackFrame(place.Address, null, 0, null, 0) : StackSymbols.FunctionAt(place);
    }

    public void Dispose()
    {
        if (_session is not null)
        {
            _session.ProcessForked -= OnProcessForked;
            _session.CodeMapped -= OnCodeMapped;
            _session.ProgramEnded -= OnProgramEnded;
        }

        lock (_namingGate)
            _isDisposed = true;
        lock (_gate)
            _reader.Dispose();
    }

    private void OnProcessForked(int processId, int parentId) => Take(new Change(processId, Parent: parentId));

    private void OnCodeMapped(int processId) => Take(new Change(processId), isMapped: true);

    private void OnProgramEnded(int processId, bool isReplaced) =>
        Take(new Change(processId, MonotonicClock.Nanoseconds + (isReplaced ? 0 : AfterEnd), isReplaced));

    /// <summary>
    /// On the tracer thread, for which the one that reads a stack may be waiting right now: then that one takes it, when the process has gone on, and perhaps ended or executed
    /// something else.
    /// </summary>
    private void Take(Change change, bool isMapped = false)
    {
        bool isEntered = _gate.TryEnter();
        if (!isEntered && isMapped && MappingParser.ReadProcess(change.ProcessId) is { Count: > 0 } mappings)
            change = change with { Mappings = mappings };
        lock (_waitingGate)
        {
            _waiting.Enqueue(change);
            _hasWaiting = true;
        }

        if (!isEntered && !_gate.TryEnter())
            return;
        try
        {
            TakeWaiting();
        }
        finally
        {
            _gate.Exit();
        }
    }

    private void TakeWaiting()
    {
        while (_hasWaiting && !_isDisposed)
        {
            Change change;
            lock (_waitingGate)
            {
                if (!_waiting.TryDequeue(out change))
                {
                    _hasWaiting = false;
                    return;
                }
            }

            if (change.Parent is { } parent)
            {
                _reader.Fork(change.ProcessId, parent);
            }
            else if (change.End is { } end)
            {
                _reader.End(change.ProcessId, end);
                if (change.IsReplaced)
                    _reader.Begin(change.ProcessId);
            }
            else if (_reader.LookedAt < MostAhead || _reader.HasLookedAt(change.ProcessId))
                _reader.Look(change.ProcessId, change.Mappings);
            else
                _reader.Begin(change.ProcessId);
        }
    }
}
