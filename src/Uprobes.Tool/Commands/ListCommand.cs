using Uprobes.Images;
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
internal sealed record ListRequest(int? ProcessId, string? Image, string? Pattern, OutputFormat Format);

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
        using var listing = new FunctionListing(output, request.Format, nameImages: opened.Sources.Count > 1);
        var listed = 0;
        try
        {
            foreach (var source in opened.Sources)
            {
                var functions = Select(source);
                foreach (var function in functions.OrderBy(f => f.Offset).ThenBy(f => f.Name, StringComparer.Ordinal))
                    listing.Write(source, function);
                listed += functions.Count;
            }
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
        if (request.Pattern is null)
            return new ToolException($"{where}: no function is known", "it may be stripped: install its debug symbols, or probe file offsets (IMAGE:0xOFFSET)");
        var hint = NearNames.Hint(request.Pattern, opened.Sources.SelectMany(s => s.All).Select(f => f.Name));
        return new ToolException($"{where}: no function matches '{request.Pattern}'", hint ?? "patterns know * ? [...] and match the whole name");
    }
}
