using System.CommandLine;
using System.CommandLine.Completions;
using System.Globalization;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.CommandLine;

/// <summary>What a shell offers behind a word that is half written: processes, and functions of the file that was named.</summary>
/// <param name="images">Finds the files.</param>
internal sealed class Candidates(IImageFinder images)
{
    /// <summary>More than anybody reads.</summary>
    private const int Most = 500;

    /// <summary>Adds them to the options and arguments of all commands that name processes and functions.</summary>
    public void AddTo(Command root)
    {
        foreach (var command in root.Subcommands)
        {
            var process = command.Options.FirstOrDefault(option => option.Name == "-p");
            var specs = command.Arguments.FirstOrDefault(argument => argument.Name is "SPEC" or "WHAT");
            // An option that may come several times counts as open until another one begins.
            process?.CompletionSources.Add(context => IsBehind(context, process) ? Processes() : specs is null ? [] : FunctionsOf(context));
            specs?.CompletionSources.Add(FunctionsOf);

            IEnumerable<CompletionItem> FunctionsOf(CompletionContext context) => Functions(context.WordToComplete, process is null ? null : ProcessOf(context, process));
        }
    }

    /// <summary>Processes that may be probed, the newest first; those of others are left out where the kernel would refuse them.</summary>
    private static IEnumerable<CompletionItem> Processes() => Directory.EnumerateDirectories("/proc")
        .Select(path => int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
        .Where(id => id > 0 && id != Environment.ProcessId && MappedFiles.Of(id).Count > 0)
        .OrderDescending()
        .Select(id => new CompletionItem(id.ToString(CultureInfo.InvariantCulture)));

    private static bool IsBehind(CompletionContext context, Option option)
    {
        if (context is not TextCompletionContext text)
            return true;
        var before = text.CommandLineText[..Math.Min(text.CursorPosition, text.CommandLineText.Length)];
        var words = before[..^Math.Min(before.Length, context.WordToComplete.Length)].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length > 0 && (words[^1] == option.Name || option.Aliases.Contains(words[^1]));
    }

    private static int? ProcessOf(CompletionContext context, Option process)
    {
        foreach (var token in context.ParseResult.GetResult(process)?.Tokens ?? [])
        {
            if (int.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                return id;
        }
        return null;
    }

    private IEnumerable<CompletionItem> Functions(string word, int? processId)
    {
        var (image, beginning) = SpecParser.SplitImage(word);
        if (image is not { Length: > 0 })
            return processId is { } id ? MappedFiles.Of(id).Select(file => new CompletionItem(ShortName(file.Path) + ":")) : [];
        try
        {
            using var opened = images.Find(processId, image);
            return [.. opened.Sources.SelectMany(source => source.Matching(beginning + "*")).Select(function => function.Name).Distinct()
                .Order(StringComparer.Ordinal).Take(Most).Select(name => new CompletionItem($"{image}:{name}"))];
        }
        catch (ToolException)
        {
            return []; // A file that is not there, or not yet written to its end, has no functions to offer: the command will tell.
        }
    }

    /// <summary><c>/usr/lib/libssl.so.3</c> is <c>libssl</c> for everybody who types it.</summary>
    private static string ShortName(string path)
    {
        var name = Path.GetFileName(path);
        var end = name.IndexOf(".so", StringComparison.Ordinal);
        return end > 0 ? name[..end] : path;
    }
}
