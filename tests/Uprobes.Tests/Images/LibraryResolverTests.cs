using Uprobes.Images;

namespace Uprobes.Tests.Images;

/// <summary>Names as users write them lead to the file that they mean.</summary>
public sealed class LibraryResolverTests : IDisposable
{
    private readonly Workshop _workshop = new();

    public void Dispose() => _workshop.Dispose();

    [Theory]
    [InlineData("libc", "libc.so.6", true)]
    [InlineData("libc", "libc-2.31.so", true)]
    [InlineData("libc", "libc.so", true)]
    [InlineData("libc.so", "libc.so.6", true)]
    [InlineData("libc", "libcap.so.2", false)]
    [InlineData("libc", "libc++.so.1", false)]
    [InlineData("libc", "libc-client.so.2007", false)]
    [InlineData("libc.so.6", "libc.so.7", false)]
    [InlineData("libpython3.11", "libpython3.11.so.1.0", true)]
    [InlineData("libpython3", "libpython3.11.so.1.0", false)]
    [InlineData("ld-linux-x86-64", "ld-linux-x86-64.so.2", true)]
    [InlineData("libstdc++", "libstdc++.so.6.0.30", true)]
    [InlineData("libx", "libx.something", false)]
    [InlineData("libx", "libx.sox.1", false)]
    public void A_name_means_its_versions_and_nothing_longer(string name, string file, bool expected) =>
        Assert.Equal(expected, new LibraryName(name).IsStemOf(file));

    [Theory]
    [InlineData("libc", "libc.so.6")]
    [InlineData("libc.so.6", "libc.so.6")]
    [InlineData("libm", "libm.so.6")]
    [InlineData("ld-linux-x86-64", "ld-linux-x86-64.so.2")]
    public void The_loaders_cache_knows_the_systems_libraries(string name, string file)
    {
        Assert.SkipUnless(File.Exists("/etc/ld.so.cache"), "there is no /etc/ld.so.cache");
        LibraryResolution resolution = new LibraryResolver().Resolve(name);
        Assert.Equal(LibraryResolutionOutcome.Found, resolution.Outcome);
        Assert.Equal(file, Path.GetFileName(resolution.Path));
        using ElfImage image = ElfImage.Open(resolution.Path!);
        Assert.Equal(file, image.Soname);
    }

    [Fact]
    public void The_cache_is_read_as_ldconfig_prints_it()
    {
        Assert.SkipUnless(File.Exists("/etc/ld.so.cache"), "there is no /etc/ld.so.cache");
        string[] expected = [.. Workshop.RunTool("/", "/sbin/ldconfig", "-p").Split('\n')
            .Where(line => line.Contains("(libc6,x86-64)", StringComparison.Ordinal))
            .Select(line => line.Trim().Split(' ')[0] + " " + line.Split(" => ")[1])];
        LoaderCache cache = LoaderCache.TryParse(File.ReadAllBytes("/etc/ld.so.cache"))!;
        Assert.Equal(expected, cache.Libraries.Select(library => $"{library.Name} {library.Path}"));
    }

    [Fact]
    public void A_damaged_cache_is_refused_and_never_an_error()
    {
        byte[] whole = File.Exists("/etc/ld.so.cache") ? File.ReadAllBytes("/etc/ld.so.cache") : "glibc-ld.so.cache1.1"u8.ToArray();
        CsCheck.Check.Sample(CsCheck.Gen.Select(CsCheck.Gen.Int[0, whole.Length], CsCheck.Gen.Int[0, 400], CsCheck.Gen.Byte), (length, at, value) =>
        {
            byte[] bytes = whole[..length];
            if (at < length)
                bytes[at] = value;
            LoaderCache.TryParse(bytes);
        }, iter: 500);
        Assert.Null(LoaderCache.TryParse("nonsense"u8));
        Assert.Null(LoaderCache.TryParse("ld.so-1.7.0\0\u00ff\u00ff\u00ff\u00ff"u8));
    }

    [Fact]
    public void Paths_are_taken_as_they_are()
    {
        File.WriteAllText(_workshop.PathOf("app"), "");
        var resolver = new LibraryResolver();
        Assert.Equal(_workshop.PathOf("app"), resolver.Resolve(_workshop.PathOf("app")).Path);
        LibraryResolution missing = resolver.Resolve("./no-such-file");
        Assert.Equal(LibraryResolutionOutcome.NotFound, missing.Outcome);
        Assert.Equal("./no-such-file was not found in ./no-such-file", missing.ToString());
    }

    [Fact]
    public void Programs_are_found_through_PATH()
    {
        Directory.CreateDirectory(_workshop.PathOf("bin"));
        File.WriteAllText(_workshop.PathOf("bin/tool"), "");
        var resolver = new LibraryResolver { ProgramPath = [_workshop.PathOf("bin")] };
        Assert.Equal(LibraryResolutionOutcome.NotFound, resolver.Resolve("tool").Outcome);
        _workshop.Run("chmod", "+x", "bin/tool");
        Assert.Equal(_workshop.PathOf("bin/tool"), resolver.Resolve("tool").Path);
        LibraryResolution missing = resolver.Resolve("no-such-tool");
        Assert.Contains("/etc/ld.so.cache", missing.LookedAt);
        Assert.Contains(_workshop.PathOf("bin"), missing.LookedAt);
    }

    [Fact]
    public void Scripts_that_start_a_program_do_not_hide_it()
    {
        Directory.CreateDirectory(_workshop.PathOf("shims"));
        Directory.CreateDirectory(_workshop.PathOf("usr"));
        File.WriteAllText(_workshop.PathOf("shims/tool"), "#!/bin/sh\nexec usr/tool\n");
        File.Copy("/bin/true", _workshop.PathOf("usr/tool"));
        _workshop.Run("chmod", "+x", "shims/tool", "usr/tool");
        var both = new LibraryResolver { ProgramPath = [_workshop.PathOf("shims"), _workshop.PathOf("usr")] };
        Assert.Equal(_workshop.PathOf("usr/tool"), both.Resolve("tool").Path);
        var shims = new LibraryResolver { ProgramPath = [_workshop.PathOf("shims")] };
        Assert.Equal(_workshop.PathOf("shims/tool"), shims.Resolve("tool").Path);
    }

    [Fact]
    public void What_the_target_has_mapped_wins_and_different_files_are_ambiguous()
    {
        foreach (string file in new[] { "libc-2.31.so", "libcap.so.2", "libdup.so.1", "libdup.so.2" })
            File.WriteAllText(_workshop.PathOf(file), file);
        _workshop.Run("ln", "-s", "libdup.so.1", "libdup.so");
        var resolver = new LibraryResolver { MappedFiles = [.. Directory.GetFiles(_workshop.Folder)] };
        Assert.Equal(_workshop.PathOf("libc-2.31.so"), resolver.Resolve("libc").Path);
        Assert.Equal(_workshop.PathOf("libdup.so.2"), resolver.Resolve("libdup.so.2").Path);
        LibraryResolution both = resolver.Resolve("libdup");
        Assert.Equal(LibraryResolutionOutcome.Ambiguous, both.Outcome);
        Assert.Equal(2, both.Candidates.Count);
        Assert.Null(both.Path);
        // A link that is named exactly is not ambiguous.
        Assert.Equal(_workshop.PathOf("libdup.so"), resolver.Resolve("libdup.so").Path);
    }

    [Fact]
    public void A_program_that_does_not_run_yet_is_asked_for_its_libraries()
    {
        Directory.CreateDirectory(_workshop.PathOf("lib"));
        _workshop.Compile("lib/libinner.so.1", "inner.c", "int inner(void) { return 1; }", "-shared", "-fPIC", "-Wl,-soname,libinner.so.1");
        _workshop.Compile("lib/libouter.so.1", "outer.c", "int inner(void); int outer(void) { return inner(); }", "-shared", "-fPIC", "-Wl,-soname,libouter.so.1", "lib/libinner.so.1", "-Wl,-rpath,$ORIGIN");
        string program = _workshop.Compile("app", "app.c", "int outer(void); int main(void) { return outer(); }", "lib/libouter.so.1", "-Wl,-rpath,$ORIGIN/lib", "-Wl,-rpath-link,lib");
        var resolver = new LibraryResolver { MainExecutable = program };
        Assert.Equal(_workshop.PathOf("lib/libouter.so.1"), resolver.Resolve("libouter").Path);
        Assert.Equal(_workshop.PathOf("lib/libinner.so.1"), resolver.Resolve("libinner").Path);
        Assert.Equal(program, resolver.Resolve("app").Path);
        Assert.Equal("libc.so.6", Path.GetFileName(resolver.Resolve("libc").Path));
    }

    [Fact]
    public void Links_below_another_root_stay_below_it()
    {
        Directory.CreateDirectory(_workshop.PathOf("root/real"));
        Directory.CreateDirectory(_workshop.PathOf("root/usr/lib"));
        File.WriteAllText(_workshop.PathOf("root/real/libz.so.1.3"), "");
        _workshop.Run("ln", "-s", "/real/libz.so.1.3", "root/usr/lib/libz.so.1");
        _workshop.Run("ln", "-s", "../../../../../../real", "root/usr/up");
        _workshop.Run("ln", "-s", "loop", "root/loop");
        var resolver = new LibraryResolver { Root = _workshop.PathOf("root") };
        Assert.Equal(_workshop.PathOf("root/real/libz.so.1.3"), resolver.Resolve("libz").Path);
        Assert.Equal(_workshop.PathOf("root/real/libz.so.1.3"), resolver.Resolve("/usr/up/libz.so.1.3").Path);
        Assert.Equal(LibraryResolutionOutcome.NotFound, resolver.Resolve("/loop").Outcome);
        Assert.Equal(LibraryResolutionOutcome.NotFound, resolver.Resolve("libc").Outcome);
    }

    [Fact]
    public void The_root_of_a_process_can_be_the_root()
    {
        var resolver = new LibraryResolver { Root = "/proc/self/root" };
        LibraryResolution libc = resolver.Resolve("libc");
        Assert.StartsWith("/proc/self/root/", libc.Path, StringComparison.Ordinal);
        using ElfImage through = ElfImage.Open(libc.Path!);
        using ElfImage direct = ElfImage.Open(new LibraryResolver().Resolve("libc").Path!);
        Assert.Equal(direct.Id, through.Id);
    }
}
