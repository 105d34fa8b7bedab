using System.Globalization;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Inline;

/// <summary>The target whose threads call functions without a pause, and count exactly what they call in a window of time.</summary>
internal sealed class Hitters : IDisposable
{
    /// <summary>Probe points: a function, an offset in it, and how often it is passed in each round of a thread.</summary>
    internal static readonly (string Function, ulong Offset, int PerRound)[] Points =
    [
        ("hit_long", 0, 1), ("hit_long", 5, 1), ("hit_long", 8, 1), ("hit_long", 11, 1),
        ("hit_short", 0, 1), ("hit_short", 1, 1), ("hit_short", 4, 1), ("hit_short", 7, 1), ("hit_short", 10, 1),
        ("hit_tiny", 0, 2), ("hit_tiny", 3, 2), ("hit_branch", 0, 1), ("hit_branch", 3, 1),
        ("hit_call", 0, 1), ("hit_call", 5, 1), ("hit_loop", 0, 1), ("hit_loop", 5, 3), ("hit_loop", 9, 3),
        ("hit_flags", 0, 1), ("hit_flags", 3, 1), ("hit_flags", 5, 1), ("hit_system", 0, 1), ("hit_system", 5, 1),
        ("hit_divided", 0, 1), ("hit_divided", 5, 1), ("hit_divided", 8, 1), ("hit_part", 0, 1),
    ];

    /// <summary>Starts it.</summary>
    /// <param name="threads">How many call.</param>
    /// <param name="tick">Microseconds of processor time between signals; 0 for none.</param>
    internal Hitters(int threads, int tick = 0)
    {
        Process = TargetProcess.StartTarget("hitters");
        Process.Ask($"spin {threads}");
        if (tick > 0)
            Process.Ask($"tick {tick}");
    }

    /// <summary>The functions' names.</summary>
    internal static IEnumerable<string> Functions => Points.Select(p => p.Function).Distinct();

    internal TargetProcess Process { get; }

    internal static ProbePoint At(string function, ulong offset = 0) => ProbePoint.At(Targets.Path("hitters"), function, offset);

    /// <summary>
    /// Lets the threads make some rounds with a first argument that is not 0. All calls with one begin after this was called, and have ended when it returns.
    /// </summary>
    /// <returns>How many rounds they were.</returns>
    internal long Window(int rounds)
    {
        try
        {
            return long.Parse(Process.Ask($"window {rounds}", TimeSpan.FromSeconds(60)), CultureInfo.InvariantCulture);
        }
        catch (InvalidOperationException) when (Process.HasExited)
        {
            Assert.Fail($"{Process.WaitForExit()} {Process.Errors}");
            throw;
        }
    }

    /// <summary>Ends the work; fails unless all answers were right.</summary>
    internal void AssertRight(string when = "")
    {
        AssertAlive(when);
        Assert.Equal("0", Process.Ask("stop", TimeSpan.FromSeconds(60)));
    }

    internal void AssertAlive(string when) => Assert.False(Process.HasExited, $"{when}: {(Process.HasExited ? Process.WaitForExit() + Process.Errors : "")}");

    public void Dispose() => Process.Dispose();
}
