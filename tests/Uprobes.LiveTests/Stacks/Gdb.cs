using System.Globalization;
using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Stacks;

/// <summary>A frame as gdb shows it.</summary>
/// <param name="Name">The symbol; of an inlined function its name without parameters.</param>
/// <param name="Offset">How far behind the symbol the address is; 0 of an inlined function.</param>
/// <param name="Source">The name of the source file, a colon and the line, or nothing where they are not known.</param>
/// <param name="IsInlined">Whether it is of an inlined function.</param>
internal sealed record GdbFrame(string Name, ulong Offset, string Source, bool IsInlined);

/// <summary>What gdb says of a stack. Frames that it makes up of functions that jumped to the next one are not on the stack and are left out.</summary>
internal static class Gdb
{
    internal const string Signal = "<signal handler called>";

    // Of a return address the byte before it is what is named, as gdb does for its own listing.
    private const string Script = """
        import gdb
        def source(frame):
            sal = frame.find_sal()
            return "%s:%d" % (sal.symtab.filename.split("/")[-1], sal.line) if sal.symtab and sal.line else ""
        frame = gdb.newest_frame()
        exact = True
        while frame is not None:
            if frame.type() == gdb.SIGTRAMP_FRAME:
                print("FRAME \t<signal handler called>")
                exact = True
            elif frame.type() == gdb.INLINE_FRAME:
                print("INLINED %s\t%s" % (source(frame), frame.name()))
            elif frame.type() != gdb.TAILCALL_FRAME:
                print("FRAME %s\t%s" % (source(frame), gdb.execute("info symbol %d" % (frame.pc() - (0 if exact else 1)), to_string=True).strip()))
                exact = False
            frame = frame.older()
        """;

    /// <summary>Runs a program up to the first time that it reaches an instruction.</summary>
    /// <returns>The frames, innermost first.</returns>
    internal static List<GdbFrame> Frames(string place, string program, params string[] arguments) => FramesAt($"*({place})", program, arguments);

    /// <summary>Runs a program up to the first time that it enters a function: of that gdb shows no inlined call that the function begins with.</summary>
    /// <returns>The frames, innermost first.</returns>
    internal static List<GdbFrame> FramesOfCall(string function, string program, params string[] arguments) => FramesAt(function, program, arguments);

    private static List<GdbFrame> FramesAt(string place, string program, string[] arguments)
    {
        string gdb = Require.Program("gdb");
        string script = Path.Combine(Directory.CreateTempSubdirectory("uprobes-gdb-").FullName, "frames.py");
        File.WriteAllText(script, Script);
        try
        {
            string[] commands =
            [
                "set debuginfod enabled off", "set print demangle off", "set backtrace past-main on", "handle SIGILL SIGUSR1 nostop noprint pass",
                "starti", $"break {place}", "continue", $"source {script}", "kill",
            ];
            using TargetProcess process = TargetProcess.Start(
                gdb, ["-batch", "-nx", "-q", .. commands.SelectMany(c => new[] { "-ex", c }), "--args", program, .. arguments]);
            process.WaitForExit();
            List<GdbFrame> frames = [.. process.Output.Split('\n').Where(line => line.StartsWith("FRAME ", StringComparison.Ordinal) || line.StartsWith("INLINED ", StringComparison.Ordinal)).Select(Parse)];
            Assert.True(frames.Count > 0, $"gdb lists no stack: {process.Output}{process.Errors}");
            return frames;
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(script)!, recursive: true);
        }
    }

    // FRAME file.c:3, a tab, and "mark + 12 in section .text of /path/program", or the same without "+ 12". INLINED file.c:3, a tab, and "mark".
    private static GdbFrame Parse(string line)
    {
        bool isInlined = line.StartsWith("INLINED ", StringComparison.Ordinal);
        string[] parts = line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..].Split('\t');
        (string source, string text) = (parts[0], parts[1]);
        if (isInlined || text == Signal)
            return new GdbFrame(text, 0, source, isInlined);
        int end = text.IndexOf(" in section ", StringComparison.Ordinal);
        text = end < 0 ? text : text[..end];
        int plus = text.LastIndexOf(" + ", StringComparison.Ordinal);
        return plus < 0
            ? new GdbFrame(text, 0, source, false)
            : new GdbFrame(text[..plus], ulong.Parse(text.AsSpan(plus + 3), CultureInfo.InvariantCulture), source, false);
    }
}
