using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>
/// The one operating-system thread that owns all ptrace calls of a session (the kernel ties a tracee to the thread that
/// seized it: traps P1, P2). Others hand it work and wait. It blocks in waitpid(2); work that arrives meanwhile
/// interrupts that with a signal, sent again until it is noticed, which makes the race between the last look at the queue and the
/// blocking call harmless. Work that is handed in without a pause must not starve the tracees: after each turn they
/// are served for as long as it took.
/// </summary>
internal sealed class TracerThread : IDisposable
{
    private static readonly TimeSpan ResendInterval = TimeSpan.FromMilliseconds(1);

    /// <summary>The longest time that work waits for the tracees; ticks of the stop watch.</summary>
    private static readonly long LongestTurn = Stopwatch.Frequency / 10;
    private readonly ConcurrentQueue<Work> _queue = new();
    private readonly AutoResetEvent _arrived = new(initialState: false);
    private readonly ManualResetEventSlim _started = new();
    private readonly Action _loop;
    private readonly Thread _thread;
    private int _threadId;
    private volatile bool _waiting;
    private volatile bool _ended;

    /// <summary>Until when work waits for the tracees, which have had to wait for work; a time stamp of the stop watch.</summary>
    private long _turnOfTracees;
    private int _posted;

    /// <summary>Whether no tracee has reported anything since work was done, or since the last signal of those whose work waits.</summary>
    private volatile bool _isQuiet;

    /// <summary>Prepares the thread; <see cref="Start"/> starts it.</summary>
    /// <param name="loop">Its body. Returns to end the thread; queued work is then refused.</param>
    internal TracerThread(Action loop)
    {
        _loop = loop;
        _ = WakeSignal.Number;
        _thread = new Thread(Run) { IsBackground = true, Name = "uprobes tracer" };
    }

    /// <summary>Starts the thread, once everything that its body uses is in place.</summary>
    internal void Start()
    {
        _thread.Start();
        _started.Wait();
    }

    internal bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>Whether work waits whose turn it is. What the tracer thread has posted itself does not wait for tracees: nobody would wake it.</summary>
    private bool IsWorkDue => !_queue.IsEmpty && (Volatile.Read(ref _posted) > 0 || Stopwatch.GetTimestamp() >= Volatile.Read(ref _turnOfTracees));

    /// <summary>Runs a function on the tracer thread and returns its result or throws its exception. May be called from the tracer thread itself.</summary>
    /// <exception cref="ObjectDisposedException">The thread has ended.</exception>
    internal T Invoke<T>(Func<T> function)
    {
        T result = default!;
        Invoke(() => { result = function(); });
        return result;
    }

    /// <inheritdoc cref="Invoke{T}"/>
    internal void Invoke(Action action)
    {
        if (IsCurrent)
        {
            action();
            return;
        }

        using Work work = new(action);
        _queue.Enqueue(work);
        _arrived.Set();
        if (_waiting && (_isQuiet || IsWorkDue))
            Wake(); // Where the thread is just about to wait, the signal that is sent again finds it.
        while (!work.Done.Wait(ResendInterval))
        {
            if (_ended)
            {
                RefuseWork();
                work.Done.Wait();
            }
            else if (_waiting)
            {
                Wake(); // It may just have ended; then _ended tells.
            }
        }

        work.Error?.Throw();
    }

    /// <summary>Has something run on the tracer thread when what it is doing now is done; it must not throw. On the tracer thread.</summary>
    internal void Post(Action action)
    {
        _posted++;
        _queue.Enqueue(new Work(action) { IsUnconditional = true });
        _arrived.Set();
    }

    /// <summary>Runs what others have handed in, if it is its turn. On the tracer thread.</summary>
    internal void RunWork()
    {
        if (!IsWorkDue)
            return;
        long start = Stopwatch.GetTimestamp();
        // Not until the queue is empty: there may be no end to what comes in.
        for (int left = _queue.Count; left > 0 && _queue.TryDequeue(out Work? work); left--)
        {
            if (work.IsUnconditional)
                _posted--;
            work.Run();
        }

        long end = Stopwatch.GetTimestamp();
        _turnOfTracees = end + Math.Min(end - start, LongestTurn);
        _isQuiet = true;
    }

    /// <summary>Waits for work while there is no tracee to wait for. On the tracer thread.</summary>
    internal void WaitForWork()
    {
        _turnOfTracees = 0;
        if (_queue.IsEmpty)
            _arrived.WaitOne();
    }

    /// <summary>Waits for a tracee's report, or until work is due (then the result is -EINTR). On the tracer thread.</summary>
    internal int WaitForTracee(int tid, bool block, out WaitStatus status)
    {
        if (!block)
            return Tasks.Wait(tid, block: false, out status);
        _waiting = true;
        try
        {
            status = default;
            if (tid == -1 && IsWorkDue)
                return -Errno.EINTR;
            int result = 0;
            if (tid == -1 && _isQuiet && !_queue.IsEmpty && (result = Tasks.Wait(tid, block: false, out status)) == 0)
                result = -Errno.EINTR; // No tracee needs its turn.
            if (result == 0)
                result = Tasks.Wait(tid, block: true, out status);
            if (tid == -1)
                NoteActivity(result);
            return result;
        }
        finally
        {
            _waiting = false;
        }
    }

    /// <summary>Ends the tracees' turn when none has reported anything between two signals of those whose work waits.</summary>
    private void NoteActivity(int waited)
    {
        if (waited == -Errno.EINTR && _isQuiet)
            _turnOfTracees = 0;
        _isQuiet = waited == -Errno.EINTR;
    }

    /// <summary>Makes a blocking <see cref="WaitForTracee"/> return; for deadlines. Any thread.</summary>
    internal void Wake() => _ = Tasks.SignalOwnThread(_threadId, WakeSignal.Number);

    public void Dispose()
    {
        if (!IsCurrent)
            _thread.Join();
        _arrived.Dispose();
        _started.Dispose();
    }

    private void Run()
    {
        _threadId = Tasks.CurrentThreadId;
        _started.Set();
        try
        {
            _loop();
        }
        finally
        {
            _ended = true;
            RefuseWork();
        }
    }

    private void RefuseWork()
    {
        while (_queue.TryDequeue(out Work? work))
            work.Refuse();
    }

    private sealed class Work(Action action) : IDisposable
    {
        internal ManualResetEventSlim Done { get; } = new();

        /// <summary>Whether it runs even when the thread ends.</summary>
        internal bool IsUnconditional { get; init; }

        internal ExceptionDispatchInfo? Error { get; private set; }

        internal void Run()
        {
            try
            {
                action();
            }
            catch (Exception e) // Whatever it is belongs to the caller, who waits on another thread.
            {
                Error = ExceptionDispatchInfo.Capture(e);
            }

            Done.Set();
        }

        internal void Refuse()
        {
            if (IsUnconditional)
            {
                Run();
                return;
            }

            Error = ExceptionDispatchInfo.Capture(new ObjectDisposedException(nameof(TracerThread), "the session has ended"));
            Done.Set();
        }

        public void Dispose() => Done.Dispose();
    }
}
