using System.Buffers.Binary;
using System.Diagnostics;
using CsCheck;
using Uprobes.Images;
using Uprobes.Stacks;
using Uprobes.Stacks.X64;
using Uprobes.Tests.Images;

namespace Uprobes.Tests.Stacks;

/// <summary>Stacks made by hand, over code without and with call frame information.</summary>
public sealed class StackUnwinderTests : IDisposable
{
    private const ulong Code = 0x10000, Stack = 0x7000_0000;
    private readonly Workshop _workshop = new();
    private readonly ImageStore _store = new();

    public void Dispose()
    {
        _store.Dispose();
        _workshop.Dispose();
    }

    [Fact]
    public void Code_without_information_is_unwound_by_frame_pointers()
    {
        byte[] bytes = new byte[128];
        Put(bytes, 32, Stack + 64, Code + 0x20);
        Put(bytes, 64, Stack + 96, Code + 0x30);
        AssertFrames([Code, Code + 0x20, Code + 0x30], StackEnd.Outermost, Unwind(Anonymous(), Registers(Code, Stack + 32), bytes));
    }

    [Fact]
    public void At_the_entry_of_unknown_code_the_return_address_is_on_top()
    {
        byte[] bytes = new byte[128];
        Put(bytes, 0, Code + 0x10);
        Put(bytes, 32, Stack + 64, Code + 0x20);
        AssertFrames([Code, Code + 0x10, Code + 0x20], StackEnd.Outermost, Unwind(Anonymous(), Registers(Code, Stack + 32), bytes, isAtEntry: true));
    }

    [Theory]
    [InlineData(8, Code + 0x20, nameof(StackEnd.Broken))] // Not aligned.
    [InlineData(-16, Code + 0x20, nameof(StackEnd.Broken))] // Below the stack pointer.
    [InlineData(120, Code + 0x20, nameof(StackEnd.Truncated))] // Behind what was captured.
    [InlineData(-0x7000_0000, 0UL, nameof(StackEnd.Broken))] // None.
    [InlineData(32, 0x55UL, nameof(StackEnd.Broken))] // No code.
    public void A_register_that_is_no_frame_pointer_ends_the_stack(int place, ulong address, string end)
    {
        byte[] bytes = new byte[128];
        if (place is 32)
            Put(bytes, 32, Stack + 64, address);
        ulong frame = place == 8 ? Stack + 9 : (ulong)((long)Stack + place);
        (ulong[] frames, StackEnd found) = Unwind(Anonymous(), Registers(Code, frame), bytes);
        Assert.Equal((1, end), (frames.Length, found.ToString()));
    }

    [Fact]
    public void Frames_that_lead_to_each_other_end()
    {
        byte[] bytes = new byte[128];
        Put(bytes, 32, Stack + 64, Code + 0x20);
        Put(bytes, 64, Stack + 32, Code + 0x30);
        AssertFrames([Code, Code + 0x20, Code + 0x30], StackEnd.Broken, Unwind(Anonymous(), Registers(Code, Stack + 32), bytes));
    }

    [Fact]
    public void An_address_outside_of_known_code_is_told()
    {
        byte[] bytes = new byte[64];
        AssertFrames([0x99], StackEnd.Unmapped, Unwind(Anonymous(), Registers(0x99, Stack), bytes));
    }

    [Fact]
    public void A_replaced_return_address_is_put_back()
    {
        byte[] bytes = new byte[128];
        Put(bytes, 32, Stack + 64, 0xdead0010);
        Put(bytes, 64, Stack + 96, Code + 0x30);
        AssertFrames([Code, Code + 0x20, Code + 0x30], StackEnd.Outermost, Unwind(Anonymous(), Registers(Code, Stack + 32), bytes, thunks: new Thunks(0xdead0010, Stack + 40, Code + 0x20)));
    }

    [Fact]
    public void A_signal_trampoline_is_known_by_its_bytes()
    {
        // At 0x100: mov rax, 15; syscall. The handler's frame leads there; what the signal interrupted is exact, not a return address.
        byte[] code = [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05];
        MappedImages images = new(1, [new MappedCode(Code, Code + 0x1000, 0, "", null)], (address, destination) =>
        {
            if (address != Code + 0x100)
                return 0;
            code.CopyTo(destination);
            return code.Length;
        });
        byte[] bytes = new byte[512];
        Put(bytes, 16, Stack + 0x900, Code + 0x100); // The handler's frame; the context starts at 32.
        Put(bytes, 32 + 40 + (8 * 10), Stack + 400); // rbp
        Put(bytes, 32 + 40 + (8 * 15), Stack + 390, Code + 0x200); // rsp, rip
        Put(bytes, 400, Stack + 450 - 2, Code + 0x300);
        AssertFrames([Code, Code + 0x100, Code + 0x200, Code + 0x300], StackEnd.Outermost, Unwind(images, Registers(Code, Stack + 16), bytes));
        AssertFrames([Code, Code + 0x100], StackEnd.Truncated, Unwind(images, Registers(Code, Stack + 16), bytes[..100]));
    }

    [Fact]
    public void Real_functions_are_unwound_by_their_call_frame_information()
    {
        // A frame of 24 bytes and two pushed registers: 48 bytes with the return address.
        const string Source = """
            extern int other(int *);
            int outer(int x) { int a[4] = { x }; int r = other(a); return r + a[0] + x; }
            """;
        string path = _workshop.Compile("frames.so", "frames.c", Source, "-O2", "-shared", "-fPIC", "-nostdlib", "-fomit-frame-pointer");
        (MappedImages images, ElfImage image) = MapAt(path, Code);
        FunctionSymbol outer = Assert.Single(image.Functions.Named("outer"));
        ulong address = Code + outer.Offset.Value;
        byte[] bytes = new byte[64];
        Put(bytes, 0, 0);
        AssertFrames([address], StackEnd.Outermost, Unwind(images, Registers(address, 1), bytes));
        Put(bytes, 0, 0x5555);
        AssertFrames([address, 0x5555], StackEnd.Unmapped, Unwind(images, Registers(address, 1), bytes));
        AssertFrames([address], StackEnd.Truncated, Unwind(images, Registers(address, 1), bytes[..4]));
    }

    [Fact]
    public void Unwinding_known_code_takes_no_memory()
    {
        const string Source = """
            extern int other(int *);
            int outer(int x) { int a[4] = { x }; int r = other(a); return r + a[0] + x; }
            """;
        const int Depth = 20, Stacks = 20_000;
        string path = _workshop.Compile("frames.so", "frames.c", Source, "-O2", "-shared", "-fPIC", "-nostdlib", "-fomit-frame-pointer");
        (MappedImages images, ElfImage image) = MapAt(path, Code);
        FunctionSymbol outer = Assert.Single(image.Functions.Named("outer"));
        ulong within = outer.Address.Value + (outer.Size / 2);
        int size = (int)image.CallFrames.Find(new LinkAddress(within))!.CfaOffset;
        Assert.InRange(size, 16, 200);
        byte[] bytes = new byte[size * Depth];
        for (int i = 1; i < Depth; i++)
            Put(bytes, (size * i) - 8, Code + outer.Offset.Value + (outer.Size / 2) + 1);
        StackRegisters registers = Registers(Code + outer.Offset.Value + (outer.Size / 2), 1);
        Span<ulong> frames = stackalloc ulong[StackUnwinder.MostFrames];
        Assert.Equal(new StackUnwinding(Depth, StackEnd.Outermost), StackUnwinder.Unwind(new CapturedStack(registers, bytes), images, frames));
        long before = GC.GetAllocatedBytesForCurrentThread(), start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Stacks; i++)
            StackUnwinder.Unwind(new CapturedStack(registers, bytes), images, frames);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        // Less than a byte a stack: a collection that another test causes takes what is left of this thread's piece of the heap, and that counts.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Stacks - 1);
        TestContext.Current.TestOutputHelper?.WriteLine($"{Stacks / seconds:N0} stacks of {Depth} frames a second");
    }

    [Fact]
    public void Hostile_stacks_end_within_the_bound()
    {
        const string Libc = "/lib/x86_64-linux-gnu/libc.so.6";
        if (!File.Exists(Libc))
            Assert.Skip($"{Libc} is not installed");
        (MappedImages images, ElfImage image) = MapAt(Libc, Code);
        ElfSegment text = image.Segments.First(s => s.IsExecutable);
        ulong start = Code + text.FileOffset.Value;
        // Words that lead into code, into the stack, or anywhere.
        Gen<ulong> word = Gen.OneOf(Gen.ULong[start, start + text.FileSize], Gen.ULong[Stack - 64, Stack + 8192], Gen.ULong, Gen.Const(0UL));
        var watch = Stopwatch.StartNew();
        Check.Sample(Gen.Select(word.Array[17], word.Array[0, 600]), (values, words) =>
        {
            StackRegisters registers = default;
            for (int i = 0; i < values.Length; i++)
                registers.Set(i, values[i]);
            registers.Set(StackRegisters.Rsp, Stack);
            byte[] bytes = new byte[8 * words.Length];
            Buffer.BlockCopy(words, 0, bytes, 0, bytes.Length);
            (ulong[] frames, _) = Unwind(images, registers, bytes, isAtEntry: words.Length % 2 == 0);
            Assert.InRange(frames.Length, 1, StackUnwinder.MostFrames);
        }, iter: 20_000, threads: 1);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(60));
    }

    [Fact]
    public void No_more_frames_are_found_than_asked_for()
    {
        byte[] bytes = new byte[16 * 1024];
        for (int i = 0; i < 1000; i++)
            Put(bytes, 16 * i, Stack + (ulong)(16 * (i + 1)), Code + 0x20);
        (ulong[] frames, StackEnd end) = Unwind(Anonymous(), Registers(Code, Stack), bytes);
        Assert.Equal((StackUnwinder.MostFrames, StackEnd.TooDeep), (frames.Length, end));
    }

    private static void AssertFrames(ulong[] expected, StackEnd end, (ulong[] Frames, StackEnd End) found)
    {
        Assert.Equal(expected, found.Frames);
        Assert.Equal(end, found.End);
    }

    private static MappedImages Anonymous() => new(1, [new MappedCode(Code, Code + 0x1000, 0, "", null)]);

    private (MappedImages Images, ElfImage Image) MapAt(string path, ulong address)
    {
        ElfImage image = _store.Open(path);
        return (new MappedImages(1, image.Segments.Where(s => s.IsExecutable).Select(s =>
            new MappedCode(address + s.FileOffset.Value, address + s.FileOffset.Value + s.FileSize, s.FileOffset.Value, path, image))), image);
    }

    private static StackRegisters Registers(ulong rip, ulong rbp)
    {
        StackRegisters registers = default;
        registers.Set(StackRegisters.Rip, rip);
        registers.Set(StackRegisters.Rsp, Stack);
        registers.Set(StackRegisters.Rbp, rbp);
        return registers;
    }

    private static (ulong[] Frames, StackEnd End) Unwind(MappedImages images, StackRegisters registers, byte[] bytes, bool isAtEntry = false, IReturnThunks? thunks = null)
    {
        Span<ulong> frames = stackalloc ulong[200];
        StackUnwinding found = StackUnwinder.Unwind(new CapturedStack(registers, bytes, isAtEntry), images, frames, thunks);
        return (frames[..found.Count].ToArray(), found.End);
    }

    private static void Put(byte[] bytes, int at, params ReadOnlySpan<ulong> words)
    {
        foreach (ulong word in words)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), word);
            at += 8;
        }
    }

    private sealed class Thunks(ulong found, ulong place, ulong original) : IReturnThunks
    {
        public ulong? Original(ulong address, ulong at) => address == found && at == place ? original : null;
    }
}
