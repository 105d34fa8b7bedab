namespace Uprobes;

/// <summary>What a query can ask when a function is entered. There are no objects of this kind.</summary>
public abstract class EntryPoint : InstructionPoint
{
    private protected EntryPoint()
    {
    }

    /// <summary>
    /// An integer or pointer argument by the System V x86-64 calling convention: 0 to 5 are rdi, rsi, rdx, rcx, r8, r9; from 6 on they
    /// are read from the stack. Floating-point arguments are not counted. Of an argument of 32 bits and less, the upper bits are
    /// undefined: cast it.
    /// </summary>
    /// <param name="index">0 to 31; must be known when the query is made.</param>
    public abstract ulong Arg(int index);

    /// <summary>An argument as a signed number: <c>(long)Arg(index)</c>. For C's <c>int</c>, write <c>(int)p.Arg(0)</c>.</summary>
    /// <param name="index">0 to 31; must be known when the query is made.</param>
    public abstract long SignedArg(int index);
}
