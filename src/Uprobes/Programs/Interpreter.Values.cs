using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Uprobes.Channels;

namespace Uprobes.Programs;

/// <summary>What expressions give.</summary>
internal sealed partial class Interpreter
{
    /// <summary>Arguments in registers: rdi, rsi, rdx, rcx, r8, r9 (System V ABI, AMD64, section 3.2.3).</summary>
    private static ReadOnlySpan<byte> ArgumentRegisters => [7, 6, 2, 1, 8, 9];

    private const int ResultRegister = 0, StackRegister = 4;
    private const ulong PageSize = 4096;

    private long Integer(Expression expression) => expression switch
    {
        Constant constant => constant.Value,
        RegisterValue register => (long)_context.Register(register.Number),
        Argument argument => ArgumentValue(argument.Index),
        ReturnValue => (long)_context.Register(ResultRegister),
        EntryWord word => (long)_context.EntryWord(word.Index),
        Builtin builtin => BuiltinValue(builtin),
        Load load => LoadInteger((ulong)Integer(load.Address), load.Type),
        Unary unary => IntegerArithmetic.Apply(unary.Operator, unary.Operand.Type, Integer(unary.Operand)),
        Binary binary => BinaryValue(binary),
        Cast cast => cast.Type.Wrap(Integer(cast.Operand)),
        Conditional choice => Integer(Integer(choice.Condition) != 0 ? choice.WhenTrue : choice.WhenFalse),
        LocalValue local => _locals[local.Index],
        MapValue value => value.Type.Wrap(LookUp(value.Map, value.Key).Value),
        MapCell cell => ReadCell(cell),
        MapContains contains => LookUp(contains.Map, contains.Key).Found ? 1 : 0,
        TextLength or TextFind or TextDifference or TextMatch => OfTexts(expression),
        _ => throw new ArgumentException($"not an integer of a checked program: {expression.GetType().Name}", nameof(expression)),
    };

    private long ArgumentValue(int index) => index < ArgumentRegisters.Length
        ? (long)_context.Register(ArgumentRegisters[index])
        : LoadInteger(unchecked(_context.Register(StackRegister) + 8 + (8 * (ulong)(index - ArgumentRegisters.Length))), DataType.U64);

    private long BuiltinValue(Builtin builtin) => builtin.Kind switch
    {
        BuiltinKind.ProcessId => (uint)_context.ProcessId,
        BuiltinKind.ThreadId => (uint)_context.ThreadId,
        BuiltinKind.Timestamp => _context.TimestampNanoseconds,
        BuiltinKind.Duration => _context.DurationNanoseconds,
        BuiltinKind.ProbeIndex => (uint)_context.ProbeIndex,
        BuiltinKind.SiteAddress => (long)_context.SiteAddress,
        BuiltinKind.Instruction => (long)_context.InstructionAddress,
        BuiltinKind.Processor => (uint)_context.Processor,
        BuiltinKind.UserId => _context.UserId,
        BuiltinKind.GroupId => _context.GroupId,
        BuiltinKind.ParentId => (uint)_context.ParentId,
        BuiltinKind.Random => Random.Shared.NextInt64(1L << 32),
        _ => throw new ArgumentException($"not a builtin of a checked program: {builtin.Kind}", nameof(builtin)),
    };

    private long BinaryValue(Binary binary)
    {
        if (binary.Left.Type.IsText)
            return AreEqualTexts(binary.Left, binary.Right) == (binary.Operator == BinaryOperator.Equal) ? 1 : 0;

        long left = Integer(binary.Left);
        return binary.Operator switch
        {
            BinaryOperator.LogicalAnd => left != 0 && Integer(binary.Right) != 0 ? 1 : 0,
            BinaryOperator.LogicalOr => left != 0 || Integer(binary.Right) != 0 ? 1 : 0,
            _ => IntegerArithmetic.Apply(binary.Operator, binary.Left.Type, left, Integer(binary.Right)),
        };
    }

    private (bool Found, long Value) LookUp(int map, IReadOnlyList<Expression> key)
    {
        int used = _used;
        bool found = _output.TryGetValue(map, Store(key), out long value);
        _used = used;
        return (found, found ? value : 0);
    }

    private long ReadCell(MapCell cell)
    {
        int used = _used;
        ulong word = _output.CellWord(cell.Map, Store(cell.Key), cell.Word);
        _used = used;
        return (long)word;
    }

    private long LoadInteger(ulong address, DataType type)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes.Clear();
        int size = type.Bits / 8;
        if (_context.TryRead(address, bytes[..size]) == size)
            return type.Wrap(BinaryPrimitives.ReadInt64LittleEndian(bytes));

        _output.CountFailedRead();
        return 0;
    }

    private bool AreEqualTexts(Expression left, Expression right)
    {
        int used = _used;
        bool equal = TextBytes(left).SequenceEqual(TextBytes(right));
        _used = used;
        return equal;
    }

    /// <summary>The bytes of a text; those of one that is read use room.</summary>
    private ReadOnlySpan<byte> TextBytes(Expression text)
    {
        if (text is TextConstant constant)
            return constant.Bytes.Span;

        Span<ulong> words = Take(StoredText.Words(text.Type.Capacity));
        StoreText(text, words);
        return StoredText.Bytes(words);
    }

    private void StoreText(Expression text, Span<ulong> destination)
    {
        switch (text)
        {
            case TextConstant constant:
                StoredText.Write(destination, constant.Bytes.Span);
                break;
            case LoadText load:
                ReadText((ulong)Integer(load.Address), destination);
                break;
            case ThreadName:
                StoredText.Write(destination, _context.ThreadName);
                break;
            case LoadBytes load:
                ulong wanted = (ulong)Integer(load.Length);
                ReadBytes((ulong)Integer(load.Address), wanted, destination);
                break;
            case StackBytes stack:
                ReadBytes(_context.Register(StackRegister), (ulong)stack.Capacity, destination);
                foreach (ref ulong word in destination[1..])
                    word = _context.ReturnAddress(word);
                break;
            case Conditional choice:
                StoreText(Integer(choice.Condition) != 0 ? choice.WhenTrue : choice.WhenFalse, destination);
                break;
            case TextCut cut:
                StoreCut(cut, destination);
                break;
            default:
                throw new ArgumentException($"not a text of a checked program: {text.GetType().Name}", nameof(text));
        }
    }

    private void ReadBytes(ulong address, ulong wanted, Span<ulong> destination)
    {
        destination.Clear();
        Span<byte> room = MemoryMarshal.AsBytes(destination[1..]);
        room = room[..(int)Math.Min(wanted, (ulong)room.Length)];
        int length = 0, read, piece;
        do
        {
            ulong from = unchecked(address + (ulong)length);
            piece = (int)Math.Min((ulong)(room.Length - length), PageSize - (from % PageSize));
            read = piece == 0 ? 0 : _context.TryRead(from, room.Slice(length, piece));
            length += read;
        }
        while (piece > 0 && read == piece);

        if (length == 0 && room.Length > 0)
            _output.CountFailedRead();

        // What a read wrote behind what it says is nothing.
        MemoryMarshal.AsBytes(destination[1..])[length..].Clear();
        destination[0] = (uint)length;
    }

    /// <summary>Page by page: what can be read is one page at least, and the text may end before one that cannot.</summary>
    private void ReadText(ulong address, Span<ulong> destination)
    {
        destination.Clear();
        Span<byte> room = MemoryMarshal.AsBytes(destination[1..]);
        int length = 0;
        while (length < room.Length)
        {
            ulong from = unchecked(address + (ulong)length);
            int wanted = (int)Math.Min((ulong)(room.Length - length), PageSize - (from % PageSize));
            Span<byte> piece = room.Slice(length, wanted);
            int read = _context.TryRead(from, piece);
            int end = piece[..read].IndexOf((byte)0);
            length += end < 0 ? read : end;
            if (end < 0 && read == wanted)
                continue;

            if (end < 0)
                _output.CountFailedRead();

            // What a read wrote behind the end is no part of the text.
            room[length..].Clear();
            destination[0] = (uint)length;
            return;
        }

        destination[0] = (uint)length | StoredText.CutFlag;
    }
}
