using System.Globalization;
using System.Runtime.InteropServices;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.AnyState;

/// <summary>The process that calls the functions of a <see cref="Sea"/> with states chosen by a seed.</summary>
internal sealed class SeaTarget : IDisposable
{
    private static readonly string[] Places = ["the thread's own stack", "an alternate stack", "a stack without a byte to spare"];
    private static readonly string[] Parts = ["registers", "flags", "vectors and x87", "red zone", "memory", "errno"];
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);
    private readonly Sea _sea;
    private int _files;

    internal SeaTarget(Sea sea, int seed)
    {
        _sea = sea;
        Process = TargetProcess.StartTarget("anystate");
        Process.Ask($"seed {seed.ToString(CultureInfo.InvariantCulture)}");
        Assert.NotEqual("0", Process.Ask($"load {sea.Library}"));
    }

    internal TargetProcess Process { get; }

    /// <summary>How often each byte of the text was the first of an instruction that ran; by single steps, without any probe.</summary>
    internal uint[] Count() => MemoryMarshal.Cast<byte, uint>(Ask("count")).ToArray();

    /// <summary>Digests of what every function leaves, of each part of the state in each place.</summary>
    internal ulong[] Run() => MemoryMarshal.Cast<byte, ulong>(Ask("run")).ToArray();

    /// <summary>Has signals come, or no longer.</summary>
    /// <param name="microseconds">Between two; 0 ends them.</param>
    /// <returns>How many have come before.</returns>
    internal string Tick(int microseconds) => Process.Ask($"timer {microseconds.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>Fails if a function left something other than before.</summary>
    internal void AssertSame(ulong[] before, ulong[] now, string when)
    {
        Assert.Equal(before.Length, now.Length);
        string[] differences = [.. Enumerable.Range(0, now.Length).Where(i => before[i] != now[i])
            .Select(i => $"f{i / Parts.Length / Places.Length} on {Places[i / Parts.Length % Places.Length]}: {Parts[i % Parts.Length]}")];
        if (differences.Length == 0)
            return;
        string function = differences[0].Split(' ')[0];
        Assert.Fail($"{when}, {differences.Length} differ:\n{string.Join('\n', differences.Take(40))}\n"
            + string.Join('\n', _sea.Instructions.Where(i => i.Function == function)));
    }

    public void Dispose() => Process.Dispose();

    private byte[] Ask(string command)
    {
        string path = _sea.PathOf($"{command}{_files++}");
        Assert.Equal("1", Process.Ask($"{command} {path}", Long));
        byte[] answer = File.ReadAllBytes(path);
        File.Delete(path);
        return answer;
    }
}
