namespace Uprobes.Arming.Inline.X64;

/// <summary>Code at the entry of <c>_Unwind_Find_FDE</c> (libgcc, unwind-dw2-fde.h): answers for the thunks, and leaves all else to the function.</summary>
internal static class UnwinderCode
{
    /// <summary>
    /// In the frame of <see cref="Programs.X64.ProgramCode"/>: 136 bytes below the caller's stack pointer, rcx free. rdi is an address,
    /// rsi a <c>struct dwarf_eh_bases</c> of three words.
    /// <code>
    ///     push  %rax                      50
    ///     lahf; seto %al                  9f 0f 90 c0
    ///     push  %rax                      50
    ///     movabs $start, %rax             48 b8 imm64
    ///     mov   %rdi, %rcx                48 89 f9
    ///     sub   %rax, %rcx                48 29 c1
    ///     cmp   $length, %rcx             48 81 f9 imm32
    ///     jae   out                       73 rel8
    ///     movq  $0, (%rsi)                48 c7 06 0
    ///     movq  $0, 8(%rsi)               48 c7 46 08 0
    ///     mov   %rax, 16(%rsi)            48 89 46 10
    ///     movabs $frame, %rax             48 b8 imm64
    ///     lea   152(%rsp), %rsp           48 8d a4 24 98 00 00 00
    ///     ret                             c3
    /// out:
    ///     pop   %rax                      58
    ///     add   $127, %al; sahf           04 7f 9e
    ///     pop   %rax                      58
    /// </code>
    /// </summary>
    internal static byte[] Emit(CallThunks thunks)
    {
        List<byte> code = [0x50, 0x9F, 0x0F, 0x90, 0xC0, 0x50, 0x48, 0xB8];
        code.AddRange(BitConverter.GetBytes(thunks.Start));
        code.AddRange([0x48, 0x89, 0xF9, 0x48, 0x29, 0xC1, 0x48, 0x81, 0xF9]);
        code.AddRange(BitConverter.GetBytes((int)(thunks.Finish - thunks.Start)));
        code.AddRange([0x73, 0]);
        int jump = code.Count;
        code.AddRange([0x48, 0xC7, 0x06, 0, 0, 0, 0]);
        code.AddRange([0x48, 0xC7, 0x46, 0x08, 0, 0, 0, 0]);
        code.AddRange([0x48, 0x89, 0x46, 0x10, 0x48, 0xB8]);
        code.AddRange(BitConverter.GetBytes(thunks.Frame));
        code.AddRange([0x48, 0x8D, 0xA4, 0x24, 0x98, 0, 0, 0, 0xC3]);
        code[jump - 1] = (byte)(code.Count - jump);
        code.AddRange([0x58, 0x04, 0x7F, 0x9E, 0x58]);
        return [.. code];
    }
}
