using System.Buffers.Binary;
using Uprobes.Programs.X64;

namespace Uprobes.Arming.Inline.X64;

/// <summary>
/// The code through which followed calls return, and what unwinders have to know of it. It is mapped in one piece:
/// <code>
/// +0     never run
/// +16    thunks, 16 bytes each
///        common     where all thunks go on: to the return program's code
///        finish     where that ends: to the caller
///        the unwind information
/// </code>
/// </summary>
internal sealed class CallThunks
{
    /// <summary>A thunk is looked up by the address before it, as that of a call would be: for the first there has to be one.</summary>
    private const int FirstThunk = 16;

    private readonly List<byte> _code = [];

    /// <summary>Makes the code for a place.</summary>
    /// <param name="start">Where it will be mapped.</param>
    /// <param name="entries">The call table.</param>
    /// <param name="capacity">Its entries, and thunks.</param>
    internal CallThunks(ulong start, ulong entries, int capacity)
    {
        Start = start;
        Table = new CallTable(entries, start + FirstThunk, capacity);
        _code.AddRange(Enumerable.Repeat((byte)0xCC, FirstThunk));
        int common = FirstThunk + (capacity * CallTable.ThunkSize);
        for (int i = 0; i < capacity; i++)
            EmitThunk(i, common);
        Common = Here;
        EmitCommon();
        Finish = Here;
        EmitFinish();
        Align();
        int cie = _code.Count;
        EmitCommonInformation();
        Frame = Here;
        EmitFrame(cie);
        Code = [.. _code];
    }

    internal static int LengthFor(int capacity) => FirstThunk + (capacity * CallTable.ThunkSize) + 512;

    internal ulong Start { get; }

    internal CallTable Table { get; }

    /// <summary>Where all thunks go on.</summary>
    internal ulong Common { get; }

    /// <summary>Where that ends: a jump to the address in rcx.</summary>
    internal ulong CommonJump { get; private set; }

    /// <summary>Where return programs end: stack and rcx as they found them.</summary>
    internal ulong Finish { get; }

    /// <summary>The last instruction, a jump to the address below the stack pointer.</summary>
    internal ulong LastJump { get; private set; }

    /// <summary>The frame description entry for all thunks.</summary>
    internal ulong Frame { get; }

    internal byte[] Code { get; }

    internal bool Contains(ulong address) => address - Start < (ulong)_code.Count;

    private ulong Here => Start + (ulong)_code.Count;

    /// <summary>
    /// The return address has been taken off the stack; its place is written again, and no other of the 128 bytes below the stack pointer: they are
    /// as the function left them.
    /// <code>
    /// 68 imm32            push  $index
    /// e9 rel32            jmp   common
    /// </code>
    /// </summary>
    private void EmitThunk(int index, int common)
    {
        _code.Add(0x68);
        Append32(index);
        _code.Add(0xE9);
        Append32(common - (_code.Count + 4));
        _code.AddRange([0xCC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC]);
    }

    /// <summary>
    /// Flags stay. The index is multiplied by the size of an entry, 128.
    /// <code>
    ///     lea   -120(%rsp), %rsp
    ///     push  120(%rsp)                 ; the index
    ///     push  %rcx
    ///     push  %rax
    ///     mov   16(%rsp), %ecx
    ///     lea   (,%rcx,8), %rcx
    ///     lea   (,%rcx,8), %rcx
    ///     lea   (%rcx,%rcx), %rcx
    ///     movabs $(entries + 24), %rax
    ///     mov   (%rax,%rcx), %rcx
    ///     pop   %rax
    ///     jmp   *%rcx
    /// </code>
    /// </summary>
    private void EmitCommon()
    {
        _code.AddRange([0x48, 0x8D, 0x64, 0x24, 0x88, 0xFF, 0x74, 0x24, 0x78, 0x51, 0x50, 0x8B, 0x4C, 0x24, 0x10]);
        EmitIndexTimesSize();
        _code.AddRange([0x48, 0xB8]);
        Append64(Table.Entries + CallTable.CodeOffset);
        _code.AddRange([0x48, 0x8B, 0x0C, 0x08, 0x58]);
        CommonJump = Here;
        _code.AddRange([0xFF, 0xE1]);
    }

    /// <summary>
    /// The entry is free once its key is 0; the return address is where it would have been left.
    /// <code>
    ///     push  %rax
    ///     mov   16(%rsp), %ecx
    ///     (times 128)
    ///     movabs $entries, %rax
    ///     lea   (%rax,%rcx), %rcx
    ///     mov   8(%rcx), %rax
    ///     movq  $0, (%rcx)
    ///     mov   %rax, 144(%rsp)
    ///     pop   %rax
    ///     pop   %rcx
    ///     lea   136(%rsp), %rsp
    ///     jmp   *-8(%rsp)
    /// </code>
    /// </summary>
    private void EmitFinish()
    {
        _code.AddRange([0x50, 0x8B, 0x4C, 0x24, 0x10]);
        EmitIndexTimesSize();
        _code.AddRange([0x48, 0xB8]);
        Append64(Table.Entries);
        _code.AddRange([0x48, 0x8D, 0x0C, 0x08]);
        _code.AddRange([0x48, 0x8B, 0x41, CallTable.ReturnAddressOffset]);
        _code.AddRange([0x48, 0xC7, 0x01, 0, 0, 0, 0]);
        _code.AddRange([0x48, 0x89, 0x84, 0x24, 0x90, 0, 0, 0, 0x58, 0x59, 0x48, 0x8D, 0xA4, 0x24, 0x88, 0, 0, 0]);
        LastJump = Here;
        _code.AddRange([0xFF, 0x64, 0x24, 0xF8]);
    }

    private void EmitIndexTimesSize()
    {
        _code.AddRange([0x48, 0x8D, 0x0C, 0xCD, 0, 0, 0, 0]);
        _code.AddRange([0x48, 0x8D, 0x0C, 0xCD, 0, 0, 0, 0]);
        _code.AddRange([0x48, 0x8D, 0x0C, 0x09]);
    }

    /// <summary>
    /// The common information entry (Linux Standard Base 5.0, 10.6.1; DWARF 5, 6.4). To an unwinder a thunk is a frame without size,
    /// whose caller is at the address that the call table holds. The frame is marked as a signal's, so that its
    /// place is taken as it is; then the address that is looked up for the caller has to be that of the call, one less than where it returns.
    /// <code>
    /// def_cfa rsp, 0
    /// val_expression ra: breg16(0) - thunks; /16; *128; + entries + 8; deref; - 1
    /// </code>
    /// </summary>
    private void EmitCommonInformation()
    {
        const int ReturnColumn = 16;
        int start = _code.Count;
        Append32(0);
        Append32(0);
        _code.Add(1);
        _code.AddRange("zRS\0"u8);
        _code.AddRange([1, 0x78, ReturnColumn, 1, 0x00]); // alignment of code and of data (-8), column, augmentation: absolute addresses
        _code.AddRange([0x0C, 7, 0]);
        List<byte> expression = [0x70 + ReturnColumn, 0];
        AppendAddress(expression, Table.Thunks);
        expression.AddRange([0x1C, 0x34, 0x25, 0x08, CallTable.EntrySize, 0x1E]); // minus, lit4 shr, const1u 128 mul
        AppendAddress(expression, Table.Entries + CallTable.ReturnAddressOffset);
        expression.AddRange([0x22, 0x06, 0x31, 0x1C]); // plus, deref, lit1 minus
        _code.AddRange([0x16, ReturnColumn, (byte)expression.Count]);
        _code.AddRange(expression);
        Close(start);
    }

    private void EmitFrame(int commonInformation)
    {
        int start = _code.Count;
        Append32(0);
        Append32(_code.Count - commonInformation);
        Append64(Start);
        Append64((ulong)(FirstThunk + (Table.Capacity * CallTable.ThunkSize)));
        _code.Add(0);
        Close(start);
        Append32(0);
    }

    /// <summary>Fills an entry up with nops and writes its length.</summary>
    private void Close(int start)
    {
        while ((_code.Count - start) % 8 != 4)
            _code.Add(0);
        BinaryPrimitives.WriteInt32LittleEndian(
            System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_code)[start..], _code.Count - start - 4);
    }

    private void Align()
    {
        while (_code.Count % 8 != 0)
            _code.Add(0xCC);
    }

    private static void AppendAddress(List<byte> expression, ulong address)
    {
        expression.Add(0x03); // DW_OP_addr
        expression.AddRange(BitConverter.GetBytes(address));
    }

    private void Append32(int value) => _code.AddRange(BitConverter.GetBytes(value));

    private void Append64(ulong value) => _code.AddRange(BitConverter.GetBytes(value));
}
