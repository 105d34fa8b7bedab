using Uprobes.Images;
using Uprobes.Images.StaticProbes;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Commands;

/// <summary>What list is asked for.</summary>
/// <param name="ProcessId">The process whose files are listed, or null.</param>
/// <param name="Image">The file or library, or null for all files of the process.</param>
/// <param name="Pattern">Which functions, or null for all.</param>
/// <param name="Format">How they are written.</param>
/// <param name="Plan">Whether to say of each how it would be patched.</param>
/// <param name="Static">Whether static probes are listed, and not functions.</param>
internal sealed record ListRequest(int? ProcessId, string? Image, string? Pattern, OutputFormat Format, bool Plan = false, bool Static = false);

/// <summary>Lists functions of a file, or of the files that a process maps. No process is stopped for it.</summary>
internal sealed class ListCommand(ToolEnvironment environment, IImageFinder images, ListRequest request)
{
    /// <summary>Runs the command; returns the exit code.</summary>
    /// <exception cref="ToolException">There is no such file or process.</exception>
    public int Run()
    {
        using var output = environment.OpenOutput(null);
        using var opened = images.Find(request.ProcessId, request.Image);
        foreach (var problem in opened.Problems)
            environment.Status.Write(problem);
        var listed = 0;
        try
        {
            listed = request.Static ? WriteStaticProbes(output, opened) : request.Plan ? WritePlans(output, opened) : WriteFunctions(output, opened);
            output.Flush();
        }
        catch (OutputClosedException)
        {
            return ExitCode.Success; // `| head` has read enough
        }
        if (listed > 0)
            return ExitCode.Success;
        throw Nothing(opened);
    }

    private int WriteStaticProbes(ResultOutput output, OpenedImages opened)
    {
        var search = StaticProbeSearch.Parse(request.Pattern ?? "*");
        using var listing = new StaticProbeListing(output, request.Format, nameImages: opened.Sources.Count > 1);
        var listed = 0;
        foreach (var source in opened.Sources)
        {
            foreach (var probe in search.In(StaticProbesOf(source)))
            {
                listing.Write(source, probe);
                listed++;
            }
        }
        return listed;
    }

    private static IReadOnlyList<StaticProbeNote> StaticProbesOf(IFunctionSource source)
    {
        try
        {
            return source.StaticProbes;
        }
        catch (ImageException e)
        {
            throw new ToolException($"{source.Path}: {e.Problem}", inner: e);
        }
    }

    private int WriteFunctions(ResultOutput output, OpenedImages opened)
    {
        using var listing = new FunctionListing(output, request.Format, nameImages: opened.Sources.Count > 1);
        var listed = 0;
        foreach (var source in opened.Sources)
        {
            foreach (var function in InOrder(source))
            {
                listing.Write(source, function);
                listed++;
            }
        }
        return listed;
    }

    /// <summary>Resolvers are left out: what a probe would be put on is what they choose.</summary>
    private int WritePlans(ResultOutput output, OpenedImages opened)
    {
        using var listing = new PlanListing(output, request.Format, nameImages: opened.Sources.Count > 1);
        var listed = 0;
        foreach (var source in opened.Sources)
        {
            var plans = source.Plan([.. InOrder(source).Where(f => !f.IsIndirect)]);
            listing.Write(source, plans);
            listed += plans.Count;
        }
        if (listed > 0)
            listing.WriteSummary();
        return listed;
    }

    private IEnumerable<FunctionInfo> InOrder(IFunctionSource source) => Select(source).OrderBy(f => f.Offset).ThenBy(f => f.Name, StringComparer.Ordinal);

    private IReadOnlyList<FunctionInfo> Select(IFunctionSource source)
    {
        if (request.Pattern is null)
            return [.. source.All];
        var named = source.Named(request.Pattern);
        return named.Count > 0 ? named : source.Matching(request.Pattern);
    }

    private ToolException Nothing(OpenedImages opened)
    {
        var where = opened.Sources.Count == 1 ? opened.Sources[0].Path : $"the {opened.Sources.Count} files that the process maps";
        if (request.Static)
            return NoStaticProbe(opened, where);
        if (request.Pattern is null)
            return new ToolException($"{where}: no function is known", "it may be stripped: install its debug symbols, or probe file offsets (IMAGE:0xOFFSET)");
        var hint = NearNames.Hint(request.Pattern, opened.Sources.SelectMany(s => s.All).Select(f => f.Name));
        return new ToolException($"{where}: no function matches '{request.Pattern}'", hint ?? "patterns know * ? [...] and match the whole name");
    }

    private ToolException NoStaticProbe(OpenedImages opened, string where)
    {
        var known = opened.Sources.SelectMany(StaticProbesOf).ToList();
        if (known.Count == 0)
            return new ToolException($"{where}: there are no static probes", "its functions are listed without --usdt");
        return new ToolException($"{where}: no static probe matches '{request.Pattern}'",
            NearNames.Hint(request.Pattern!, known.Select(p => p.Name)) ?? "patterns know * ? [...] and match the whole name, or PROVIDER:NAME");
    }
}
