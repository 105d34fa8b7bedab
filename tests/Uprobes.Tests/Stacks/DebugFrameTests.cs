using Uprobes.Images;
using Uprobes.Images.CallFrames;
using Uprobes.Tests.Images;

namespace Uprobes.Tests.Stacks;

/// <summary>Images whose frames only debug information describes.</summary>
public sealed class DebugFrameTests : IDisposable
{
    // Enough functions for packing to be worth it.
    private static readonly string Source = "extern int other(int *);\n" + string.Concat(
        Enumerable.Range(0, 100).Select(i => $"int {(i == 0 ? "outer" : $"f{i}")}(int x) {{ int a[4] = {{ x, {i} }}; return other(a) + a[0] + x; }}\n"));

    private static readonly string[] Flags = ["-O2", "-g", "-shared", "-fPIC", "-nostdlib", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fomit-frame-pointer"];
    private readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Theory]
    [InlineData("-gz=none")]
    [InlineData("-gz=zlib")]
    public void Debug_frames_are_read_packed_or_not(string packing) => AssertFound(_workshop.Compile("debug.so", "debug.c", Source, [.. Flags, packing]));

    [Fact]
    public void A_separate_debug_file_is_used()
    {
        string path = _workshop.Compile("debug.so", "debug.c", Source, Flags);
        _workshop.Run("objcopy", "--only-keep-debug", path, path + ".debug");
        _workshop.Run("objcopy", "--strip-debug", $"--add-gnu-debuglink={path}.debug", path);
        AssertFound(path);
    }

    [Fact]
    public void Without_any_there_is_no_row()
    {
        string path = _workshop.Compile("debug.so", "debug.c", Source, Flags);
        _workshop.Run("objcopy", "--strip-debug", path);
        using ElfImage image = ElfImage.Open(path);
        Assert.Null(image.CallFrames.Find(Assert.Single(image.Functions.Named("outer")).Address));
        Assert.Empty(image.CallFrames.Problems);
    }

    [Fact]
    public void A_packed_section_that_lies_about_its_size_is_refused()
    {
        string path = _workshop.Compile("debug.so", "debug.c", Source, [.. Flags, "-gz=zlib"]);
        byte[] bytes = File.ReadAllBytes(path);
        using (ElfImage image = ElfImage.Open(path))
        {
            if (!image.Sections.Single(s => s.Name == ".debug_frame").IsCompressed)
                Assert.Skip("the linker found nothing to gain from packing it");
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan((int)image.Sections.Single(s => s.Name == ".debug_frame").FileOffset.Value + 8), 1UL << 28);
        }

        File.WriteAllBytes(_workshop.PathOf("lies.so"), bytes);
        using ElfImage lies = ElfImage.Open(_workshop.PathOf("lies.so"));
        Assert.Null(lies.CallFrames.Find(Assert.Single(lies.Functions.Named("outer")).Address));
        Assert.Contains(lies.CallFrames.Problems, problem => problem.Contains(".debug_frame", StringComparison.Ordinal));
    }

    private static void AssertFound(string path)
    {
        using ElfImage image = ElfImage.Open(path);
        Assert.DoesNotContain(image.Sections, s => s.Name == ".eh_frame" && s.Size > 4);
        FunctionSymbol outer = Assert.Single(image.Functions.Named("outer"));
        FrameRow row = image.CallFrames.Find(outer.Address)!;
        Assert.Equal((7L, 8L), (row.Cfa.Value, row.CfaOffset));
        Assert.NotEqual(8, image.CallFrames.Find(outer.Address + (outer.Size / 2))!.CfaOffset);
        Assert.Empty(image.CallFrames.Problems);
    }
}
