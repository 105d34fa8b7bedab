using CsCheck;
using Uprobes.Programs;

namespace Uprobes.Tests.Programs.X64;

/// <summary>Random programs as machine code and interpreted: maps, events, losses, and all that the probed thread can see of it.</summary>
[Collection("synthetic memory")]
public sealed class RandomProgramTests
{
    private const int Programs = 5500, HitsEach = 20, LeastHits = 100_000;

    [Fact]
    public void Machine_code_does_what_the_interpreter_does()
    {
        using BackEndComparison comparison = new();
        Gen<(ProgramCase, uint)> cases = Gen.Select(ProgramGenerator.Cases, Gen.UInt);

        // One after the other: there is one synthetic memory.
        cases.Sample((test, seed) => comparison.Compare(test.Group, Hits(test, seed)), iter: Programs, threads: 1);
        Assert.True(comparison.Hits >= LeastHits);
    }

    /// <summary>The case's own hits, then others with the same memory.</summary>
    private static IEnumerable<(SyntheticContext Entry, SyntheticContext Return)> Hits(ProgramCase test, uint seed)
    {
        yield return (test.Entry, test.Return);
        Random random = new((int)seed);
        ushort[] numbers = new ushort[80];
        for (int i = 1; i < HitsEach; i++)
        {
            yield return (Choose(), Choose());
        }

        SyntheticContext Choose()
        {
            for (int n = 0; n < numbers.Length; n++)
                numbers[n] = (ushort)random.Next(65536);
            return SyntheticContext.Choose(new(numbers), test.Entry.Memory, ProgramCase.Probes);
        }
    }
}
