namespace Uprobes.Images.Types.X64;

/// <summary>How an argument or a result is handed over.</summary>
internal enum PlaceKind
{
    /// <summary>The value is the argument of an index, or rax.</summary>
    Word,

    /// <summary>Its address is the argument of an index, or rax.</summary>
    Address,

    /// <summary>It lies on the stack, so many words above the return address.</summary>
    Stack,

    /// <summary>It is nowhere where it could be read.</summary>
    Nowhere,
}

/// <summary>Where an argument is when its function is entered, or a result when it returns.</summary>
/// <param name="Kind">How.</param>
/// <param name="Index">
/// Which integer argument: 0 to 5 are rdi, rsi, rdx, rcx, r8 and r9, from 6 on words of the stack. For <see cref="PlaceKind.Stack"/>, words above the return
/// address. Of results 0.
/// </param>
/// <param name="Reason">Why it is nowhere, as in "it …"; null otherwise.</param>
internal readonly record struct ValuePlace(PlaceKind Kind, int Index, string? Reason = null);
