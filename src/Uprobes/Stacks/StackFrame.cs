using System.Globalization;
using Uprobes.Images.SourceLines;

namespace Uprobes.Stacks;

/// <summary>One call of a stack, with names. Names come from files of others: whoever shows them on a terminal escapes them.</summary>
/// <param name="Address">The address in the process.</param>
/// <param name="Function">The function's name as its language writes it, or null.</param>
/// <param name="Offset">How many bytes behind the function's start the address is.</param>
/// <param name="Module">The path of the file, a name in brackets, or null for memory without either.</param>
/// <param name="ModuleOffset">The address as the file's linker assigned it, or, where that is not known, the byte of the file; 0 without a file.</param>
internal readonly record struct StackFrame(ulong Address, string? Function, ulong Offset, string? Module, ulong ModuleOffset)
{
    /// <summary>The function's name as the linker knows it, or null.</summary>
    internal string? RawFunction { get; init; }

    /// <summary>The line of source, of a return address that of the call; null where no debug information says it.</summary>
    internal SourceLine? Source { get; init; }

    /// <summary>Whether it is where a signal handler returns to: the next frame was interrupted, not called.</summary>
    internal bool IsSignal { get; init; }

    /// <summary>
    /// Whether the compiler put the function's code into that of the frame that follows: both are at the same address, and the call is no place in the code. Its
    /// <see cref="Offset"/> is 0, for it has no start. The frame behind a row of such ones is the function that the address is in.
    /// </summary>
    internal bool IsInlined { get; init; }

    /// <summary>As <c>name+12</c> with a decimal offset, as <c>name (inlined)</c>, or as <c>0x7f12</c>.</summary>
    public override string ToString() => Function is null
        ? string.Create(CultureInfo.InvariantCulture, $"0x{Address:x}")
        : IsInlined ? $"{Function} (inlined)"
        : string.Create(CultureInfo.InvariantCulture, $"{Function}+{Offset}");
}
