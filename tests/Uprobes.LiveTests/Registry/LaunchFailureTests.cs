using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Registry;

/// <summary>A program that cannot be started is named with the reason, and nothing is left.</summary>
public sealed class LaunchFailureTests : IDisposable
{
    private readonly PrivateFolder _folder = new();
    private readonly LeakCheck _leaks = new();

    public void Dispose()
    {
        _folder.Dispose();
        _leaks.AssertNothingLeft();
    }

    [Fact]
    public void A_name_that_is_not_in_PATH() => Expect("no-such-program-anywhere", "no such program", "PATH");

    [Fact]
    public void A_path_without_a_file() => Expect(_folder.At("missing"), "no such program", "Check the path");

    [Fact]
    public void A_directory() => Expect(_folder.Path, "it is a directory", "");

    [Fact]
    public void A_file_that_may_not_be_executed()
    {
        File.WriteAllText(_folder.At("plain"), "text");
        PrivateFolder.Run("chmod", "644", _folder.At("plain"));
        Expect(_folder.At("plain"), "may not be executed", "");
    }

    [Fact]
    public void A_file_in_a_format_that_the_kernel_does_not_know()
    {
        File.WriteAllText(_folder.At("odd"), "neither a script nor ELF");
        PrivateFolder.Run("chmod", "755", _folder.At("odd"));
        Expect(_folder.At("odd"), "ENOEXEC", "");
    }

    [Fact]
    public void A_script_whose_interpreter_is_missing()
    {
        File.WriteAllText(_folder.At("script"), "#!/no/such/interpreter\n");
        PrivateFolder.Run("chmod", "755", _folder.At("script"));
        Expect(_folder.At("script"), "ENOENT", "");
    }

    private static void Expect(string program, string message, string hint)
    {
        LaunchException error = Assert.Throws<LaunchException>(() => UprobeSession.Launch(program, []));
        Assert.Equal(program, error.Program);
        Assert.StartsWith($"cannot start {program}: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains(hint, error.Hint, StringComparison.Ordinal);
    }
}
