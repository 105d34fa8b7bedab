using Uprobes.Channels;
using Uprobes.Stacks;
using Uprobes.Stacks.X64;

namespace Uprobes.Programs;

/// <summary>
/// What a program sends of a thread so that its stack can be unwound: <see cref="FieldCount"/> fields of an event. A return program sends
/// the caller's, as it is after the return.
/// </summary>
internal static class StackCapture
{
    // The stack pointer, then what calls keep: rbp, rbx, r12 to r15.
    private static readonly int[] Numbers = [StackPointer, 5, 3, 12, 13, 14, 15];
    private const int StackPointer = 4;

    /// <summary>The instruction's address, seven registers, and the bytes.</summary>
    internal const int FieldCount = 9;

    /// <summary>The most bytes of a stack that fit beside the other fields and a few more of an event.</summary>
    internal const int MostBytes = 15 * 1024;

    /// <summary>The values to send.</summary>
    /// <param name="bytes">How much of the stack, a multiple of 8, at most <see cref="MostBytes"/>.</param>
    internal static IReadOnlyList<Expression> Fields(int bytes) =>
    [
        new Builtin(BuiltinKind.Instruction),
        .. Numbers.Select(n => new RegisterValue(n)),
        new StackBytes(bytes),
    ];

    /// <summary>Their types, for the event's definition.</summary>
    internal static IReadOnlyList<DataType> Types(int bytes) => [.. Enumerable.Repeat(DataType.U64, FieldCount - 1), DataType.Text(bytes)];

    /// <summary>What was sent; valid as long as the record is.</summary>
    /// <param name="record">The event.</param>
    /// <param name="first">Which of its fields is the first of these.</param>
    /// <param name="isAtEntry">Whether the thread was at the first instruction of a function.</param>
    internal static CapturedStack Read(EventRecord record, int first, bool isAtEntry)
    {
        StackRegisters registers = default;
        registers.Set(StackRegisters.Rip, (ulong)record.Integer(first));
        for (int i = 0; i < Numbers.Length; i++)
            registers.Set(StackRegisters.OfProcessor(Numbers[i]), (ulong)record.Integer(first + 1 + i));
        return new CapturedStack(registers, record.Text(first + FieldCount - 1), isAtEntry);
    }
}
