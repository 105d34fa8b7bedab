using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Uprobes.Arming.X64;
using Uprobes.Channels;
using Uprobes.Programs.X64;

namespace Uprobes.Arming.Inline.X64;

/// <summary>Writes a trampoline: the programs of a site, then the displaced instructions.</summary>
internal static class TrampolineBuilder
{
    private const int DoorstepSize = 5, GuardSize = 16, FrameSize = 28, LongestCopy = 24;

    /// <summary>Bytes that a trampoline needs at most.</summary>
    internal static int MostBytes(int displaced, ProgramCode? own, List<ProgramCodes> programs)
    {
        int bytes = DoorstepSize + 64 + ((displaced + 1) * LongestCopy) + (own is null ? 0 : own.Code.Length + GuardSize + FrameSize);
        foreach (ProgramCodes program in programs)
            bytes += program.Entry.Code.Length + GuardSize + FrameSize;
        return bytes;
    }

    /// <summary>Makes the code.</summary>
    /// <param name="site">The place, with its displaced instructions.</param>
    /// <param name="programs">What runs in front of which displaced instruction, by its start in bytes from the site; each part in order.</param>
    /// <param name="start">Where the trampoline will be.</param>
    /// <param name="refusal">Why there is none.</param>
    internal static Trampoline? Build(
        InlineSite site, IReadOnlyList<PlacedProgram> programs, ulong start, [NotNullWhen(false)] out RelocationRefusal? refusal)
    {
        List<byte> code = new(capacity: 256);
        Doorstep(code, out int doorstep);
        ulong entry = start + (ulong)code.Count;
        List<(ulong, ulong)> doors = new(capacity: 1) { (entry, site.Address) };
        AppendPrograms(code, At(0), start, doorstep);
        ulong runStart = start + (ulong)code.Count;
        if (!RunRelocator.TryRelocate(site.Original, site.Address, site.Length, runStart, Insert, out RelocatedRun? run, out refusal))
            return null;
        code.AddRange(run.Code);
        return new Trampoline
        {
            Start = start,
            Entry = entry,
            Code = [.. code],
            RunStart = runStart,
            Run = run,
            Flags = FlagsOf(programs),
            Doors = doors,
        };

        byte[]? Insert(int offset, ulong address)
        {
            IReadOnlyList<PlacedProgram> here = At(offset);
            if (here.Count == 0)
                return null;
            List<byte> inserted = [];
            doors.Add((address, site.Address + (ulong)offset));
            AppendPrograms(inserted, here, address, doorstep: -1);
            return [.. inserted];
        }

        // One program at the site's first instruction is the rule.
        IReadOnlyList<PlacedProgram> At(int offset) => programs is [{ Offset: 0 }] ? (offset == 0 ? programs : []) : [.. programs.Where(p => p.Offset == offset)];
    }

    private static ulong[] FlagsOf(IReadOnlyList<PlacedProgram> programs)
    {
        ulong[] flags = new ulong[programs.Count];
        for (int i = 0; i < flags.Length; i++)
            flags[i] = programs[i].Flag;
        return flags;
    }

    /// <summary>
    /// In front of the entry, so that the way that is taken when the program runs has no jump in it:
    /// <code>
    /// e9 rel32            jmp  out
    /// </code>
    /// </summary>
    private static void Doorstep(List<byte> code, out int at)
    {
        at = code.Count;
        code.AddRange([0xE9, 0, 0, 0, 0]);
    }

    /// <summary>
    /// Flags are kept, the red zone is skipped. The first instruction writes where the programs reach furthest: where the stack ends, it
    /// ends there, with all registers as the probed thread has them.
    /// <code>
    ///                                 mov    %rcx, -192(%rsp)         48 89 8c 24 40 ff ff ff
    ///                                 lea    -128(%rsp), %rsp         48 8d 64 24 80
    ///                                 push   %rcx                     51
    ///  for each program:
    ///                                 movzbl flag(%rip), %ecx         0f b6 0d rel32
    ///   the first                     jrcxz  doorstep                 e3 rel8
    ///   the others                    jrcxz  .+4                      e3 02
    ///                                 jmp    .+7                      eb 05
    ///                                 jmp    next                     e9 rel32
    ///                                 (program)
    ///                           next:
    ///                           out:  pop    %rcx                     59
    ///                                 lea    128(%rsp), %rsp          48 8d a4 24 80 00 00 00
    /// </code>
    /// </summary>
    private static void AppendPrograms(List<byte> code, IReadOnlyList<PlacedProgram> programs, ulong start, int doorstep)
    {
        if (programs.Count == 0)
            return;
        code.AddRange([0x48, 0x89, 0x8C, 0x24, 0x40, 0xFF, 0xFF, 0xFF, 0x48, 0x8D, 0x64, 0x24, 0x80, 0x51]);
        for (int i = 0; i < programs.Count; i++)
        {
            PlacedProgram program = programs[i];
            code.AddRange([0x0F, 0xB6, 0x0D]);
            Append32(code, (int)(program.Flag - (start + (ulong)code.Count + 4)));
            // With one program alone the jump from the doorstep and the one past the program lead to the same place.
            bool usesDoorstep = i == 0 && programs.Count == 1 && doorstep >= 0;
            if (usesDoorstep)
                code.AddRange([0xE3, (byte)(sbyte)(doorstep - (code.Count + 2))]);
            else
                code.AddRange([0xE3, 0x02, 0xEB, 0x05, 0xE9, 0, 0, 0, 0]);
            int jump = usesDoorstep ? doorstep : code.Count - DoorstepSize;
            AppendProgram(code, program);
            Set32(code, jump + 1, code.Count - (jump + DoorstepSize));
        }

        code.AddRange([0x59, 0x48, 0x8D, 0xA4, 0x24, 0x80, 0x00, 0x00, 0x00]);
    }

    /// <summary>Appends a copy of a program's code with what is the probe's own in it.</summary>
    internal static void AppendProgram(List<byte> code, PlacedProgram program)
    {
        int body = code.Count;
        code.AddRange(program.Code.Code);
        foreach (CodePatch patch in program.Code.Patches)
            Apply(code, body, patch, program);
    }

    private static void Apply(List<byte> code, int body, in CodePatch patch, PlacedProgram program)
    {
        int at = body + patch.Offset;
        switch (patch.Kind)
        {
            case CodePatchKind.CellOffset:
                Set32(code, at, Get32(code, at) + (8 * program.Layout!.Maps[patch.Map].CellWords * program.Probe));
                break;
            case CodePatchKind.ProbeIndex:
                Set32(code, at, program.Probe);
                break;
            case CodePatchKind.SiteAddress:
                Set64(code, at, program.Site);
                break;
            case CodePatchKind.ReturnCode:
                Set64(code, at, program.ReturnCode);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(patch));
        }
    }

    private static void Append32(List<byte> code, int value)
    {
        code.AddRange([0, 0, 0, 0]);
        Set32(code, code.Count - 4, value);
    }

    private static int Get32(List<byte> code, int at) =>
        BinaryPrimitives.ReadInt32LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(code)[at..]);

    private static void Set32(List<byte> code, int at, int value) =>
        BinaryPrimitives.WriteInt32LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(code)[at..], value);

    private static void Set64(List<byte> code, int at, ulong value) =>
        BinaryPrimitives.WriteUInt64LittleEndian(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(code)[at..], value);
}

/// <summary>A program in a trampoline.</summary>
/// <param name="Offset">In front of which displaced instruction, in bytes from the site.</param>
/// <param name="Code">The program.</param>
/// <param name="Flag">Address of the byte that says whether it runs.</param>
/// <param name="Probe">The probe's index in its group.</param>
/// <param name="Site">Address of the probed instruction.</param>
/// <param name="ReturnCode">Address of the return program's code, or 0.</param>
/// <param name="Layout">Of the channel that it writes to; null for code of the engine's own.</param>
internal sealed record PlacedProgram(
    int Offset, ProgramCode Code, ulong Flag, int Probe, ulong Site, ulong ReturnCode, ChannelLayout? Layout);
