namespace Uprobes.Arming.Trap;

/// <summary>Who uses a stack.</summary>
internal enum StackOwner
{
    /// <summary>The thread that is looked at, since its start.</summary>
    Thread,

    /// <summary>A coroutine that makecontext gave it to.</summary>
    Coroutine,

    /// <summary>Memory that serves as a stack, of which nothing else is known: for signal handlers, or for coroutines of the program's own making.</summary>
    Other,
}

/// <summary>One stack. The stack pointers on it are those above <paramref name="Low"/>, up to <paramref name="High"/>.</summary>
/// <param name="Low">Its lowest address.</param>
/// <param name="High">The first address behind it.</param>
/// <param name="Owner">Who uses it.</param>
internal readonly record struct StackExtent(ulong Low, ulong High, StackOwner Owner)
{
    internal bool Holds(ulong stackPointer) => stackPointer > Low && stackPointer <= High;
}
