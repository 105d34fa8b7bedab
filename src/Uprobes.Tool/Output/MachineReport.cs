using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Uprobes.Tool.Output;

/// <summary>What <c>run --info</c> tells: the versions, and what of this machine decides what can be probed.</summary>
internal static class MachineReport
{
    private const string ScopePath = "/proc/sys/kernel/yama/ptrace_scope";

    /// <summary>The program and its version.</summary>
    public static string Version => $"uprobe {typeof(MachineReport).Assembly.GetName().Version!.ToString(3)}";

    /// <summary>Writes the report, a line for each thing.</summary>
    public static string Write()
    {
        StringBuilder text = new();
        Append(text, "version", Version);
        Append(text, "language", "bpftrace 0.26, without what only the kernel has");
        Append(text, "system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}");
        Append(text, "processors", Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture));
        Append(text, "processes", Environment.IsPrivilegedProcess ? "all can be probed: this is root" : Scope());
        Append(text, "headers", (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "cc")))
            ? "#include of C headers works: there is a C compiler" : "#include of C headers does not work: there is no C compiler (cc)");
        return text.ToString();
    }

    private static string Scope() => !File.Exists(ScopePath) ? "those of this user can be probed" : File.ReadAllText(ScopePath).Trim() switch
    {
        "0" => "those of this user can be probed",
        "1" => "those that -c starts can be probed, not running ones: kernel.yama.ptrace_scope is 1",
        var scope => $"none can be probed by this user: kernel.yama.ptrace_scope is {scope}",
    };

    private static void Append(StringBuilder text, string name, string value) => text.Append(CultureInfo.InvariantCulture, $"{name,-12}{value}\n");
}
