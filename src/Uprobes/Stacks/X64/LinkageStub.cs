namespace Uprobes.Stacks.X64;

/// <summary>The call stubs of the linker, for images whose linker did not describe them: what they have pushed at each place.</summary>
internal static class LinkageStub
{
    private const int EntryBytes = 16;

    /// <summary>
    /// The bytes between the stack pointer and the return address. An entry of <c>.plt</c>, and before them the common one:
    /// <code>
    /// entry:  jmp [slot]          common:  push [map]     ; 6 bytes
    ///         push index                   jmp [resolver]
    ///         jmp common    ; at byte 11
    /// </code>
    /// Entries of the other sections only jump.
    /// </summary>
    /// <param name="section">The section's name.</param>
    /// <param name="offset">How far behind the section's start the place is.</param>
    internal static ulong Pushed(string section, ulong offset) => section != ".plt" ? 0
        : offset < EntryBytes ? (offset < 6 ? 8UL : 16)
        : offset % EntryBytes >= 11 ? 8UL : 0;

    /// <summary>Whether a section holds such stubs.</summary>
    internal static bool IsStubSection(string name) => name is ".plt" or ".plt.got" or ".plt.sec" or ".iplt";
}
