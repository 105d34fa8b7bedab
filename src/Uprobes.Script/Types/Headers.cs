using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Uprobes.Images;
using Uprobes.Images.Types;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Types;

/// <summary>
/// The types and constants of the C headers that a script includes. C is read by a C compiler, the one of this machine: it writes them as
/// debug information, which is read like that of a program. Without a compiler, and where a header is not there, the script does without.
/// </summary>
internal sealed partial class Headers : IDisposable
{
    /// <summary>What stands before the names of constants that were made of <c>#define</c> lines.</summary>
    private const string ConstantPrefix = "uprobe_constant_", MissingPrefix = "uprobe_missing_";

    private static readonly string[] Compilers = ["cc", "gcc", "clang"];

    private static readonly TimeSpan LongestCompilation = TimeSpan.FromSeconds(30);

    private readonly string? _folder;
    private readonly ElfImage? _image;

    private Headers(string? folder, ElfImage? image)
    {
        _folder = folder;
        _image = image;
    }

    /// <summary>What the headers declare; null where none could be read.</summary>
    internal TypeTable? Types => _image?.Types;

    /// <summary>The value of a constant of a <c>#define</c> line.</summary>
    internal long? FindConstant(string name) => Types?.FindConstant(ConstantPrefix + name, null)?.Value;

    /// <inheritdoc/>
    public void Dispose()
    {
        _image?.Dispose();
        if (_folder is not null)
            Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Reads the headers of a script.</summary>
    /// <param name="includes">Which.</param>
    /// <param name="source">The script: only constants that it names are looked for.</param>
    /// <param name="search">Where they are looked for.</param>
    /// <param name="diagnostics">Gets why one could not be read, as a warning.</param>
    /// <returns>Null where the script includes none.</returns>
    internal static Headers? Read(IReadOnlyList<IncludeSyntax> includes, ScriptSource source, HeaderSearch search, DiagnosticBag diagnostics)
    {
        includes = [.. search.Files.Select(file => new IncludeSyntax($"\"{file}\"", new SourceSpan(0, 0))), .. includes];
        if (includes.Count == 0)
            return null;
        if (Compilers.Select(name => new Compiler(name, search.Arguments)).FirstOrDefault(one => one.Exists) is not { } compiler)
            return Refuse(includes, "there is no C compiler (cc)", diagnostics);

        (bool isRead, string macros, string problem) = compiler.Run(["-E", "-dM"], GuardedIncludes(includes));
        if (!isRead)
            return Refuse(includes, problem, diagnostics);
        string[] lines = macros.Split('\n', StringSplitOptions.TrimEntries);
        List<IncludeSyntax> present = [.. includes.Where((_, i) => !lines.Contains(string.Create(CultureInfo.InvariantCulture, $"#define {MissingPrefix}{i}"), StringComparer.Ordinal))];
        Refuse(includes.Except(present), "no such file", diagnostics);
        if (present.Count == 0)
            return null;

        string folder = Directory.CreateTempSubdirectory("uprobe-headers").FullName;
        string library = Path.Combine(folder, "headers.so");
        string[] constants = ConstantsOf(lines, source.Text);
        string[] output = ["-shared", "-fPIC", "-nostdlib", "-o", library];
        for (int tries = 0; ; tries++)
        {
            (isRead, _, problem) = compiler.Run(output, Declarations(present, constants));
            if (isRead)
                return new Headers(folder, ElfImage.Open(library));
            // A name that stands for no number is a line with an error; its neighbours are good.
            HashSet<int> wrong = [.. WrongLines().Matches(problem).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) - present.Count - 1)];
            constants = tries == 0 ? [.. constants.Where((_, i) => !wrong.Contains(i))] : [];
            if (tries < 2)
                continue;
            Directory.Delete(folder, recursive: true);
            return Refuse(present, FirstLine(problem), diagnostics);
        }
    }

    private static Headers? Refuse(IEnumerable<IncludeSyntax> includes, string reason, DiagnosticBag diagnostics)
    {
        foreach (IncludeSyntax include in includes)
            diagnostics.Warning(DiagnosticId.Unsupported, include.Span, $"the header {include.Header} is not read: {FirstLine(reason)}", "structs and constants come from debug information or from the script itself then");
        return null;
    }

    private static string FirstLine(string problem) => problem.Split('\n').FirstOrDefault(line => line.Contains("error", StringComparison.Ordinal)) ?? problem.Split('\n')[0];

    /// <summary>The headers that exist, and a name for each that does not.</summary>
    private static string GuardedIncludes(IReadOnlyList<IncludeSyntax> includes)
    {
        StringBuilder text = new();
        foreach ((int i, IncludeSyntax include) in includes.Index())
            text.Append(CultureInfo.InvariantCulture, $"#if __has_include({include.Header})\n#include {include.Header}\n#else\n#define {MissingPrefix}{i}\n#endif\n");
        return text.ToString();
    }

    private static string Declarations(IReadOnlyList<IncludeSyntax> includes, string[] constants)
    {
        StringBuilder text = new();
        foreach (IncludeSyntax include in includes)
            text.Append(CultureInfo.InvariantCulture, $"#include {include.Header}\n");
        foreach (string name in constants)
            text.Append(CultureInfo.InvariantCulture, $"enum {{ {ConstantPrefix}{name} = ({name}) }};\n");
        return text.ToString();
    }

    /// <summary>The names of the script that a <c>#define</c> line gives something that may be a number.</summary>
    private static string[] ConstantsOf(string[] macros, string script)
    {
        HashSet<string> names = [.. Names().Matches(script).Select(match => match.Value)];
        return [.. macros.Select(line => MacroLine().Match(line)).Where(match => match.Success && names.Contains(match.Groups[1].Value)).Select(match => match.Groups[1].Value)];
    }

    [GeneratedRegex(@"\b[A-Za-z_]\w*\b")]
    private static partial Regex Names();

    [GeneratedRegex(@"^#define (\w+) ([^""{};]+)$")]
    private static partial Regex MacroLine();

    [GeneratedRegex(@"^<stdin>:(\d+):.*error", RegexOptions.Multiline)]
    private static partial Regex WrongLines();

    /// <summary>A C compiler, if it is there.</summary>
    private sealed class Compiler(string name, IReadOnlyList<string> search)
    {
        /// <summary>Whether a program of that name is in PATH.</summary>
        internal bool Exists { get; } =
            (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries).Any(folder => File.Exists(Path.Combine(folder, name)));

        /// <summary>Runs it on a text; false where it says no, with what it says.</summary>
        internal (bool IsRead, string Output, string Problem) Run(string[] what, string text)
        {
            ProcessStartInfo start = new(name, [.. what, "-g", "-fno-eliminate-unused-debug-types", "-w", .. search, "-x", "c", "-"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["LC_ALL"] = "C";
            try
            {
                using Process process = Process.Start(start)!;
                Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
                process.StandardInput.Write(text);
                process.StandardInput.Close();
                if (!process.WaitForExit(LongestCompilation))
                {
                    process.Kill(entireProcessTree: true);
                    return (false, "", $"{name} did not end in {LongestCompilation.TotalSeconds} seconds");
                }

                return (process.ExitCode == 0, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult().Trim());
            }
            catch (Exception e) when (e is Win32Exception or IOException)
            {
                return (false, "", $"{name} cannot be run: {e.Message}");
            }
        }
    }
}

/// <summary>Where headers are looked for, beside where the compiler looks anyway.</summary>
/// <param name="Folders">First these, in their order.</param>
/// <param name="Files">Headers that are included before those of the script.</param>
/// <param name="ScriptFolder">Where the script is; null for one that is no file.</param>
internal sealed record HeaderSearch(IReadOnlyList<string> Folders, IReadOnlyList<string> Files, string? ScriptFolder)
{
    /// <summary>As options of a C compiler.</summary>
    internal IReadOnlyList<string> Arguments => [.. Folders.SelectMany(folder => (string[])["-I", folder]), .. ScriptFolder is { } own ? (string[])["-iquote", own] : []];
}
