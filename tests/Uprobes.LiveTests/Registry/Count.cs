namespace Uprobes.LiveTests.Registry;

/// <summary>Handlers that do nothing or next to nothing.</summary>
internal static class Count
{
    internal static ProbeHandlers Only { get; } = new() { Pre = static _ => { } };

    /// <summary>Handlers that leave a letter behind.</summary>
    internal static ProbeHandlers Mark(System.Text.StringBuilder trace, char mark) => new() { Pre = _ => trace.Append(mark) };
}
