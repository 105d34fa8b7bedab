using Uprobes.Processes;
using Uprobes.Stacks;

namespace Uprobes;

/// <summary>What a process executes from one time to another: with an exec another one begins, and with another process of the same number.</summary>
/// <param name="number">Tells it from all others.</param>
/// <param name="processId">The process.</param>
/// <param name="since">When the one before it has ended, on the monotonic clock; 0 for the first.</param>
internal sealed class KnownProgram(int number, int processId, long since) : IDisposable
{
    // A stack that leads nowhere, such as one of code that was made and thrown away, must not cost a look each time.
    private static readonly TimeSpan RestBetweenLooks = TimeSpan.FromMilliseconds(100);
    private ProcessImages? _images;
    private KnownProgram? _origin;
    private long _nextLook;

    internal int Number => number;

    internal int ProcessId => processId;

    internal long Since => since;

    /// <summary>When it has ended, on the monotonic clock; <see cref="long.MaxValue"/> for one that runs.</summary>
    internal long Until { get; private set; } = long.MaxValue;

    internal bool HasEnded => Until != long.MaxValue;

    /// <summary>Knows replaced return addresses; null where none are known to be.</summary>
    internal IReturnThunks? Thunks { get; set; }

    internal bool HasImages => _images is not null;

    /// <summary>Whether it keeps the process's memory open.</summary>
    internal bool HoldsMemory => _images?.Reader is not null;

    /// <summary>Says that it began as a copy of another process's, whose code is then what it has mapped at first.</summary>
    internal void CopyOf(KnownProgram parent)
    {
        // One that has not been looked at will be, or has begun as a copy itself: no chain of parents is kept.
        if (!HasImages && !ReferenceEquals(parent, this))
            _origin = parent.HasImages ? parent : parent._origin ?? parent;
    }

    /// <summary>What it has mapped, as far as was looked at; the first question looks, if it has not ended.</summary>
    /// <param name="store">Keeps the files open.</param>
    /// <param name="mappings">What it had mapped at the time in question; null for now.</param>
    internal ProcessImages ImagesIn(ImageStore store, List<Mapping>? mappings = null)
    {
        if (_images is not null)
            return _images;
        IReadOnlyList<MappedCode> inherited = _origin?._images?.Current.Code ?? [];
        _origin = null;
        return _images = HasEnded ? ProcessImages.OfEnded(processId, store, inherited) : new ProcessImages(processId, store, inherited, mappings);
    }

    /// <summary>Says that it has ended. What was found of it by then is kept.</summary>
    internal void End(long timestamp)
    {
        Until = timestamp;
        _images?.End();
    }

    /// <summary>Whether it may be looked at again, some time after the last time.</summary>
    internal bool MayLook()
    {
        if (HasEnded || Environment.TickCount64 < _nextLook)
            return false;
        _nextLook = Environment.TickCount64 + (long)RestBetweenLooks.TotalMilliseconds;
        return true;
    }

    public void Dispose() => _images?.Dispose();
}
