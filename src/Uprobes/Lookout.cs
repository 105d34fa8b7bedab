namespace Uprobes;

/// <summary>Has something done again and again, on a thread of its own, until it is disposed or that finds the session at its end.</summary>
internal sealed class Lookout : IDisposable
{
    private readonly ManualResetEventSlim _ended = new();
    private readonly Action _look;
    private readonly Action<Exception> _failed;
    private readonly TimeSpan _interval;
    private readonly Thread _thread;

    /// <summary>Starts it.</summary>
    /// <param name="interval">From the end of one time to the beginning of the next.</param>
    /// <param name="look">What is done; <see cref="ObjectDisposedException"/> ends it.</param>
    /// <param name="failed">Told of any other exception, which ends it too.</param>
    internal Lookout(TimeSpan interval, Action look, Action<Exception> failed)
    {
        (_interval, _look, _failed) = (interval, look, failed);
        _thread = new Thread(Run) { IsBackground = true, Name = "uprobes lookout" };
        _thread.Start();
    }

    /// <summary>Whether the calling thread is the one on which it is done, or on which a failure is told.</summary>
    internal bool IsOnItsThread => Thread.CurrentThread == _thread;

    /// <summary>Returns when it has ended; on its own thread, at once.</summary>
    public void Dispose()
    {
        _ended.Set();
        if (!IsOnItsThread)
            _thread.Join();
        _ended.Dispose();
    }

    private void Run()
    {
        try
        {
            while (!_ended.Wait(_interval))
                _look();
        }
        catch (ObjectDisposedException)
        {
            // The session has ended.
        }
        catch (Exception e) // Any: nobody is above, and the session has to tell.
        {
            _failed(e);
        }
    }
}
