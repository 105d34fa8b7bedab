using Iced.Intel;
using Uprobes.Images;

namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// Runtimes that take a SIGSEGV as part of the program: a nil dereference in Go, a null reference in .NET, a safe fetch in a Java virtual machine.
/// They decide by the address of the instruction, and that of a displaced one is in a trampoline, which they do not know. In their images an
/// instruction that can fault stays where it is. They also know where a thread may be stopped, so never more than one is displaced.
/// </summary>
internal static class FaultRules
{
    private static readonly string[] Sections = [".gopclntab", ".data.rel.ro.gopclntab", ".note.go.buildid", ".go.buildinfo", "__managedcode"];
    private static readonly string[] Sonames = ["libjvm.so", "libcoreclr.so"];

    /// <summary>Whether an image belongs to such a runtime.</summary>
    public static bool Apply(ElfImage image) =>
        image.Sections.Any(section => Sections.Contains(section.Name)) || Sonames.Contains(image.Soname);

    /// <summary>Whether any of some instructions can fault in a program that works.</summary>
    /// <param name="code">Whole instructions.</param>
    /// <param name="address">Of the first one.</param>
    public static bool CanFault(ReadOnlySpan<byte> code, ulong address)
    {
        Decoder decoder = Decoder.Create(64, new ByteArrayCodeReader(code.ToArray()), address);
        while (decoder.IP - address < (ulong)code.Length)
        {
            decoder.Decode(out Instruction instruction);
            if (instruction.IsInvalid || CanFault(instruction))
                return true;
        }

        return false;
    }

    /// <summary>
    /// Whether an instruction can fault in a program that works. Not counted: the stack, whose growth these runtimes check beforehand, thread-local
    /// storage, and Go's comparison of the stack pointer with a field of the current goroutine.
    /// </summary>
    public static bool CanFault(in Instruction instruction)
    {
        if (instruction.Mnemonic is Mnemonic.Div or Mnemonic.Idiv or Mnemonic.Ud2 || instruction.IsStringInstruction)
            return true;
        if (instruction.Mnemonic is Mnemonic.Lea or Mnemonic.Nop)
            return false;
        for (int operand = 0; operand < instruction.OpCount; operand++)
        {
            if (instruction.GetOpKind(operand) == OpKind.Memory && !IsSafe(instruction))
                return true;
        }

        return false;
    }

    /// <summary><code>49 3b 66 10     cmp  16(%r14), %rsp</code> and with another register instead of RSP.</summary>
    private static bool IsSafe(in Instruction instruction) => instruction.IsIPRelativeMemoryOperand
        || (instruction.SegmentPrefix is Register.FS or Register.GS && instruction.MemoryBase == Register.None)
        || (instruction.MemoryBase == Register.RSP && instruction.MemoryIndex == Register.None)
        || (instruction is { Mnemonic: Mnemonic.Cmp, MemoryBase: Register.R14, MemoryIndex: Register.None, MemoryDisplacement64: 16 });
}
