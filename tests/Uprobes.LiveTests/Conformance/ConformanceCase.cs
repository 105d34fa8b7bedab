using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Conformance;

/// <summary>A script with what it prints, from the files of tests/conformance.</summary>
/// <param name="File">The name of the file, without its ending.</param>
/// <param name="Name">What the case shows.</param>
/// <param name="Script">The script; <c>TARGET</c> stands for the path of the program.</param>
/// <param name="Expected">What it prints, without empty lines at the end.</param>
/// <param name="Directives">What else is told of it, by name.</param>
internal sealed record ConformanceCase(string File, string Name, string Script, string Expected, IReadOnlyDictionary<string, string> Directives)
{
    private const string Start = "== ", Directive = ": ", Separator = "--";

    /// <summary>The files' names.</summary>
    internal static IEnumerable<string> Files => Directory.GetFiles(Folder, "*.txt").Select(file => Path.GetFileNameWithoutExtension(file)!).Order(StringComparer.Ordinal);

    /// <summary>The version of bpftrace that was the first to have it; null for long ago.</summary>
    internal Version? Since => Directives.TryGetValue("since", out string? version) ? Version.Parse(version) : null;

    /// <summary>Why the inline engine refuses it; null where it does not.</summary>
    internal string? Refusal => Directives.GetValueOrDefault("trap");

    /// <summary>Whether it is a script that is refused with a message.</summary>
    internal bool IsError => Directives.ContainsKey("error");

    internal int ExitCode => IsError ? 1 : int.Parse(Directives.GetValueOrDefault("exit", "0"), System.Globalization.CultureInfo.InvariantCulture);

    internal string[] Options => Words("args");

    internal string[] Parameters => Words("params");

    private static string Folder => Path.Combine(Checkout.Root, "tests", "conformance");

    /// <summary>The cases of a file.</summary>
    internal static IReadOnlyList<ConformanceCase> Read(string file)
    {
        List<ConformanceCase> cases = [];
        string[] lines = System.IO.File.ReadAllLines(Path.Combine(Folder, file + ".txt"));
        int next = Array.FindIndex(lines, IsStart);
        while (next >= 0 && next < lines.Length)
        {
            int end = Array.FindIndex(lines, next + 1, IsStart);
            cases.Add(Parse(file, lines[next..(end < 0 ? lines.Length : end)]));
            next = end;
        }

        return cases;
    }

    public override string ToString() => $"{File}: {Name}";

    private static bool IsStart(string line) => line.StartsWith(Start, StringComparison.Ordinal);

    private static ConformanceCase Parse(string file, string[] lines)
    {
        string name = lines[0][Start.Length..];
        Dictionary<string, string> directives = [];
        int script = 1;
        for (; lines[script].StartsWith(Directive, StringComparison.Ordinal); script++)
        {
            string[] parts = lines[script][Directive.Length..].Split(": ", 2);
            directives.Add(parts[0], parts.Length > 1 ? parts[1] : "");
        }

        int separator = Array.IndexOf(lines, Separator);
        if (separator < 0)
            throw new InvalidDataException($"{file}: {name}: there is no {Separator} behind the script");
        return new(file, name, string.Join('\n', lines[script..separator]), string.Join('\n', lines[(separator + 1)..]).TrimEnd('\n'), directives);
    }

    private string[] Words(string directive) => Directives.GetValueOrDefault(directive, "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
