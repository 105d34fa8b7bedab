using System.Numerics;

namespace Uprobes.Programs.X64;

/// <summary>General registers, a bit for each by its number.</summary>
internal readonly record struct RegisterSet(ushort Bits)
{
    internal int Count => BitOperations.PopCount(Bits);

    internal bool Contains(Gpr register) => (Bits >> register.Number & 1) != 0;

    internal RegisterSet With(Gpr register) => this | register.Alone;

    internal RegisterSet Without(Gpr register) => new((ushort)(Bits & ~register.Alone.Bits));

    public static RegisterSet operator |(RegisterSet left, RegisterSet right) => new((ushort)(left.Bits | right.Bits));

    /// <summary>The registers, by number.</summary>
    internal IEnumerable<Gpr> All()
    {
        for (int number = 0; number < 16; number++)
        {
            if (Contains(new(number)))
                yield return new(number);
        }
    }
}
