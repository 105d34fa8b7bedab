using System.Buffers.Binary;
using Uprobes.Images.StaticProbes;
using Uprobes.Programs;
using Uprobes.Script.Output;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Running;

/// <content>The target's memory and registers.</content>
internal sealed partial class ScriptInterpreter
{
    private const int EFAULT = 14;
    private const int RegisterArguments = 6;

    /// <summary>Numbers of the registers that hold arguments: rdi, rsi, rdx, rcx, r8, r9 (System V ABI x86-64, 3.2.3).</summary>
    private static readonly int[] ArgumentRegisters = [7, 6, 2, 1, 8, 9];

    /// <summary>The processor's number of the stack pointer, and of the register of results.</summary>
    private const int StackPointer = 4, Result = 0;

    private static readonly string[] RegisterNames = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    /// <summary>Bytes of the largest struct or array that is read as a whole.</summary>
    private const int LargestObject = 1 << 16;

    private long Argument(ArgumentExpression argument)
    {
        if (_occasion.Hit is not { } hit)
            return 0;
        if (_occasion.Site?.StaticProbe is { } probe)
            return MarkedArgument(probe, argument, hit);
        return argument.Index < RegisterArguments
            ? (long)hit.Register(ArgumentRegisters[argument.Index])
            : (long)StackWord(argument.Index - RegisterArguments + 1, argument.Span);
    }

    private long MarkedArgument(StaticProbeNote probe, ArgumentExpression argument, IProgramContext hit)
    {
        if (!StaticArgumentValue.TryRead(probe, probe.Arguments[argument.Index], hit, out long value))
            host.Fail("probe_read_user", EFAULT, argument.Span);
        return value;
    }

    /// <summary>A word of the stack; 0 is the return address at a function's entry.</summary>
    private ulong StackWord(int index, SourceSpan span)
    {
        if (_occasion.Hit is not { } hit)
            return 0;
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        return TryRead(hit.Register(StackPointer) + (ulong)(index * sizeof(ulong)), word, span) ? BinaryPrimitives.ReadUInt64LittleEndian(word) : 0;
    }

    private ulong Register(string name, SourceSpan span)
    {
        if (_occasion.Thread is { } thread && thread.TryReadRegister(name, out ulong value))
            return value;
        name = TargetRegisters.Short(name);
        int number = Array.IndexOf(RegisterNames, name);
        return _occasion.Hit switch
        {
            { } hit when number >= 0 => hit.Register(number),
            { } hit when name is "ip" or "pc" => hit.SiteAddress,
            _ => throw new ActionException($"the register {name} cannot be read here", span),
        };
    }

    /// <summary>Fills a span from the target's memory. Where that cannot be done it is told, and the span holds zeros from there on.</summary>
    private bool TryRead(ulong address, Span<byte> destination, SourceSpan span)
    {
        int read = _occasion.Hit?.TryRead(address, destination) ?? 0;
        if (read == destination.Length)
            return true;
        destination[read..].Clear();
        host.Fail("probe_read_user", EFAULT, span);
        return false;
    }

    private long ReadScalar(MemoryExpression memory)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        bytes = bytes[..(TypedValue.BitsOf(memory.Type) / 8)];
        return TryRead((ulong)Number(memory.Address), bytes, memory.Span) ? TypedValue.ReadBits(bytes, memory.Type) : 0;
    }

    /// <summary>The text at an address: up to its zero, or so many bytes; what lies before the end of readable memory.</summary>
    private ScriptValue ReadText(ulong address, int most, SourceSpan span)
    {
        if (most <= 0)
            return ScriptValue.Literal((byte[])[]);
        byte[] bytes = new byte[Math.Min(most, LargestObject)];
        int read = 0;
        while (read < bytes.Length)
        {
            // Pieces end where pages do, so that a text at the end of memory is read to its end.
            const int Page = 4096;
            ulong next = unchecked(address + (ulong)read);
            int wanted = (int)Math.Min((uint)(bytes.Length - read), Page - (next % Page));
            int got = _occasion.Hit?.TryRead(next, bytes.AsSpan(read, wanted)) ?? 0;
            int zero = bytes.AsSpan(read, got).IndexOf((byte)0);
            if (zero >= 0)
                return ScriptValue.String(bytes, 0, read + zero);
            read += got;
            if (got < wanted)
                break;
        }

        if (read == 0)
            host.Fail("probe_read_user_str", EFAULT, span);
        return ScriptValue.String(bytes, 0, read);
    }

    /// <summary>Turns the address that a struct or an array in memory is evaluated to into its contents; leaves other values alone.</summary>
    private ScriptValue Materialize(in ScriptValue value, ScriptType type, SourceSpan span)
    {
        if (type is not (StructType or ArrayType) || value.Kind != ScriptValueKind.Pointer)
            return value;
        int size = script.Types.SizeOf(type);
        if (size > LargestObject)
            throw new ActionException($"{type} has {size} bytes: at most {LargestObject} are read at once", span);
        byte[] bytes = new byte[size];
        TryRead((ulong)value.Bits, bytes, span);
        return OfBytes(bytes, type);
    }

    /// <summary>The value that bytes of the target's memory are, of which the last could perhaps not be read and are 0 then.</summary>
    /// <param name="bytes">What was read.</param>
    /// <param name="size">How many bytes the type has.</param>
    /// <param name="type">A struct or an array.</param>
    internal ScriptValue OfBytes(ReadOnlySpan<byte> bytes, int size, ScriptType type)
    {
        byte[] all = new byte[size];
        bytes[..Math.Min(bytes.Length, size)].CopyTo(all);
        return OfBytes(all, type);
    }

    /// <summary>The value that some bytes of the target's memory are.</summary>
    private ScriptValue OfBytes(ReadOnlySpan<byte> bytes, ScriptType type)
    {
        switch (type)
        {
            case StructType named when script.Types.LayoutOf(named) is { } layout:
                ScriptValue[] values = new ScriptValue[layout.Fields.Count];
                for (int i = 0; i < values.Length; i++)
                    values[i] = FieldOf(bytes, layout.Fields[i]);
                return ScriptValue.Record([.. layout.Fields.Select(field => field.Name)], values);
            case ArrayType { Element: IntegerType { Bits: 8, IsSigned: true } }:
                int zero = bytes.IndexOf((byte)0);
                return ScriptValue.String(bytes[..(zero < 0 ? bytes.Length : zero)].ToArray());
            case ArrayType array:
                int size = Math.Max(1, script.Types.SizeOf(array.Element));
                ScriptValue[] items = new ScriptValue[Math.Min(array.Count, bytes.Length / size)];
                for (int i = 0; i < items.Length; i++)
                    items[i] = OfBytes(bytes.Slice(i * size, size), array.Element);
                return ScriptValue.Array(items);
            case TextType:
                return OfBytes(bytes, new ArrayType(ScriptType.I8, bytes.Length));
            case BufferType:
                return ScriptValue.Buffer(bytes.ToArray());
            case { IsScalar: true }:
                return TypedValue.OfBits(TypedValue.ReadBits(bytes[..Math.Min(bytes.Length, TypedValue.BitsOf(type) / 8)], type), type, script.Types);
            default:
                return ScriptValue.None;
        }
    }

    private ScriptValue FieldOf(ReadOnlySpan<byte> bytes, StructField field)
    {
        int size = script.Types.SizeOf(field.Type);
        if (field.Offset < 0 || field.Offset + size > bytes.Length)
            return ScriptValue.None;
        ReadOnlySpan<byte> own = bytes.Slice(field.Offset, size);
        if (field.Bits == 0)
            return OfBytes(own, field.Type);
        // Whatever the field's type makes of values, the bits around it count here.
        long holder = TypedValue.ReadBits(own, ScriptType.U64);
        int spare = 64 - field.Bits;
        long aligned = holder << (spare - field.BitOffset);
        return TypedValue.OfBits(field.Type.IsSignedNumber ? aligned >> spare : (long)((ulong)aligned >> spare), field.Type, script.Types);
    }

    /// <summary>The bytes of some scalars side by side, as far as there is room.</summary>
    private void WriteItems(ReadOnlySpan<ScriptValue> items, ScriptType element, Span<byte> destination)
    {
        int size = Math.Max(1, script.Types.SizeOf(element));
        Span<byte> word = stackalloc byte[sizeof(long)];
        for (int i = 0; i < items.Length && (i + 1) * size <= destination.Length && size <= sizeof(long); i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(word, items[i].Bits);
            word[..size].CopyTo(destination[(i * size)..]);
        }
    }

    private static ScriptValue Bytes(ReadOnlySpan<byte> bytes)
    {
        ScriptValue[] items = new ScriptValue[bytes.Length];
        for (int i = 0; i < items.Length; i++)
            items[i] = ScriptValue.Integer(bytes[i], 8, false);
        return ScriptValue.Array(items);
    }
}
