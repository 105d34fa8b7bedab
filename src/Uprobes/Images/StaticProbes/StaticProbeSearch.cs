namespace Uprobes.Images.StaticProbes;

/// <summary>Which of a file's static probes are meant: by name, and by provider where one is given. Both may be patterns.</summary>
/// <param name="provider">Null for any.</param>
/// <param name="name">The name.</param>
internal sealed class StaticProbeSearch(string? provider, string name)
{
    private readonly GlobPattern? _provider = provider is null ? null : new GlobPattern(provider);
    private readonly GlobPattern _name = new(name);

    /// <summary>Whether one place is meant by its name, and not what a pattern finds.</summary>
    internal bool IsNamed { get; } = (provider ?? "").AsSpan().IndexOfAny('*', '?', '[') < 0 && name.AsSpan().IndexOfAny('*', '?', '[') < 0;

    /// <summary>Reads <c>NAME</c> or <c>PROVIDER:NAME</c>.</summary>
    internal static StaticProbeSearch Parse(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? new StaticProbeSearch(null, text) : new StaticProbeSearch(colon == 0 ? null : text[..colon], text[(colon + 1)..]);
    }

    /// <summary>Those of a file's, each place once, ascending by offset.</summary>
    internal IReadOnlyList<StaticProbeNote> In(IReadOnlyList<StaticProbeNote> probes) =>
        [.. probes.Where(IsMeant).DistinctBy(p => (p.Offset, p.Provider, p.Name)).OrderBy(p => p.Offset)];

    private bool IsMeant(StaticProbeNote probe) => _name.IsMatch(probe.Name) && _provider?.IsMatch(probe.Provider) != false;
}
