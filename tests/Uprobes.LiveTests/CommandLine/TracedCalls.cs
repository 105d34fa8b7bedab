using System.Text.Json;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.CommandLine;

/// <summary>Runs <c>uprobe trace</c> or <c>uprobe count</c> on a target that is asked for calls once the probes are in place.</summary>
internal static class TracedCalls
{
    /// <summary>A specification of a function of a target.</summary>
    public static string Spec(string target, string function) => $"{Targets.Path(target)}:{function}";

    /// <summary>Starts the command on a process and waits until it is attached.</summary>
    public static TargetProcess Attach(TargetProcess target, string command, params string[] arguments)
    {
        var tool = UprobeCommand.Start([command, "-p", $"{target.Pid}", .. arguments]);
        try
        {
            tool.WaitForErrorLine("attached ");
            return tool;
        }
        catch
        {
            tool.Dispose(); // the caller never gets it
            throw;
        }
    }

    /// <summary>What a line of trace says of the call: function, arguments and what follows.</summary>
    public static IEnumerable<string> Calls(string output) =>
        Lines(output).Select(line => line.TrimStart().Split(' ', 3)[2]);

    /// <summary>The objects of JSON output.</summary>
    public static IReadOnlyList<JsonElement> Objects(string output) =>
        [.. Lines(output).Select(line => JsonDocument.Parse(line).RootElement)];

    public static IReadOnlyList<string> Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
