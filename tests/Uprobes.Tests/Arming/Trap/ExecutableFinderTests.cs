using System.Runtime.Versioning;
using Uprobes.Arming.Trap.X64;

namespace Uprobes.Tests.Arming.Trap;

[SupportedOSPlatform("linux")] // for file modes
public sealed class ExecutableFinderTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("uprobes-find-").FullName;

    public ExecutableFinderTests()
    {
        Directory.CreateDirectory(Path.Combine(_root, "a", "folder"));
        Directory.CreateDirectory(Path.Combine(_root, "b"));
        Make("a/data", UnixFileMode.UserRead);
        Make("a/both", UnixFileMode.UserRead);
        Make("b/both", UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Make("b/tool", UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("tool", "b/tool", ExecutableRefusal.None)]
    [InlineData("both", "b/both", ExecutableRefusal.None)]
    [InlineData("data", "a/data", ExecutableRefusal.NotExecutable)]
    [InlineData("folder", "a/folder", ExecutableRefusal.IsDirectory)]
    [InlineData("missing", null, ExecutableRefusal.NotFound)]
    [InlineData("", null, ExecutableRefusal.NotFound)]
    public void A_bare_name_is_looked_for_along_the_path(string name, string? found, object refusal) => Assert.Equal(
        new ExecutableSearch(found is null ? null : Path.Combine(_root, found), (ExecutableRefusal)refusal),
        ExecutableFinder.FindExecutable(name, $"{_root}/nowhere:{_root}/a:{_root}/b"));

    [Fact]
    public void A_name_with_a_slash_is_a_path()
    {
        Assert.Equal(new ExecutableSearch($"{_root}/b/tool", ExecutableRefusal.None), ExecutableFinder.FindExecutable($"{_root}/b/tool", ""));
        Assert.Equal(ExecutableRefusal.NotFound, ExecutableFinder.FindExecutable("b/tool", _root).Refusal);
    }

    [Fact]
    public void An_unset_path_means_the_system_directories() => Assert.True(ExecutableFinder.FindExecutable("sh", null).Found);

    private void Make(string name, UnixFileMode mode)
    {
        string path = Path.Combine(_root, name);
        File.WriteAllText(path, "");
        File.SetUnixFileMode(path, mode);
    }
}
