using Uprobes.LiveTests.Kit;
using Uprobes.LiveTests.Registry;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>The command as a user without any privilege, on programs of that user and of others.</summary>
public sealed class OrdinaryUserTests : IDisposable
{
    private static readonly string[] Unneeded = [".dbg", ".pdb", ".xml"];
    private readonly PrivateFolder _folder = new();
    private readonly StartOptions _ordinary = new() { User = Require.IsRoot ? StartOptions.Nobody : null, Environment = new Dictionary<string, string?> { ["HOME"] = null } };
    private readonly string _tool, _program;

    public OrdinaryUserTests()
    {
        if (Require.IsRoot)
            Require.Program("setpriv");
        _program = _folder.Copy("calls-pie");
        // Where the checkout is, others may have no business.
        foreach (string file in Directory.GetFiles(Path.GetDirectoryName(UprobeCommand.Path)!).Where(f => !Unneeded.Contains(Path.GetExtension(f))))
            File.Copy(file, _folder.At(Path.GetFileName(file)), overwrite: true);
        _tool = _folder.At(Path.GetFileName(UprobeCommand.Path));
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("run -e 'uprobe:PROGRAM:nothing { @ = count(); }'", "@: 30")]
    [InlineData("count PROGRAM:nothing", "30  nothing")]
    [InlineData("count --detach PROGRAM:nothing", "30  nothing")]
    [InlineData("count --engine trap PROGRAM:nothing", "30  nothing")]
    [InlineData("stack PROGRAM:nothing", "30 calls")]
    [InlineData("latency PROGRAM:nothing --top 1", "30 ")]
    public void Own_programs_are_probed_and_left_as_they_were(string command, string result)
    {
        using TargetProcess target = Own();
        ProcessSnapshot before = ProcessSnapshot.Take(target.Pid);
        string[] words = [.. command.Replace("PROGRAM", _program, StringComparison.Ordinal).Split('\'').SelectMany((part, i) => i % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries))];
        using TargetProcess tool = Start([words[0], "-p", $"{target.Pid}", .. words[1..]]);
        tool.WaitForErrorLine(words[0] == "run" ? "Attached " : "attached ");
        target.Ask("nothing 30");
        tool.Signal(Signals.Interrupt);
        Assert.True(tool.WaitForExit() == new ExitStatus(0, null), tool.Errors);
        Assert.Contains(result, tool.Output, StringComparison.Ordinal);
        Assert.Empty(ProcessSnapshot.Take(target.Pid).DifferencesFrom(before));
        Assert.Equal(new ExitStatus(0, null), target.Quit());
    }

    [Theory]
    [InlineData("count")]
    [InlineData("run")]
    [InlineData("stack")]
    public void A_program_of_another_user_is_refused_with_whose_it_is_and_what_to_do(string command)
    {
        Require.Root();
        using TargetProcess target = TargetProcess.StartTarget("calls-pie");
        string[] what = command == "run" ? ["-e", $"uprobe:{_program}:nothing {{ }}"] : [$"{_program}:nothing"];
        using TargetProcess tool = Start([command, "-p", $"{target.Pid}", .. what]);
        Assert.Equal(new ExitStatus(1, null), tool.WaitForExit());
        Assert.Contains($"cannot attach to process {target.Pid}: it runs as user 0, you are user {StartOptions.Nobody}\n  hint: Run as that user, or as root.\n", tool.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_that_took_its_owners_rights_is_refused()
    {
        Require.Root();
        PrivateFolder.Run("chmod", "4755", _program);
        using TargetProcess target = Own();
        using TargetProcess tool = Start("count", "-p", $"{target.Pid}", $"{_program}:nothing");
        Assert.Equal(new ExitStatus(1, null), tool.WaitForExit());
        Assert.Contains($"cannot attach to process {target.Pid}: it is not dumpable: it changed its user or asked for protection\n  hint: Run as root.\n", tool.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_program_that_is_started_without_its_owners_rights_is_told_about()
    {
        Require.Root();
        PrivateFolder.Run("chmod", "4755", _program);
        using TargetProcess tool = Start("count", $"{_program}:nothing", "-c", _program);
        tool.CloseInput();
        Assert.True(tool.WaitForExit() == new ExitStatus(0, null), tool.Errors);
        Assert.Contains($"{_program} is set-user-ID: while it is traced it runs with your rights, not with its owner's", tool.Errors, StringComparison.Ordinal);
    }

    private TargetProcess Own()
    {
        TargetProcess target = TargetProcess.Start(_ordinary, _program);
        target.WaitForLine("ready ");
        return target;
    }

    private TargetProcess Start(params string[] arguments) => TargetProcess.Start(_ordinary, _tool, arguments);
}
