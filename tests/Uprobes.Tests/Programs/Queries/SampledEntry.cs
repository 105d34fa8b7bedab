using System.Runtime.CompilerServices;
using System.Text;

namespace Uprobes.Tests.Programs.Queries;

/// <summary>A made-up hit, as the lambdas of queries would see it if they ran here.</summary>
internal sealed class SampledEntry(SyntheticContext context) : EntryPoint
{
    internal static readonly string[] Functions = ["malloc", "free", "calloc"];

    private static readonly string[] Registers =
        ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    private static readonly string[] Arguments = ["rdi", "rsi", "rdx", "rcx", "r8", "r9"];

    public override int ProcessId => context.ProcessId;

    public override int ThreadId => context.ThreadId;

    public override int ProbeIndex => context.ProbeIndex;

    public override string Function => Functions[ProbeIndex];

    public override ulong Address => context.SiteAddress;

    public override long Timestamp => context.TimestampNanoseconds;

    public override ulong Register(string name) => context.Register(Array.IndexOf(Registers, name));

    public override ulong Arg(int index) => index < 6 ? Register(Arguments[index]) : Read<ulong>(Register("rsp") + 8 + (8 * ((ulong)index - 6)));

    public override long SignedArg(int index) => (long)Arg(index);

    public override T Read<T>(ulong address)
    {
        byte[] bytes = new byte[Unsafe.SizeOf<T>()];
        if (context.TryRead(address, bytes) < bytes.Length)
            return default;
        if (typeof(T) == typeof(bool))
            bytes[0] = bytes[0] == 0 ? (byte)0 : (byte)1;
        return Unsafe.ReadUnaligned<T>(ref bytes[0]);
    }

    public override string ReadString(ulong address) => ReadString(address, 64);

    public override string ReadString(ulong address, int maximumBytes)
    {
        List<byte> text = [];
        byte[] next = new byte[1];
        while (text.Count < maximumBytes && context.TryRead(unchecked(address + (ulong)text.Count), next) == 1 && next[0] != 0)
            text.Add(next[0]);
        return Encoding.Latin1.GetString([.. text]);
    }
}
