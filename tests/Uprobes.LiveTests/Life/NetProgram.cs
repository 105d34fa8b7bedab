using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Uprobes.Arming.Trap.X64;

namespace Uprobes.LiveTests.Life;

/// <summary>tests/targets/net.c, and the files that it maps: handler, table, text with traps in it, slots.</summary>
internal sealed class NetProgram : IDisposable
{
    internal const ulong Text = 0x1000_0000, Slots = 0x2000_0000, Handler = 0x6000_0000_0000, Table = 0x6000_1000_0000;
    internal const int Stride = 16;

    private const ulong PageMask = 0xFFF;
    private static readonly Lazy<string> Program = new(Compile);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("uprobes-net-");

    /// <summary>The functions as they are without traps: lea index(%rdi,%rdi,2), %rax; ret.</summary>
    internal static byte[] TextOf(int functions)
    {
        byte[] text = new byte[Math.Max(1, functions) * Stride];
        for (int i = 0; i < functions; i++)
        {
            new byte[] { 0x48, 0x8D, 0x84, 0x7F }.CopyTo(text, i * Stride);
            BitConverter.TryWriteBytes(text.AsSpan(i * Stride + 4), i);
            text[i * Stride + 8] = 0xC3;
        }
        return text;
    }

    /// <summary>Runs a mode with the handler installed and every function trapped.</summary>
    internal (int ExitCode, string Output) RunWithNet(string mode, SafetyNetTable table, int functions, bool originallyIgnored)
    {
        using Process process = StartWithNet(mode, table, functions, originallyIgnored);
        return End(process);
    }

    /// <summary>Starts a mode with the handler installed and every function trapped.</summary>
    internal Process StartWithNet(string mode, SafetyNetTable table, int functions, bool originallyIgnored)
    {
        byte[] code = SafetyNetCode.Emit(Handler, Table, table.Capacity, originallyIgnored, out int restorerOffset);
        byte[] text = TextOf(functions), slots = (byte[])text.Clone();
        for (int i = 0; i < functions; i++)
        {
            // The slot: the displaced lea, then jmp to what follows it.
            slots[i * Stride + 8] = 0xE9;
            BitConverter.TryWriteBytes(slots.AsSpan(i * Stride + 9), (int)((long)Text - (long)Slots) - 5);
            text[i * Stride] = 0xCC;
        }
        return Start(mode, Handler, Handler + (ulong)restorerOffset, SafetyNetCode.ActionFlags, SafetyNetCode.ActionMask, functions,
            (Handler, "rx", code), (Table, "r", table.Image.ToArray()), (Text, "rx", text), (Slots, "rx", slots));
    }

    /// <summary>Runs a mode with SIG_DFL or SIG_IGN and no traps.</summary>
    internal (int ExitCode, string Output) RunBare(string mode, bool ignored)
    {
        using Process process = Start(mode, ignored ? 1u : 0, 0, 0, 0, 0);
        return End(process);
    }

    /// <summary>Starts the program, trapless, to call its functions for each line that it is sent.</summary>
    internal Process Serve(int functions)
    {
        Process process = Start("serve", 0, 0, 0, 0, functions, (Text, "rx", TextOf(functions)));
        Assert.Equal("ready", process.StandardOutput.ReadLine());
        return process;
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static (int ExitCode, string Output) End(Process process)
    {
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)));
        return (process.ExitCode, output);
    }

    private Process Start(string mode, ulong handler, ulong restorer, ulong flags, ulong mask, int functions,
        params (ulong Address, string Protection, byte[] Bytes)[] images)
    {
        var start = new ProcessStartInfo(Program.Value) { RedirectStandardOutput = true, RedirectStandardInput = true };
        start.ArgumentList.Add(mode);
        foreach (ulong number in (ReadOnlySpan<ulong>)[handler, restorer, flags, mask, Text, (ulong)functions])
            start.ArgumentList.Add(Hexadecimal(number));
        foreach ((ulong address, string protection, byte[] bytes) in images)
        {
            Assert.Equal(0u, address & PageMask);
            string path = Path.Combine(_directory.FullName, Hexadecimal(address));
            File.WriteAllBytes(path, bytes);
            start.ArgumentList.Add(Hexadecimal(address));
            start.ArgumentList.Add(protection);
            start.ArgumentList.Add(path);
        }
        return Process.Start(start)!;
    }

    private static string Hexadecimal(ulong number) => number.ToString("x", CultureInfo.InvariantCulture);

    private static string Compile()
    {
        string source = Path.GetFullPath(Path.Combine(SourceDirectory(), "../../targets/net.c"));
        string output = Path.Combine(AppContext.BaseDirectory, "life-net");
        using Process gcc = Process.Start("gcc", ["-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", output, source]);
        gcc.WaitForExit();
        Assert.Equal(0, gcc.ExitCode);
        return output;
    }

    private static string SourceDirectory([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
