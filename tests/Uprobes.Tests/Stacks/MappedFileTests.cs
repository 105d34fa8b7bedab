using Uprobes.Images;
using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Stacks;
using Uprobes.Tests.Images;

namespace Uprobes.Tests.Stacks;

/// <summary>Files that are opened for a process, here the test's own, without the links that only root may follow.</summary>
public sealed class MappedFileTests : IDisposable
{
    // Where nothing is mapped, so that no link in map_files leads to the file.
    private const ulong Elsewhere = 0x10000;
    private readonly Workshop _workshop = new();
    private readonly ImageStore _store = new();

    public void Dispose()
    {
        _store.Dispose();
        _workshop.Dispose();
    }

    [Fact]
    public void The_file_of_that_number_is_opened_by_its_path()
    {
        string path = Compile("one.so");
        Assert.NotNull(Open(MappingOf(path), null, out string? problem));
        Assert.Null(problem);
    }

    [Fact]
    public void What_a_process_had_mapped_that_has_ended_is_opened_by_its_path()
    {
        const int NoProcess = int.MaxValue;
        Mapping mapping = MappingOf(Compile("one.so"));
        var opener = new MappedFileOpener(NoProcess, _store, null);
        Assert.NotNull(opener.Open(mapping, [mapping], isNow: false, out _));
        Assert.Null(opener.Open(mapping with { Inode = 1 }, [mapping], isNow: false, out string? problem));
        Assert.Contains("another file", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_file_of_that_path_is_not_taken_for_it()
    {
        string path = Compile("one.so");
        Mapping mapping = MappingOf(path) with { Inode = 1 };
        Assert.Null(Open(mapping, null, out string? problem));
        Assert.Contains("another file", problem, StringComparison.Ordinal);
        Assert.Null(Open(mapping, (_, destination) => destination.Length, out _));
    }

    [Fact]
    public void A_file_whose_header_is_in_memory_is_taken_whatever_its_number()
    {
        string path = Compile("one.so");
        byte[] file = File.ReadAllBytes(path);
        Assert.NotNull(Open(MappingOf(path) with { Inode = 1 }, Read, out string? problem));
        Assert.Null(problem);

        int Read(ulong address, Span<byte> destination)
        {
            file.AsSpan((int)(address - Elsewhere), destination.Length).CopyTo(destination);
            return destination.Length;
        }
    }

    [Fact]
    public void A_deleted_file_is_not_looked_for_by_its_path()
    {
        Assert.Null(Open(MappingOf(Compile("one.so")) with { IsDeleted = true }, null, out string? problem));
        Assert.Contains("deleted", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_image_is_a_problem_and_not_a_failure()
    {
        File.WriteAllText(_workshop.PathOf("text"), "no image");
        Assert.Null(Open(MappingOf(_workshop.PathOf("text")), null, out string? problem));
        Assert.NotNull(problem);
        Assert.Null(Open(MappingOf(_workshop.PathOf("text")) with { Path = _workshop.PathOf("missing") }, null, out problem));
        Assert.NotNull(problem);
    }

    [Fact]
    public void A_file_is_opened_once()
    {
        string path = Compile("one.so");
        Assert.Same(Open(MappingOf(path), null, out _), Open(MappingOf(path), null, out _));
    }

    [Fact]
    public void The_code_that_the_kernel_maps_has_functions_and_frames()
    {
        using ProcessImages process = new(Environment.ProcessId, _store, []);
        MappedCode? vdso = process.Current.Code.FirstOrDefault(c => c.Path == "[vdso]");
        if (vdso is null)
            Assert.Skip("this kernel maps no code");
        FunctionSymbol function = Assert.Single(vdso.Image!.Functions.Named("__vdso_clock_gettime"));
        ulong address = vdso.Start + function.Offset.Value;
        Assert.Equal(FrameStepKind.Row, process.Current.StepAt(address).Kind);
        StackFrame frame = new StackSymbols(_store).Name(FramePlace.Of(process.Current, null, address, FrameCause.Stopped), isExpanded: true)[^1];
        Assert.Equal((0UL, "[vdso]"), (frame.Offset, frame.Module));
        Assert.Contains("clock_gettime", frame.Function, StringComparison.Ordinal);
    }

    private string Compile(string name) => _workshop.Compile(name, "one.c", "int one(int x) { return x + 1; }", "-shared", "-fPIC", "-nostdlib");

    private static Mapping MappingOf(string path)
    {
        Assert.True(FileStatus.TryOf(path, out FileStatus status, out _));
        return new Mapping(Elsewhere, Elsewhere + 0x10000, MappingPermissions.Read | MappingPermissions.Execute, 0, status.Device, status.Inode, path, false);
    }

    private ElfImage? Open(Mapping mapping, MemoryReader? memory, out string? problem) =>
        new MappedFileOpener(Environment.ProcessId, _store, memory).Open(mapping, [mapping], isNow: true, out problem);
}
