using Uprobes.Images;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Registry;

/// <summary>A point can be given by function, by function and offset, and by file offset, in every kind of program.</summary>
public sealed class NamingTests
{
    [Theory]
    [InlineData("calls-pie")]
    [InlineData("calls-nopie")]
    [InlineData("calls-static")]
    [InlineData("calls-static-pie")]
    [InlineData("calls-O2")]
    [InlineData("calls-musl")]
    public void Name_name_with_offset_and_file_offset_find_the_same_function(string name)
    {
        using TargetProcess target = TargetProcess.StartTarget(name);
        string path = Targets.Path(name);
        string expected = target.Ask("sum6 4");
        using (UprobeSession session = UprobeSession.Attach(target.Pid))
        {
            ElfImage image = session.OpenImage(path);
            FunctionSymbol function = image.Functions.Named("sum6").Single();
            byte[] code = new byte[function.Size];
            image.Read(function.Offset, code);
            ulong second = Arming.X64.InstructionBoundaries.Decode(code, 0) is { } boundaries
                ? Enumerable.Range(1, 15).Select(i => (ulong)i).First(boundaries.IsBoundary) : 0;

            using ProbeRegistration byName = session.Register(ProbePoint.At(path, "sum6"), Count.Only);
            using ProbeRegistration inside = session.Register(ProbePoint.At(path, "sum6", second), Count.Only);
            using ProbeRegistration byOffset = session.Register(ProbePoint.At(path, function.Offset), Count.Only);
            using ProbeRegistration insideByOffset = session.Register(ProbePoint.At(path, function.Offset.Value + second), Count.Only);
            Assert.Same(byName.Consumer.Uprobe, byOffset.Consumer.Uprobe);
            Assert.Same(inside.Consumer.Uprobe, insideByOffset.Consumer.Uprobe);
            Assert.Equal(expected, target.Ask("sum6 4"));
            Assert.All([byName, inside, byOffset, insideByOffset], r => Assert.Equal(4, r.Hits));
        }

        TextComparison.AssertSame(target.Pid);
        Assert.Equal(expected, target.Ask("sum6 4"));
    }

    [Fact]
    public void A_stripped_program_is_probed_by_file_offset()
    {
        using ElfImage image = ElfImage.Open(Targets.Path("calls-pie"));
        FileOffset offset = image.Functions.Named("nothing").Single().Offset;
        using TargetProcess target = TargetProcess.StartTarget("calls-stripped");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using ProbeRegistration registration = session.Register(ProbePoint.At("calls-stripped", offset, "nothing"), Count.Only);
        target.Ask("nothing 6");
        Assert.Equal(6, registration.Hits);
    }

    [Fact]
    public void A_library_is_named_as_users_write_it()
    {
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        string path = session.OpenImage("libc").Path;
        ProbeRegistration[] all = [.. ((string[])["libc", "libc.so.6", path]).Select(n => session.Register(ProbePoint.At(n, "fgets"), Count.Only))];
        target.Ask("nothing 1");
        target.Ask("nothing 1"); // The line of the second command was read after the probes were there.
        Assert.All(all, r => Assert.Same(all[0].Consumer.Uprobe, r.Consumer.Uprobe));
        Assert.All(all, r => Assert.True(r.Hits > 0));
    }
}
