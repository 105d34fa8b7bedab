using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using Uprobes.Images;
using Uprobes.Processes;
using Uprobes.Script.Output;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <content>Functions of texts and bytes.</content>
internal sealed partial class ScriptInterpreter
{
    private const int MacAddressSize = 6;

    private ScriptValue Text(CallExpression call)
    {
        IReadOnlyList<TypedExpression> arguments = call.Arguments;
        switch (call.Function)
        {
            case ScriptFunction.Str:
                return Str(call);
            case ScriptFunction.Buf:
                return Buffer(call);
            case ScriptFunction.StrConcat:
                return Concat(call);
            case ScriptFunction.Strlen:
                return ScriptValue.Unsigned((ulong)Evaluate(arguments[0]).Bytes.Length);
            case ScriptFunction.Strcap:
                return ScriptValue.Signed(((TextType)arguments[0].Type).Capacity);
            case ScriptFunction.Strstr:
                return ScriptValue.Signed(Evaluate(arguments[0]).Bytes.IndexOf(Evaluate(arguments[1]).Bytes));
            case ScriptFunction.Strcontains:
                return ScriptValue.Boolean(Evaluate(arguments[0]).Bytes.IndexOf(Evaluate(arguments[1]).Bytes) >= 0);
            case ScriptFunction.Strncmp:
                return ScriptValue.Signed(AreEqual(Evaluate(arguments[0]).Bytes, Evaluate(arguments[1]).Bytes, Number(arguments[2])) ? 0 : 1);
            case ScriptFunction.Globmatch:
                return ScriptValue.Boolean(new GlobPattern(ConstantText(arguments[1])).IsMatch(Encoding.Latin1.GetString(Evaluate(arguments[0]).Bytes)));
            case ScriptFunction.Memcmp:
                return ScriptValue.Signed(Compare(call));
            case ScriptFunction.Strftime:
                return Moment(call);
            case ScriptFunction.Ntop:
                return InternetAddress(call);
            case ScriptFunction.Macaddr:
                Span<byte> address = stackalloc byte[MacAddressSize];
                CopyBytes(arguments[0], address);
                return ScriptValue.Literal(string.Join(':', System.Convert.ToHexString(address).Chunk(2).Select(pair => new string(pair))));
            case ScriptFunction.SignalName:
                return ScriptValue.Literal(SystemNames.OfSignal(Number(arguments[0])));
            case ScriptFunction.SyscallName:
                return ScriptValue.Literal(SystemNames.OfSystemCall(Number(arguments[0])));
            case ScriptFunction.NameOfUser:
                return ScriptValue.String(_facts.UserNameOf(Number(arguments[0])));
            case ScriptFunction.NameOfProcess:
                return ScriptValue.String(ThreadMoment.NameOf((int)Number(arguments[0])));
            case ScriptFunction.Strerror:
                return ScriptValue.Literal(Marshal.GetPInvokeErrorMessage((int)Number(arguments[0])));
            default:
                throw new ActionException($"{call.Function} is not supported", call.Span);
        }
    }

    private ScriptValue Str(CallExpression call)
    {
        TypedExpression source = call.Arguments[0];
        long most = ((TextType)call.Type).Capacity - 1;
        if (call.Arguments.Count > 1)
            most = (long)Math.Min((ulong)most, (ulong)Number(call.Arguments[1]));
        if (source.Type is not TextType)
            return ReadText((ulong)BitsOf(source), (int)most, call.Span);
        ScriptValue text = Evaluate(source);
        return text.Bytes.Length > most ? Cut(text, (int)most) : text;
    }

    private ScriptValue Buffer(CallExpression call)
    {
        TypedExpression source = call.Arguments[0];
        long length = ((BufferType)call.Type).Capacity;
        if (call.Arguments.Count > 1)
            length = (long)Math.Min((ulong)length, (ulong)Number(call.Arguments[1]));
        else if (source.Type is ArrayType array)
            length = Math.Min(length, script.Types.SizeOf(array));
        byte[] bytes = new byte[length];
        CopyBytes(source, bytes);
        return ScriptValue.Buffer(bytes);
    }

    private ScriptValue Concat(CallExpression call)
    {
        ScriptValue first = Evaluate(call.Arguments[0]), second = Evaluate(call.Arguments[1]);
        byte[] bytes = [.. first.Bytes, .. second.Bytes];
        int most = Math.Min(bytes.Length, ((TextType)call.Type).Capacity - 1);
        return first.IsTrusted && second.IsTrusted ? ScriptValue.Literal(bytes[..most]) : ScriptValue.String(bytes, 0, most);
    }

    // As C's: what follows the end of a text does not count.
    private static bool AreEqual(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, long count)
    {
        int most = (int)Math.Min(count, int.MaxValue);
        return left[..Math.Min(left.Length, most)].SequenceEqual(right[..Math.Min(right.Length, most)]);
    }

    private long Compare(CallExpression call)
    {
        int length = (int)Math.Clamp(Number(call.Arguments[2]), 0, LargestObject);
        byte[] left = new byte[length], right = new byte[length];
        CopyBytes(call.Arguments[0], left);
        CopyBytes(call.Arguments[1], right);
        int difference = left.AsSpan().CommonPrefixLength(right);
        return difference == length ? 0 : left[difference] - right[difference];
    }

    private ScriptValue Moment(CallExpression call)
    {
        TimeFormat format = Cached(call, _timeFormats, text => TimeFormat.Parse(text));
        System.Buffers.ArrayBufferWriter<byte> written = new();
        format.Write(written, Number(call.Arguments[1]) + ClockOffsets.FromBootToUnix, TimeZoneInfo.Local);
        return ScriptValue.Literal(written.WrittenSpan.ToArray());
    }

    /// <summary>Of a number the bytes in the order of the network; of an array of 4 or 16 bytes these.</summary>
    private ScriptValue InternetAddress(CallExpression call)
    {
        TypedExpression source = call.Arguments[0]; // the family, where it is given, is behind it
        byte[] bytes;
        if (source.Type.IsNumber)
        {
            bytes = BitConverter.GetBytes((uint)Number(source));
        }
        else
        {
            bytes = new byte[script.Types.SizeOf(source.Type) is 16 ? 16 : 4];
            CopyBytes(source, bytes);
        }

        return ScriptValue.Literal(new IPAddress(bytes).ToString());
    }
}
