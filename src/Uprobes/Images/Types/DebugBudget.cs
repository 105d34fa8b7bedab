using System.Globalization;

namespace Uprobes.Images.Types;

/// <summary>
/// What reading types of one image may take, whatever its debug information says: memory for all that is kept of it, and time for each question.
/// When one of them is used up, what was not read by then counts as unknown, and <see cref="Problem"/> says so. For one thread at a time.
/// </summary>
internal sealed class DebugBudget
{
    // Compilers' entries have an attribute in one or two bytes, and no question goes through all of them more than some times.
    private const long WorkPerByte = 64, LeastWork = 1 << 24;
    private readonly long _workOfQuestion;
    private readonly long _mostKept;
    private long _work;
    private long _kept;
    private bool _ranOut;

    /// <summary>Starts with the first question.</summary>
    /// <param name="infoBytes">Bytes of entries.</param>
    /// <param name="keptBytes">The most that is kept.</param>
    internal DebugBudget(long infoBytes, ulong keptBytes)
    {
        _workOfQuestion = (infoBytes * WorkPerByte) + LeastWork;
        _mostKept = (long)Math.Min(keptBytes, long.MaxValue / 2);
        Begin();
    }

    /// <summary>What was given up; null for nothing.</summary>
    internal string? Problem => _kept > _mostKept
        ? string.Create(CultureInfo.InvariantCulture, $"the types and names of the debug information take more than {_mostKept >> 20} MiB: what comes behind that is left out")
        : _ranOut ? "the debug information refers to itself so often that looking through it was given up: it is damaged, or was made to take long" : null;

    /// <summary>Another question begins.</summary>
    internal void Begin() => _work = _workOfQuestion;

    /// <summary>Takes steps, each about as long as reading an attribute; false when there are none left.</summary>
    internal bool TrySpend(int steps)
    {
        _work -= steps;
        _ranOut |= _work < 0;
        return _work >= 0;
    }

    /// <summary>Takes memory for good; false when there is none left.</summary>
    internal bool TryKeep(long bytes)
    {
        if (_kept > _mostKept)
            return false;
        _kept += bytes;
        return _kept <= _mostKept;
    }
}
