using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>Flags that bpftrace has too do the same, or tell why there is nothing to do.</summary>
public sealed class BpftraceFlagTests
{
    private const string Nothing = "BEGIN { printf(\"begun\\n\"); exit(); }";

    [Fact]
    public void What_the_machine_lets_it_do_is_told()
    {
        CommandResult result = UprobeCommand.Run("run", "--info");
        Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
        string[] lines = result.Output.TrimEnd('\n').Split('\n');
        Assert.Equal(["version", "language", "system", "processors", "processes", "headers"], lines.Select(line => line.Split(' ')[0]));
        Assert.Contains("uprobe ", lines[0], StringComparison.Ordinal);
        Assert.EndsWith($" {Environment.ProcessorCount}", lines[3], StringComparison.Ordinal);
        Assert.Contains("can be probed", lines[4], StringComparison.Ordinal);
        Assert.StartsWith("#include of C headers ", lines[5][12..], StringComparison.Ordinal);
    }

    [Fact]
    public void The_version_is_told_by_either_flag() =>
        Assert.Equal(UprobeCommand.Run("run", "-V").Output.Trim(), $"uprobe {UprobeCommand.Run("--version").Output.Trim()}");

    [Fact]
    public void The_help_has_the_flags_that_work_and_no_others()
    {
        string help = UprobeCommand.Run("run", "--help").Output;
        Assert.All(["-e", "-p", "-c", "-o", "-f", "-B", "-l", "-q", "-v", "-k", "-I", "--include", "--unsafe", "--dry-run", "--no-warnings", "--info", "-V"],
            flag => Assert.Matches($@"(?m)^ +(-\S+, )*{flag}[ ,]", help));
        Assert.All(["--emit-elf", "--dwarf-pid", "--btf", "--fmt"], flag => Assert.DoesNotContain(flag, help, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--usdt-file-activation", "--usdt-file-activation: static probes are switched on in every process that is probed")]
    [InlineData("--btf", "--btf: the types of programs are always read from their debug information")]
    [InlineData("-b", "--btf: the types of programs are always read from their debug information")]
    [InlineData("--dwarf-pid 1", "--dwarf-pid: the stacks of every process that is probed are unwound")]
    [InlineData("--dwarf-pid=1,2", "--dwarf-pid: the stacks of every process that is probed are unwound")]
    public void A_flag_for_which_nothing_has_to_be_done_is_taken(string flag, string notice)
    {
        CommandResult result = UprobeCommand.Run(["run", .. flag.Split(' '), "-e", Nothing]);
        Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
        Assert.StartsWith("begun\n", result.Output, StringComparison.Ordinal);
        Assert.Contains(notice, result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Words_behind_the_script_are_its_own_even_where_flags_look_like_them()
    {
        CommandResult result = UprobeCommand.Run("run", "-q", "-e", "BEGIN { printf(\"%d %s %d\\n\", $#, str($1), getopt(\"test\", 0)); exit(); }", "one", "--", "--test=7");
        Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
        Assert.Equal("1 one 7\n\n\n", result.Output);
    }

    [Fact]
    public void Headers_are_included_by_flags_and_looked_for_in_the_directories_that_are_given()
    {
        Require.Program("cc");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("headers");
        try
        {
            DirectoryInfo first = folder.CreateSubdirectory("first"), second = folder.CreateSubdirectory("second");
            File.WriteAllText(Path.Combine(first.FullName, "shape.h"), "#include <stdint.h>\nstruct shape { uint16_t sides; uint64_t area; };\n");
            File.WriteAllText(Path.Combine(second.FullName, "shape.h"), "struct shape { char other; };\n#error not this one\n");
            File.WriteAllText(Path.Combine(second.FullName, "limits_of.h"), "#define MOST_SIDES 12\nenum colour { RED, GREEN = 5 };\n");
            string[] command =
            [
                "run", "-q", "-I", first.FullName, "-I", second.FullName, "--include", "shape.h", "--include", "limits_of.h",
                "-e", "BEGIN { printf(\"%d %d %d %d\\n\", sizeof(struct shape), offsetof(struct shape, area), MOST_SIDES, GREEN); exit(); }",
            ];
            CommandResult result = UprobeCommand.Run(command);
            Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
            Assert.Equal(("16 8 12 5\n\n\n", ""), (result.Output, result.Errors));

            // The same by the script itself, whose own directory is looked at too.
            string script = Path.Combine(second.FullName, "own.bt");
            File.WriteAllText(script, "#include <shape.h>\n#include \"limits_of.h\"\nBEGIN { printf(\"%d %d\\n\", sizeof(struct shape), MOST_SIDES); exit(); }\n");
            result = UprobeCommand.Run("run", "-q", "-I", first.FullName, script);
            Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
            Assert.Equal(("16 12\n\n\n", ""), (result.Output, result.Errors));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_header_that_is_not_there_is_told_as_a_warning()
    {
        Require.Program("cc");
        CommandResult result = UprobeCommand.Run("run", "-q", "--include", "no/such/header.h", "-e", Nothing);
        Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
        Assert.Equal("begun\n\n\n", result.Output);
        Assert.Contains("WARNING: the header", result.Errors, StringComparison.Ordinal);
        Assert.Contains("no/such/header.h", result.Errors, StringComparison.Ordinal);
        Assert.Equal("", UprobeCommand.Run("run", "-q", "--no-warnings", "--include", "no/such/header.h", "-e", Nothing).Errors);
    }

    [Fact]
    public void Reads_of_memory_that_is_not_there_are_told_each_when_that_is_wanted()
    {
        const string Script = "BEGIN { printf(\"%d\\n\", *(int64 *)8); exit(); }";
        CommandResult told = UprobeCommand.Run("run", "-q", "-k", "-e", Script), summed = UprobeCommand.Run("run", "-q", "-e", Script);
        Assert.Equal((new ExitStatus(0, null), "0\n\n\n"), (told.Exit, told.Output));
        Assert.StartsWith("stdin:1:24-35: WARNING: Bad address\n", told.Errors, StringComparison.Ordinal);
        Assert.Equal((new ExitStatus(0, null), "0\n\n\n"), (summed.Exit, summed.Output));
        Assert.Equal("1 read of memory that was not there: the value was taken for 0 (-k tells each)\n", summed.Errors);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("line")]
    [InlineData("full")]
    public void Output_goes_to_the_file_that_is_given_however_it_is_buffered(string buffering)
    {
        string path = Path.GetTempFileName();
        try
        {
            CommandResult result = UprobeCommand.Run("run", "-q", "-B", buffering, "-o", path, "-e", Nothing);
            Assert.True(result.Exit == new ExitStatus(0, null), result.Errors);
            Assert.Equal(("", "begun\n\n\n"), (result.Output, File.ReadAllText(path)));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
