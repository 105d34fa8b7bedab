using System.Globalization;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Stacks;

/// <summary>What gdb says of a stack: of every frame the symbol and how far behind it the address is. Frames that it makes up from debug
/// information, of functions that were inlined or that jumped to the next one, are not on the stack and are left out.</summary>
internal static class Gdb
{
    internal const string Signal = "<signal handler called>";

    // Of a return address the byte before it is what is named, as gdb does for its own listing.
    private const string Script = """
        import gdb
        frame = gdb.newest_frame()
        while frame is not None:
            if frame.type() == gdb.SIGTRAMP_FRAME:
                print("FRAME <signal handler called>")
            elif frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
                newer = frame.newer()
                exact = newer is None or newer.type() == gdb.SIGTRAMP_FRAME
                print("FRAME " + gdb.execute("info symbol %d" % (frame.pc() - (0 if exact else 1)), to_string=True).strip())
            frame = frame.older()
        """;

    /// <summary>Runs a program up to the first time that it reaches a function, or an instruction of it.</summary>
    /// <returns>Names and offsets, innermost first.</returns>
    internal static List<(string Name, ulong Offset)> Frames(string place, string program, params string[] arguments)
    {
        string gdb = Require.Program("gdb");
        string script = Path.Combine(Directory.CreateTempSubdirectory("uprobes-gdb-").FullName, "frames.py");
        File.WriteAllText(script, Script);
        try
        {
            string[] commands =
            [
                "set debuginfod enabled off", "set print demangle off", "set backtrace past-main on", "handle SIGILL SIGUSR1 nostop noprint pass",
                "starti", $"break *({place})", "continue", $"source {script}", "kill",
            ];
            using TargetProcess process = TargetProcess.Start(
                gdb, ["-batch", "-nx", "-q", .. commands.SelectMany(c => new[] { "-ex", c }), "--args", program, .. arguments]);
            process.WaitForExit();
            List<(string, ulong)> frames = [.. process.Output.Split('\n').Where(line => line.StartsWith("FRAME ", StringComparison.Ordinal)).Select(Parse)];
            Assert.True(frames.Count > 0, $"gdb lists no stack: {process.Output}{process.Errors}");
            return frames;
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(script)!, recursive: true);
        }
    }

    // mark + 12 in section .text of /path/program; or the same without "+ 12".
    private static (string, ulong) Parse(string line)
    {
        string text = line["FRAME ".Length..];
        if (text == Signal)
            return (Signal, 0);
        int end = text.IndexOf(" in section ", StringComparison.Ordinal);
        text = end < 0 ? text : text[..end];
        int plus = text.LastIndexOf(" + ", StringComparison.Ordinal);
        return plus < 0 ? (text, 0) : (text[..plus], ulong.Parse(text.AsSpan(plus + 3), CultureInfo.InvariantCulture));
    }
}
