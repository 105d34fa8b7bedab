using Uprobes.Arming;
using Uprobes.Arming.Inline;
using Uprobes.Arming.Trap;
using Uprobes.Arming.Trap.X64;
using Uprobes.Channels;
using Uprobes.Images;
using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Registry;
using Uprobes.Stacks;

namespace Uprobes;

/// <summary>A session's parts and how they fit together. State is changed on the tracer thread only.</summary>
internal sealed partial class SessionCore : ITrapEngineEvents, IRegistryEvents, IDisposable
{
    private const string Disposed = "the session was disposed", ProcessesEnded = "the processes of the session have ended";
    private readonly Tracer _tracer;
    private readonly TrapEngine _engine;
    private readonly ProbeTable _table;
    private readonly WriteGuard _guard;
    private readonly ImageCache _images = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly NoticeQueue _notices;
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ProbeHit? _probeHit;
    private TracedProcess? _launched;
    private string? _launchedPath;
    private bool _started;
    private readonly SiteKinds _allowed;
    private readonly bool _detaches;
    private readonly TimeSpan _lookInterval;
    private readonly Lock _lookoutGate = new();
    private Lookout? _lookout;
    private readonly int _eventBufferBytes;
    private readonly TickClockStart _clockStart = new();
    private Lazy<TickClock> Clock => _clockStart.Clock;
    private int _disposals;
    private bool _ended;
    private volatile bool _disposed;

    internal SessionCore(SessionOptions options)
    {
        _table = new ProbeTable(this);
        _detaches = options.Presence == TracerPresence.Detached;
        _allowed = options.Engine switch
        {
            ProbeEngine.Trap when _detaches => throw new ArgumentException("breakpoints need a tracer that stays attached", nameof(options)),
            ProbeEngine.Trap => SiteKinds.Breakpoint,
            ProbeEngine.Inline => SiteKinds.Jump,
            _ when _detaches => SiteKinds.Jump,
            _ => SiteKinds.Breakpoint | SiteKinds.Jump,
        };
        ObserverRelay relay = new();
        _eventBufferBytes = options.EventBufferBytes;
        _tracer = new Tracer(relay, options.StopTimeout);
        try
        {
            _engine = _tracer.Thread.Invoke(() => new TrapEngine(_tracer, _table, this, options.FollowForks, options.Guardian, _allowed, _detaches, Clock, options.Step));
        }
        catch
        {
            _tracer.Dispose();
            _clockStart.Dispose();
            throw;
        }

        _notices = new NoticeQueue(_tracer.Thread);
        relay.Target = _engine;
        _guard = new WriteGuard(options.WriteGuard, OnWriteGuardBreak);
        _lookInterval = options.LookInterval;
        if (_detaches)
            _lookout = new Lookout(options.LookInterval, () => _notices.Run(_engine.LookAround), OnLookoutFailed);
    }

    internal event Action<SessionNotice>? Notice
    {
        add => _notices.Raised += value;
        remove => _notices.Raised -= value;
    }

    /// <summary>
    /// Raised with a process that has mapped code that was not there before; on the tracer thread, while the process waits where it was watched doing so:
    /// receivers are quick, do not use the session, and throw nothing.
    /// </summary>
    internal event Action<int>? CodeMapped;

    /// <summary>Raised with a process that has begun as a copy of another one, and that one; on the tracer thread, under the same conditions as <see cref="CodeMapped"/>.</summary>
    internal event Action<int, int>? ProcessForked;

    /// <summary>
    /// Raised with a process whose program has ended, and whether another one takes its place, which has not run yet; on the tracer thread, under the same conditions as
    /// <see cref="CodeMapped"/>.
    /// </summary>
    internal event Action<int, bool>? ProgramEnded;

    internal Task Completion => _completion.Task;

    internal int? LaunchedExitCode => _launched?.ExitStatus;

    internal int? LaunchedProcessId => _launched?.ProcessId;

    internal int? GuardianProcessId => _tracer.Thread.Invoke(() => _engine.GuardianProcessId);

    internal TimeSpan LongestPause => _engine.LongestPause;

    internal int InlineSites => _tracer.Thread.Invoke(() => _engine.InlineSites);

    /// <summary>What knows where calls of a process return that programs follow, or null where none has been followed yet.</summary>
    /// <param name="processId">The process.</param>
    /// <param name="memory">Its memory, for as long as the answer is used.</param>
    internal IReturnThunks? ReturnThunksOf(int processId, MemoryReader memory)
    {
        try
        {
            return _tracer.Thread.Invoke(() => _engine.CallTableOf(processId) is { } table ? new FollowedCalls(table, memory) : null);
        }
        catch (ObjectDisposedException)
        {
            return null; // The session has ended.
        }
    }

    internal int AwaitedReturns => _tracer.Thread.Invoke(() => _engine.AwaitedReturns);

    internal IReadOnlyList<int> ProcessIds
    {
        get
        {
            try
            {
                return _tracer.Thread.Invoke(() => (IReadOnlyList<int>)[.. _tracer.Processes.Select(p => p.ProcessId)]);
            }
            catch (ObjectDisposedException)
            {
                return []; // The session has ended.
            }
        }
    }

    internal void Attach(IReadOnlyList<int> processIds) => _tracer.Thread.Invoke(() =>
    {
        foreach (int pid in processIds)
            _tracer.Attach(pid);
        _engine.NoteOthers(_tracer.Processes);
    });

    internal void Launch(string program, IReadOnlyList<string> arguments)
    {
        ExecutableSearch search = ExecutableFinder.FindExecutable(program);
        if (!search.Found)
            throw new LaunchException(program, search.Refusal switch
            {
                ExecutableRefusal.NotExecutable => "it may not be executed by this user",
                ExecutableRefusal.IsDirectory => "it is a directory",
                _ => "no such program was found",
            }, program.Contains('/', StringComparison.Ordinal) ? "Check the path." : "Give a path, or a name that is in PATH.");
        string path = search.Path;
        _launchedPath = path;
        _tracer.Thread.Invoke(() =>
        {
            using LaunchedTarget child = TargetLauncher.Fork(new LaunchRequest { Path = path, Arguments = [program, .. arguments] });
            TracedProcess process = _tracer.AttachLaunched(child.ProcessId);
            child.Release();
            if (!_tracer.AwaitLaunched(process))
                throw new LaunchException(program, child.TryReadExecError() is { } error
                    ? $"{Errno.Name(error)} ({Errno.Describe(error)})"
                    : "it ended before its first instruction", "");
            _launched = process;
            _engine.NoteOthers(_tracer.Processes);
        });
    }

    internal void Start()
    {
        try
        {
            _tracer.Thread.Invoke(() =>
            {
                if (_ended || _started)
                    return;
                _started = true;
                if (_launched is not null)
                    Tracer.ReleaseHeld(_launched);
            });
        }
        catch (ObjectDisposedException)
        {
            // The session has ended: there is nothing to let run.
        }
    }

    internal ElfImage OpenImage(string name) => OpenImage(name, threads => _images.Open(name, threads, _launchedPath));

    internal IReadOnlyList<ElfImage> OpenImages(string name) => OpenImage(name, threads => _images.OpenAll(name, threads, _launchedPath));

    private T OpenImage<T>(string name, Func<List<int>, T> open)
    {
        if (WhyEnded() is { } why)
            throw new ProbeRefusedException(new ProbeRefusal(ProbeRefusalReason.SessionEnded, name, why));
        try
        {
            return open(LiveThreads());
        }
        catch (ObjectDisposedException)
        {
            throw new ProbeRefusedException(new ProbeRefusal(ProbeRefusalReason.SessionEnded, name, Disposed));
        }
    }

    public void Dispose()
    {
        bool isFirst = Interlocked.Increment(ref _disposals) == 1;
        try
        {
            // Also the second time: inside a handler the one that came first may still wait for this very thread.
            _notices.Run(End);
        }
        catch (ObjectDisposedException)
        {
            // The tracer thread has ended before, and has let go of everything then.
        }

        if (!isFirst)
        {
            if (!_tracer.Thread.IsCurrent && !_guard.IsOnItsThread && _lookout is not { IsOnItsThread: true })
                _released.Task.Wait();
        }
        else if (_tracer.Thread.IsCurrent)
        {
            // What is left waits for this thread, which is in a handler.
            ThreadPool.UnsafeQueueUserWorkItem(static core => core.Release(), this, preferLocal: false);
        }
        else
        {
            Release();
        }
    }

    public void OnProcessStarted(TracedProcess process, TracedProcess parent) => ProcessForked?.Invoke(process.ProcessId, parent.ProcessId);

    public void OnProgramLeft(TracedProcess process) => ProgramEnded?.Invoke(process.ProcessId, true);

    public void OnProcessExecuted(TracedProcess process)
    {
    }

    public void OnCodeMapped(TracedProcess process) => CodeMapped?.Invoke(process.ProcessId);

    public void OnProcessEnded(TracedProcess process)
    {
        ProgramEnded?.Invoke(process.ProcessId, false);
        if (_tracer.Processes.Count == 0)
            Complete();
    }

    public void OnNotice(string message, int? processId) => Tell(NoticeKind.Tracee, message, processId);

    private void OnLookoutFailed(Exception error)
    {
        Tell(NoticeKind.Tracee, $"processes that the tracer has let go of are not looked at any more: {error}");
        _completion.TrySetException(error);
    }

    /// <summary>Frees what no tracee has to do with.</summary>
    private void Release()
    {
        _lookout?.Dispose();
        _guard.Dispose(); // Waits for a callback that is running; the tracer thread still answers it.
        _tracer.Dispose();
        _images.Dispose();
        _clockStart.Dispose();
        Complete();
        _released.SetResult();
    }

    private void Complete()
    {
        if ((_tracer.Failure ?? _notices.ReceiverError) is { } error)
            _completion.TrySetException(error);
        else
            _completion.TrySetResult();
    }

    private void End()
    {
        if (_ended)
            return;
        _ended = _disposed = true;
        if (_launched is not null && !_started && _tracer.TryGetProcess(_launched.ProcessId, out _))
            _ = Tasks.Kill(_launched.ProcessId, Signal.SIGKILL); // It was never let run: nobody would.
        foreach (Consumer consumer in _table.Images.SelectMany(i => i.Uprobes).SelectMany(u => u.Consumers).ToArray())
            consumer.Deactivate();

        _engine.ReturnToAll(isLast: true);

        // Children that are born meanwhile come into the list while it is worked on.
        while (_tracer.Processes.Count > 0)
            _engine.Detach(_tracer.Processes.First());
        _engine.End();
    }

    /// <summary>Why nothing can be registered any more; null while it can.</summary>
    private string? WhyEnded() => _disposed ? Disposed : _completion.Task.IsCompleted ? ProcessesEnded : null;

    private List<int> LiveThreads() => _tracer.Thread.Invoke(() => _tracer.Processes.Select(p => p.LiveThread()?.ThreadId ?? p.ProcessId).ToList());

    private void Tell(NoticeKind kind, string message, int? processId = null) => _notices.Add(new SessionNotice(kind, message, processId));
}
