using System.Buffers.Binary;

namespace Uprobes.Arming.Trap;

/// <summary>What a program has chosen for SIGTRAP, and would see without us.</summary>
/// <param name="IsIgnored">SIG_IGN.</param>
/// <param name="IsCaught">A handler of its own.</param>
/// <param name="Action">
/// The <c>struct kernel_sigaction</c> (32 bytes: handler, flags, restorer, mask); null for a handler that could not be read.
/// </param>
/// <param name="Former">The net of a killed tracer, whose handler stands in the place of what the program had chosen.</param>
internal sealed record ProgramDisposition(bool IsIgnored, bool IsCaught, byte[]? Action, FormerNet? Former = null)
{
    internal const int ActionSize = 32;
    private const ulong DefaultAction = 0, IgnoreAction = 1;

    /// <summary>SIG_DFL, as a program has it that never chose.</summary>
    internal static ProgramDisposition Default { get; } = new(false, false, new byte[ActionSize]);

    /// <summary>SIG_IGN, as a program has it that inherited it.</summary>
    internal static ProgramDisposition Ignored { get; } = Of([1, .. new byte[ActionSize - 1]]);

    internal static ProgramDisposition Of(byte[] action)
    {
        ulong handler = BinaryPrimitives.ReadUInt64LittleEndian(action);
        return new ProgramDisposition(handler == IgnoreAction, handler is not (DefaultAction or IgnoreAction), action);
    }
}
