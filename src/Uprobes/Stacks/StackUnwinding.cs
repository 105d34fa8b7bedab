namespace Uprobes.Stacks;

/// <summary>Why a stack has no more frames.</summary>
internal enum StackEnd
{
    /// <summary>The thread's first function was reached.</summary>
    Outermost,

    /// <summary>What was captured ends here: the stack goes on.</summary>
    Truncated,

    /// <summary>There are more frames than fit.</summary>
    TooDeep,

    /// <summary>The last address is in no code that is known to be mapped. If that is because a file was mapped since, it helps to look again.</summary>
    Unmapped,

    /// <summary>Nothing is known of the last address's code, or what is known does not fit the stack.</summary>
    Broken,
}

/// <summary>What came of an unwinding.</summary>
/// <param name="Count">How many frames were found.</param>
/// <param name="End">Why there are no more.</param>
internal readonly record struct StackUnwinding(int Count, StackEnd End);
