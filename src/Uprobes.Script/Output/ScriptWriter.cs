namespace Uprobes.Script.Output;

/// <summary>What the writers of both formats share: streams, order, buffering.</summary>
public abstract class ScriptWriter : IScriptWriter
{
    private protected ScriptWriter(ScriptWriterOptions options)
    {
        Options = options;
        Output = new OutputBuffer(options.Output, options.Buffering);
        Errors = ReferenceEquals(options.Output, options.Errors) ? Output : new OutputBuffer(options.Errors, OutputBuffering.None);
    }

    private protected ScriptWriterOptions Options { get; }

    private protected OutputBuffer Output { get; }

    private protected OutputBuffer Errors { get; }

    /// <summary>The writer of a format.</summary>
    /// <param name="format">The format of -f.</param>
    /// <param name="options">Where to and how.</param>
    public static IScriptWriter Create(ScriptFormat format, ScriptWriterOptions options) =>
        format == ScriptFormat.Json ? new JsonScriptWriter(options) : new TextScriptWriter(options);

    /// <inheritdoc/>
    public abstract void Printf(PrintfFormat format, ReadOnlySpan<ScriptValue> arguments);

    /// <inheritdoc/>
    public abstract void Message(ScriptSeverity severity, PrintfFormat format, ReadOnlySpan<ScriptValue> arguments, ScriptLocation location);

    /// <inheritdoc/>
    public abstract void Value(in ScriptValue value);

    /// <inheritdoc/>
    public abstract void Map(ScriptMap map, int top = 0, ulong divisor = 1);

    /// <inheritdoc/>
    public abstract void Time(TimeFormat format, long unixNanoseconds);

    /// <inheritdoc/>
    public abstract void Cat(ReadOnlySpan<byte> content);

    /// <inheritdoc/>
    public abstract void Join(ReadOnlySpan<ScriptValue> parts, ReadOnlySpan<byte> separator);

    /// <inheritdoc/>
    public abstract void CommandOutput(ReadOnlySpan<byte> content);

    /// <inheritdoc/>
    public abstract void AttachedProbes(int count);

    /// <inheritdoc/>
    public abstract void LostEvents(ulong count);

    /// <inheritdoc/>
    public abstract void Failure(HelperError failure);

    /// <inheritdoc/>
    public abstract void BenchmarkResult(string name, long averageNanoseconds, long iterations);

    /// <inheritdoc/>
    public void Finish(IEnumerable<ScriptMap> maps)
    {
        BeginEnd();
        foreach (ScriptMap map in maps.Where(static map => !map.IsEmpty).OrderBy(static map => map.Name, StringComparer.Ordinal))
            Map(map);
        Flush();
    }

    /// <inheritdoc/>
    public void Flush()
    {
        Output.Flush();
        Errors.Flush();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Flush();
        GC.SuppressFinalize(this);
    }

    /// <summary>What comes before the maps at the end.</summary>
    private protected abstract void BeginEnd();
}

/// <summary>The formats of <c>-f</c>.</summary>
public enum ScriptFormat : byte
{
    /// <summary>Text for people.</summary>
    Text,

    /// <summary>A JSON object a line.</summary>
    Json,
}
