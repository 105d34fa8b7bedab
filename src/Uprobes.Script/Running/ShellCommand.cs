using System.ComponentModel;
using System.Diagnostics;
using Uprobes.Script.Output;

namespace Uprobes.Script.Running;

/// <summary>A command of <c>system()</c>, run by the shell when its turn comes.</summary>
/// <param name="command">The command.</param>
/// <param name="location">The call.</param>
internal sealed class ShellCommand(string command, ScriptLocation location)
{
    /// <summary>Runs it and writes what it writes.</summary>
    internal void WriteTo(IScriptWriter writer)
    {
        writer.Flush(); // What the command writes to the same terminal by itself comes behind it.
        try
        {
            using Process shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardOutput = true })!;
            using MemoryStream output = new();
            shell.StandardOutput.BaseStream.CopyTo(output);
            shell.WaitForExit();
            writer.CommandOutput(output.GetBuffer().AsSpan(0, (int)output.Length));
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            writer.Message(ScriptSeverity.Error, PrintfFormat.Parse("%s"), [ScriptValue.String(e.Message)], location);
        }
    }
}
