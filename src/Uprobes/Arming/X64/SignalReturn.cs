namespace Uprobes.Arming.X64;

/// <summary>
/// The code that a signal handler returns to, in every C library and in Go:
/// <code>
/// 48 c7 c0 0f 00 00 00    mov  $15, %rax        (rt_sigreturn)
/// 0f 05                   syscall
/// </code>
/// Unwinders (libgcc, gdb) find signal frames by exactly these nine bytes, so neither instruction may be patched.
/// </summary>
internal static class SignalReturn
{
    /// <summary>Bytes before the <c>syscall</c>.</summary>
    public const int SyscallOffset = 7;

    private static ReadOnlySpan<byte> Sequence => [0x48, 0xC7, 0xC0, 0x0F, 0x00, 0x00, 0x00, 0x0F, 0x05];

    /// <summary>Whether <paramref name="code"/> starts with the sequence.</summary>
    public static bool StartsAt(ReadOnlySpan<byte> code) => code.StartsWith(Sequence);

    /// <summary>
    /// Whether the byte at <paramref name="offset"/> of <paramref name="text"/> is in the sequence. The relocator sees
    /// only what follows a site; whoever has the whole text asks this for a site on the <c>syscall</c>.
    /// </summary>
    public static bool Covers(ReadOnlySpan<byte> text, int offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(offset, text.Length);
        for (int start = offset; start >= 0 && start > offset - Sequence.Length; start--)
        {
            if (StartsAt(text[start..]))
                return true;
        }

        return false;
    }
}
