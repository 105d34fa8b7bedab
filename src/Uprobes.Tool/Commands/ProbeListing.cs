using System.Buffers;
using Uprobes.Images.StaticProbes;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Probes;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Commands;

/// <summary>
/// Lists probes as bpftrace does: <c>uprobe:/usr/lib/libc.so.6:malloc</c> a line, and with -v below it what the function takes and returns. No process is
/// stopped for it.
/// </summary>
internal sealed class ProbeListing(ToolEnvironment environment, IImageFinder images, RunRequest request)
{
    /// <summary>What ends the name of a function in a script, or means a pattern.</summary>
    private static readonly SearchValues<char> NotInWords = SearchValues.Create(":,(){}<>[]*?/ \"&");

    /// <summary>Lists what a pattern means; returns the exit code.</summary>
    /// <param name="pattern">As <c>uprobe:FILE:PATTERN</c>.</param>
    public int ListPattern(string pattern)
    {
        DiagnosticBag diagnostics = [];
        var source = new ScriptSource("stdin", pattern);
        var place = new AttachPointReader(diagnostics, []).Read(new AttachPointSyntax(null, pattern, new SourceSpan(0, pattern.Length)));
        if (place is not null)
            return List([place]);
        environment.Status.WriteSafe(DiagnosticRenderer.Render(diagnostics, source));
        return ExitCode.Failure;
    }

    /// <summary>Lists the probes of a script; returns the exit code.</summary>
    public int ListScript(TypedScript script) => List(script.Probes.SelectMany(probe => probe.AttachPoints));

    private int List(IEnumerable<AttachPoint> places)
    {
        var listed = 0;
        using var output = environment.OpenOutput(null);
        try
        {
            foreach (var place in places)
                listed += place switch
                {
                    UserProbe user => Write(output, place, user.File, source => Names(source, user.Target)),
                    StaticProbe marked => Write(output, place, marked.File, source => new StaticProbeSearch(marked.Provider, marked.Name).In(source.StaticProbes).Select(p => (p.ToString(), (FunctionInfo?)null))),
                    _ => WriteLine(output, place.Text),
                };
            output.Flush();
        }
        catch (OutputClosedException)
        {
            return ExitCode.Success; // `| head` has read enough
        }
        return listed > 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private int Write(ResultOutput output, AttachPoint place, string file, Func<IFunctionSource, IEnumerable<(string Name, FunctionInfo? Function)>> names)
    {
        var processId = request.Target is TargetChoice.Processes { Ids: [var first, ..] } ? first : (int?)null;
        var isEverything = file == "*";
        if (isEverything && processId is null)
            throw ToolException.Usage("all files are listed of a process only", $"give -p PID, or a file: uprobe run -l '{place.TypeName}:libc:*'");
        using var opened = images.Find(processId, isEverything ? null : file);
        var listed = 0;
        foreach (var source in opened.Sources)
        {
            foreach (var (name, function) in names(source).DistinctBy(found => found.Name).OrderBy(found => found.Name, StringComparer.Ordinal))
            {
                listed += WriteLine(output, $"{place.TypeName}:{source.Path}{(name.StartsWith('@') ? "" : ":")}{(function is null ? name : AsWritten(name))}");
                if (request.IsVerbose && function is { } known && source.TypesOf(known) is { } types)
                    WriteTypes(output, types, place is UserProbe { IsReturn: true });
            }

            if (request.IsVerbose && place is UserProbe && source.WhyWithoutTypes is { } reason)
                environment.Status.Write($"no parameters are shown: {reason}");
        }
        return listed;
    }

    private static void WriteTypes(ResultOutput output, FunctionTypes types, bool isReturn)
    {
        foreach (var parameter in isReturn ? [] : types.Parameters)
            WriteLine(output, $"    {parameter}");
        if (types.Result is { } result)
            WriteLine(output, $"    {result} retval");
    }

    private static IEnumerable<(string Name, FunctionInfo? Function)> Names(IFunctionSource source, Script.Probes.ProbeTarget place) => place switch
    {
        FunctionTarget { IsPattern: true } function => source.Matching(function.Name).Select(found => (found.Name, (FunctionInfo?)found)),
        FunctionTarget function => source.Named(function.Name).Take(1).Select(found => (function.Name, (FunctionInfo?)found)),
        LineTarget line when source.FindLine(line.File, line.Line, line.Column) is { Places.Count: > 0 } found => [($"@{line.File}:{found.Places[0].Line}", null)],
        AddressTarget address => [($"0x{address.Address:x}", null)],
        _ => [],
    };

    /// <summary>A function's name as a script names it: what is no single word in quotes, and what a demangler has made with its prefix.</summary>
    private static string AsWritten(string name) => name.AsSpan().IndexOfAny(NotInWords) < 0 ? name
        : name.EndsWith(')') || name.Contains("::", StringComparison.Ordinal) ? $"cpp:\"{name}\""
        : $"\"{name}\"";

    private static int WriteLine(ResultOutput output, string line)
    {
        output.Buffer.WriteText(Escaping.Text(line));
        output.Buffer.WriteText("\n");
        output.FlushIfLarge();
        return 1;
    }
}
