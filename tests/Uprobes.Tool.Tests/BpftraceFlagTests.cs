namespace Uprobes.Tool.Tests;

/// <summary>Flags of bpftrace that have no use here are answered with the reason and with what to do instead.</summary>
public sealed class BpftraceFlagTests
{
    [Theory]
    [InlineData("-d ast", "--debug (-d) of bpftrace is not offered: there is no BPF program", "--dry-run checks a script")]
    [InlineData("-d", "--debug (-d) of bpftrace is not offered: there is no BPF program", "--dry-run checks a script")]
    [InlineData("--debug=codegen", "--debug (-d) of bpftrace is not offered: there is no BPF program", "--dry-run checks a script")]
    [InlineData("--emit-elf x.o", "--emit-elf of bpftrace is not offered: there is no BPF program", "see uprobe run --help")]
    [InlineData("--emit-llvm x.ll", "--emit-llvm of bpftrace is not offered: there is no BPF program", "see uprobe run --help")]
    [InlineData("--verify-llvm-ir", "--verify-llvm-ir of bpftrace is not offered: there is no BPF program", "see uprobe run --help")]
    [InlineData("--aot x", "--aot of bpftrace is not offered: scripts are not made into programs", "an executable script begins with #!/usr/bin/env -S uprobe run")]
    [InlineData("--mode codegen", "--mode of bpftrace is not offered: tests and benchmarks", "see uprobe run --help")]
    [InlineData("--test", "--test of bpftrace is not offered: tests and benchmarks", "see uprobe run --help")]
    [InlineData("--bench", "--bench of bpftrace is not offered: tests and benchmarks", "see uprobe run --help")]
    [InlineData("--probe-filter uprobe:*", "--probe-filter of bpftrace is not offered: tests and benchmarks", "probes are chosen in the script")]
    [InlineData("--fmt", "--fmt of bpftrace is not offered: scripts are not formatted", "--dry-run checks one")]
    [InlineData("--debuginfo /x", "--debuginfo of bpftrace is not offered: debug information has its places", "put the debug file, or a link to it")]
    [InlineData("--traceable-functions /x", "--traceable-functions of bpftrace is not offered: only the kernel's functions", "see uprobe run --help")]
    [InlineData("--no-feature uprobe_multi", "--no-feature of bpftrace is not offered: this flag is for features of the kernel", "--engine chooses")]
    public void A_flag_that_is_not_offered_is_told_with_what_to_do_instead(string flag, string answer, string instead)
    {
        ToolHarness tool = new();
        Assert.Equal(2, tool.Run(["run", "-e", "BEGIN { exit(); }", .. flag.Split(' ')]));
        Assert.Contains($"uprobe: {answer}", tool.Error, StringComparison.Ordinal);
        Assert.Contains($"\n  hint: {instead}", tool.Error, StringComparison.Ordinal);
    }
}
