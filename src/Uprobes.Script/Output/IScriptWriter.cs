namespace Uprobes.Script.Output;

/// <summary>
/// The output of a running script, in one of the formats of <c>-f</c>. Not safe to use from several threads at once.
/// Disposing it writes what is buffered. Failures of a stream come as its <see cref="IOException"/>.
/// </summary>
public interface IScriptWriter : IDisposable
{
    /// <summary><c>printf(format, …)</c>.</summary>
    /// <param name="format">The format.</param>
    /// <param name="arguments">A value a conversion.</param>
    void Printf(PrintfFormat format, ReadOnlySpan<ScriptValue> arguments);

    /// <summary><c>errorf(format, …)</c> or <c>warnf(format, …)</c>.</summary>
    /// <param name="severity">Which of them.</param>
    /// <param name="format">The format.</param>
    /// <param name="arguments">A value a conversion.</param>
    /// <param name="location">The call.</param>
    void Message(ScriptSeverity severity, PrintfFormat format, ReadOnlySpan<ScriptValue> arguments, ScriptLocation location);

    /// <summary><c>print(value)</c> of what is not a map.</summary>
    /// <param name="value">The value.</param>
    void Value(in ScriptValue value);

    /// <summary><c>print(@map, top, div)</c>.</summary>
    /// <param name="map">The map. One with keys that is empty prints nothing.</param>
    /// <param name="top">Only so many of the last entries in the map's order; all when 0.</param>
    /// <param name="divisor">What numbers are divided by; 0 is taken as 1.</param>
    void Map(ScriptMap map, int top = 0, ulong divisor = 1);

    /// <summary><c>time(format)</c>.</summary>
    /// <param name="format">The format.</param>
    /// <param name="unixNanoseconds">Nanoseconds since 1970-01-01 UTC.</param>
    void Time(TimeFormat format, long unixNanoseconds);

    /// <summary><c>cat(file)</c>.</summary>
    /// <param name="content">What the file holds.</param>
    void Cat(ReadOnlySpan<byte> content);

    /// <summary><c>join(array, separator)</c>: the strings in a line.</summary>
    /// <param name="parts">The strings.</param>
    /// <param name="separator">What goes between them.</param>
    void Join(ReadOnlySpan<ScriptValue> parts, ReadOnlySpan<byte> separator);

    /// <summary><c>system(command)</c>: what the command wrote.</summary>
    /// <param name="content">Its output.</param>
    void CommandOutput(ReadOnlySpan<byte> content);

    /// <summary>Probes are armed.</summary>
    /// <param name="count">How many.</param>
    void AttachedProbes(int count);

    /// <summary>Events did not fit into a channel.</summary>
    /// <param name="count">How many since the last time.</param>
    void LostEvents(ulong count);

    /// <summary>Something failed at run time, with -k.</summary>
    /// <param name="failure">What.</param>
    void Failure(HelperError failure);

    /// <summary>A benchmark of <c>--mode bench</c> has run.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="averageNanoseconds">Nanoseconds of one run.</param>
    /// <param name="iterations">How often it ran.</param>
    void BenchmarkResult(string name, long averageNanoseconds, long iterations);

    /// <summary>The script has ended: prints the maps that are not empty, by name, and writes what is buffered.</summary>
    /// <param name="maps">The maps; none with print_maps_on_exit=0.</param>
    void Finish(IEnumerable<ScriptMap> maps);

    /// <summary>Writes what is buffered.</summary>
    void Flush();
}
