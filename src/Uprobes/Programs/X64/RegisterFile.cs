namespace Uprobes.Programs.X64;

/// <summary>
/// Which registers hold what while code is made. rax, rcx and rdx are for single steps and are never taken here; what is taken
/// is given back in any order. Registers that the program reads are taken last: they would have to be read from their saved copy.
/// </summary>
internal sealed class RegisterFile
{
    private readonly Gpr[] _pool;

    /// <param name="read">Registers that the program reads.</param>
    /// <param name="candidates">All that may be taken.</param>
    internal RegisterFile(RegisterSet read, params ReadOnlySpan<Gpr> candidates)
    {
        _pool = new Gpr[candidates.Length];
        int count = 0;
        foreach (Gpr register in candidates)
        {
            if (!read.Contains(register))
                _pool[count++] = register;
        }

        foreach (Gpr register in candidates)
        {
            if (read.Contains(register))
                _pool[count++] = register;
        }
    }

    /// <summary>Held at present.</summary>
    internal RegisterSet Held { get; private set; }

    /// <summary>Everything that code has changed or will change.</summary>
    internal RegisterSet Touched { get; private set; }

    /// <summary>Whether a register was wanted when there was none. The code is no good then.</summary>
    internal bool HasOverflowed { get; private set; }

    internal int FreeCount => _pool.Length - Held.Count;

    /// <summary>Takes a register.</summary>
    internal Gpr Take()
    {
        foreach (Gpr register in _pool)
        {
            if (Held.Contains(register))
                continue;
            Take(register);
            return register;
        }

        HasOverflowed = true;
        return _pool[0];
    }

    /// <summary>Takes a certain register, which is free.</summary>
    internal void Take(Gpr register)
    {
        Held = Held.With(register);
        Touch(register);
    }

    internal void Give(Gpr register) => Held = Held.Without(register);

    /// <summary>Gives a value's register back if it has one of its own.</summary>
    internal void Give(Operand operand)
    {
        if (operand.IsOwned)
            Give(operand.Register);
    }

    /// <summary>Notes that code changes a register.</summary>
    internal void Touch(Gpr register) => Touched = Touched.With(register);
}
