using System.Buffers.Binary;
using Uprobes.Images;

namespace Uprobes.Tests.Images;

/// <summary>Opening a file says what it is, or exactly why it cannot be read.</summary>
public sealed class OpeningTests : IDisposable
{
    private readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Fact]
    public void A_missing_file_is_not_found() => Expect(ImageFailureReason.NotFound, _workshop.PathOf("missing"), "ENOENT");

    [Fact]
    public void A_path_through_a_file_is_not_found()
    {
        File.WriteAllText(_workshop.PathOf("file"), "x");
        Expect(ImageFailureReason.NotFound, _workshop.PathOf("file/below"), "ENOTDIR");
    }

    [Fact]
    public void A_directory_a_device_and_a_fifo_are_not_regular_files()
    {
        Expect(ImageFailureReason.NotRegularFile, _workshop.Folder, "not a regular file");
        Expect(ImageFailureReason.NotRegularFile, "/dev/null", "not a regular file");
        _workshop.Run("mkfifo", "fifo");
        Expect(ImageFailureReason.NotRegularFile, _workshop.PathOf("fifo"), "not a regular file");
    }

    [Fact]
    public void An_unreadable_file_is_a_permission_error()
    {
        Assert.SkipWhen(Environment.UserName == "root", "root may read every file");
        File.WriteAllText(_workshop.PathOf("secret"), "x");
        _workshop.Run("chmod", "000", "secret");
        Expect(ImageFailureReason.PermissionDenied, _workshop.PathOf("secret"), "EACCES");
    }

    [Fact]
    public void A_script_and_an_empty_file_are_not_ELF()
    {
        ExpectBytes(ImageFailureReason.NotElf, "#!/bin/sh\n"u8.ToArray(), "7f 45 4c 46");
        ExpectBytes(ImageFailureReason.NotElf, [], "7f 45 4c 46");
    }

    [Theory]
    [InlineData(4, 1, ImageFailureReason.NotElf64, "EI_CLASS")]
    [InlineData(5, 2, ImageFailureReason.WrongMachine, "EI_DATA")]
    [InlineData(18, 183, ImageFailureReason.WrongMachine, "e_machine at offset 0x12 is 183")]
    [InlineData(16, 99, ImageFailureReason.Malformed, "e_type at offset 0x10 is 99")]
    [InlineData(54, 55, ImageFailureReason.Malformed, "e_phentsize at offset 0x36 is 55")]
    [InlineData(57, 0x80, ImageFailureReason.Malformed, "program headers, the limit is 1024")]
    [InlineData(35, 0x7f, ImageFailureReason.Malformed, "the program header table is said to be at offset")]
    public void A_header_field_out_of_bounds_is_named(int offset, byte value, ImageFailureReason reason, string message)
    {
        byte[] bytes = HandMade.Program();
        bytes[offset] = value;
        ExpectBytes(reason, bytes, message);
    }

    [Theory]
    [InlineData(8, "does not fit the file")]
    [InlineData(16, "does not fit the address space")]
    [InlineData(32, "more bytes in the file than in memory")]
    public void A_segment_field_out_of_bounds_is_named(int field, string message)
    {
        byte[] bytes = HandMade.Program();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(HandMade.ProgramHeader + field), ulong.MaxValue - 0x10);
        ExpectBytes(ImageFailureReason.Malformed, bytes, message);
    }

    [Fact]
    public void A_file_that_ends_inside_its_header_is_malformed() =>
        ExpectBytes(ImageFailureReason.Malformed, HandMade.Program()[..40], "the ELF header has 64 bytes, but the file has 40");

    [Fact]
    public void A_file_that_was_truncated_is_malformed() =>
        ExpectBytes(ImageFailureReason.Malformed, HandMade.Program()[..^1], "does not fit the file");

    [Fact]
    public void A_broken_section_table_leaves_the_image_usable_and_is_told()
    {
        byte[] bytes = HandMade.Program();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(40), 0x1_0000_0000);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(58), 64);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(60), 3);
        using ElfImage image = OpenBytes(bytes);
        Assert.Empty(image.Sections);
        Assert.Contains("section header table", image.SectionTableProblem!, StringComparison.Ordinal);
        Assert.Contains(image.SectionTableProblem!, image.Functions.Problems);
        Assert.True(image.IsExecutable(new FileOffset(HandMade.Code)));
    }

    [Fact]
    public void The_smallest_program_has_one_segment_and_no_functions()
    {
        using ElfImage image = OpenBytes(HandMade.Program());
        Assert.Equal(ElfType.Executable, image.Type);
        Assert.False(image.IsPositionIndependent);
        Assert.Null(image.Interpreter);
        Assert.Equal(new LinkAddress(HandMade.Base + HandMade.Code), image.EntryPoint);
        Assert.Single(image.Segments);
        Assert.Empty(image.Functions.All);
        Assert.Empty(image.Functions.Named("main"));
        Assert.False(image.Functions.TryFind(new FileOffset(HandMade.Code), out _));
        Assert.False(image.HasFunctionBoundsOnlyFromUnwind);
    }

    [Fact]
    public void Opening_fails_without_leaking_the_descriptor()
    {
        File.WriteAllText(_workshop.PathOf("text"), "text");
        var handle = File.OpenHandle(_workshop.PathOf("text"));
        Assert.Throws<ImageException>(() => ElfImage.Open(handle, "text"));
        Assert.True(handle.IsClosed);
    }

    [Fact]
    public void A_hard_link_and_a_symbolic_link_have_the_same_identity_and_a_copy_has_not()
    {
        File.WriteAllBytes(_workshop.PathOf("a"), HandMade.Program());
        _workshop.Run("ln", "a", "hard");
        _workshop.Run("ln", "-s", "a", "soft");
        File.Copy(_workshop.PathOf("a"), _workshop.PathOf("copy"));
        ImageId id = IdOf("a");
        Assert.Equal(id, IdOf("hard"));
        Assert.Equal(id, IdOf("soft"));
        Assert.NotEqual(id, IdOf("copy"));
        string inode = _workshop.Run("stat", "-c", "%d %i", "a").Trim();
        Assert.Equal(inode, $"{id.Device} {id.Inode}");
    }

    [Fact]
    public void Reading_past_the_end_is_short_and_not_an_error()
    {
        byte[] bytes = HandMade.Program();
        using ElfImage image = OpenBytes(bytes);
        byte[] buffer = new byte[16];
        Assert.Equal(4, image.Read(new FileOffset((ulong)bytes.Length - 4), buffer));
        Assert.Equal(bytes[^4..], buffer[..4]);
        Assert.Equal(0, image.Read(new FileOffset((ulong)bytes.Length), buffer));
        Assert.Equal(0, image.Read(new FileOffset(ulong.MaxValue), buffer));
    }

    [Fact]
    public void A_file_that_shrinks_after_opening_gives_a_read_error_and_not_a_signal()
    {
        string path = _workshop.Compile("lib.so", "lib.c", "int f(int x) { return x; }", "-shared", "-fPIC");
        using ElfImage image = ElfImage.Open(path);
        using (FileStream file = File.OpenWrite(path))
            file.SetLength(0x1000);
        Assert.Contains(image.Functions.Problems, problem => problem.Contains("truncated", StringComparison.Ordinal));
    }

    [Fact]
    public void Compilers_output_is_told_apart()
    {
        const string Main = "int main(void) { return 0; }";
        using (ElfImage pie = ElfImage.Open(_workshop.Compile("pie", "m.c", Main, "-pie", "-fPIE")))
        {
            Assert.Equal(ElfType.PositionIndependentExecutable, pie.Type);
            Assert.EndsWith("ld-linux-x86-64.so.2", pie.Interpreter, StringComparison.Ordinal);
            Assert.Contains("libc.so.6", pie.Needed);
            Assert.Null(pie.Soname);
        }
        using (ElfImage fixedAddress = ElfImage.Open(_workshop.Compile("exe", "m.c", Main, "-no-pie")))
            Assert.Equal(ElfType.Executable, fixedAddress.Type);
        using (ElfImage library = ElfImage.Open(_workshop.Compile("l.so", "m.c", Main, "-shared", "-fPIC", "-Wl,-soname,libmine.so.3", "-Wl,-rpath,$ORIGIN/x:/y", "-Wl,--build-id=0xabcdef")))
        {
            Assert.Equal(ElfType.SharedObject, library.Type);
            Assert.Equal("libmine.so.3", library.Soname);
            Assert.Equal(["$ORIGIN/x", "/y"], library.RunPath);
            Assert.Equal("abcdef", library.BuildId?.Hex);
        }
        using ElfImage objectFile = ElfImage.Open(_workshop.Compile("m.o", "m.c", Main, "-c"));
        Assert.Equal(ElfType.Relocatable, objectFile.Type);
        Assert.Empty(objectFile.Functions.All);
    }

    [Fact]
    public void Offsets_and_addresses_convert_both_ways_and_zero_filled_memory_has_no_offset()
    {
        using ElfImage image = ElfImage.Open(_workshop.Compile("b", "b.c", "char big[100000]; int main(void) { return big[5]; }"));
        foreach (ElfSegment segment in image.Segments)
        {
            foreach (ulong inside in new[] { 0UL, segment.FileSize / 2, segment.FileSize - 1 })
            {
                Assert.True(image.TryGetOffset(segment.LinkAddress + inside, out FileOffset offset));
                Assert.Equal(segment.FileOffset + inside, offset);
                Assert.True(image.TryGetAddress(offset, out LinkAddress address));
                Assert.Equal(segment.LinkAddress + inside, address);
            }
        }
        ElfSegment data = image.Segments.Single(segment => segment.MemorySize > segment.FileSize + 90000);
        Assert.False(image.TryGetOffset(data.LinkAddress + data.FileSize, out _));
        Assert.False(image.TryGetAddress(new FileOffset(image.Length), out _));
        ElfSection readOnly = image.Sections.Single(section => section.Name == ".rodata");
        Assert.False(image.IsExecutable(readOnly.FileOffset));
        Assert.True(image.IsExecutable(image.Sections.Single(section => section.Name == ".text").FileOffset));
    }

    private ImageId IdOf(string file)
    {
        using ElfImage image = ElfImage.Open(_workshop.PathOf(file));
        return image.Id;
    }

    private ElfImage OpenBytes(byte[] bytes)
    {
        string path = _workshop.PathOf($"image-{Guid.NewGuid():n}");
        File.WriteAllBytes(path, bytes);
        return ElfImage.Open(path);
    }

    private void ExpectBytes(ImageFailureReason reason, byte[] bytes, string message)
    {
        string path = _workshop.PathOf("bytes");
        File.WriteAllBytes(path, bytes);
        Expect(reason, path, message);
    }

    private static void Expect(ImageFailureReason reason, string path, string message)
    {
        ImageException error = Assert.Throws<ImageException>(() => ElfImage.Open(path));
        Assert.Equal(reason, error.Reason);
        Assert.Equal(path, error.File);
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }
}
