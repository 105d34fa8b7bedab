using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Uprobes.Tests.Arming.X64;

/// <summary>Compiles tests/targets/insn_runner.c and runs cases through it; they are a child process of the test's own.</summary>
internal static partial class InstructionRunner
{
    private const int HeaderSize = 64;

    /// <summary>Runs all cases.</summary>
    /// <returns>What the runner printed: a line for every difference, then the counts.</returns>
    public static async Task<RunnerReport> RunAsync(IReadOnlyList<ExecutedCase> cases, CancellationToken cancellation)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("uprobes-insn-");
        try
        {
            string runner = Path.Combine(folder.FullName, "insn_runner");
            string caseFile = Path.Combine(folder.FullName, "cases");
            string progressFile = Path.Combine(folder.FullName, "progress");
            (int compiled, string messages) = await StartAsync(
                "gcc", ["-O1", "-o", runner, Path.Combine(FindTargets(), "insn_runner.c"), "-Wl,-z,now"], cancellation);
            Assert.True(compiled == 0, messages);
            await WriteCasesAsync(caseFile, cases, cancellation);
            await File.WriteAllBytesAsync(progressFile, new byte[8], cancellation);
            (int exit, string output) = await StartAsync(runner, [caseFile, progressFile], cancellation);
            Match counts = Counts().Match(output);
            if (!counts.Success)
            {
                int last = (int)BinaryPrimitives.ReadUInt64LittleEndian(await File.ReadAllBytesAsync(progressFile, cancellation));
                Assert.Fail($"insn_runner ended with {exit} in case {last}: {cases[last].Name}\n{output}");
            }

            return new(
                [.. Differences().Matches(output).Select(match => $"{cases[int.Parse(match.Groups[1].Value, null)].Name}: {match.Groups[2].Value}")],
                counts.Groups.Values.Where(group => group.Name != "0").ToDictionary(group => group.Name, group => int.Parse(group.Value, null)));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task WriteCasesAsync(string path, IReadOnlyList<ExecutedCase> cases, CancellationToken cancellation)
    {
        await using FileStream file = File.Create(path);
        byte[] header = new byte[HeaderSize];
        ulong[] fields =
        [
            0x314E_5552_4E53_4E49, (ulong)cases.Count, TestLayout.SitePage, TestLayout.TargetPage,
            TestLayout.NearSlotPage, TestLayout.FarSlotPage, TestLayout.Data, TestLayout.Stack,
        ];
        for (int index = 0; index < fields.Length; index++)
            BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8 * index), fields[index]);
        await file.WriteAsync(header, cancellation);
        byte[] record = new byte[ExecutedCase.Size];
        foreach (ExecutedCase item in cases)
        {
            Array.Clear(record);
            item.WriteTo(record);
            await file.WriteAsync(record, cancellation);
        }
    }

    private static async Task<(int Exit, string Output)> StartAsync(string program, string[] arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(cancellation);
        string output = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return (process.ExitCode, output + await errors);
    }

    private static string FindTargets()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string targets = Path.Combine(folder.FullName, "tests", "targets");
            if (File.Exists(Path.Combine(targets, "insn_runner.c")))
                return targets;
        }

        throw new DirectoryNotFoundException($"tests/targets/insn_runner.c is in no folder above {AppContext.BaseDirectory}.");
    }

    [GeneratedRegex(@"^cases (?<cases>\d+) differing (?<differing>\d+) completed (?<completed>\d+) segv (?<segv>\d+) ill (?<ill>\d+) fpe (?<fpe>\d+) bus (?<bus>\d+) stopped-in-slot (?<inside>\d+)$", RegexOptions.Multiline)]
    private static partial Regex Counts();

    [GeneratedRegex(@"^differ case (\d+): (.*)$", RegexOptions.Multiline)]
    private static partial Regex Differences();
}
