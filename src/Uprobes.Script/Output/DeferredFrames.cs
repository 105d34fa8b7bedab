using System.Collections;

namespace Uprobes.Script.Output;

/// <summary>
/// Frames of a stack that get their names when they are first looked at. Which ones they are is known before: as the key of a map a stack needs no names. Thread-safe.
/// </summary>
internal abstract class DeferredFrames : IReadOnlyList<ScriptFrame>, IEquatable<DeferredFrames>
{
    private readonly Lazy<IReadOnlyList<ScriptFrame>> _named;

    /// <summary>Names nothing yet.</summary>
    protected DeferredFrames() => _named = new Lazy<IReadOnlyList<ScriptFrame>>(Name);

    /// <summary>Whether the names have been found.</summary>
    internal bool AreNamed => _named.IsValueCreated;

    /// <summary>How many frames there are on the stack: inlined calls have none.</summary>
    internal abstract int Depth { get; }

    /// <inheritdoc/>
    public int Count => _named.Value.Count;

    /// <inheritdoc/>
    public ScriptFrame this[int index] => _named.Value[index];

    /// <inheritdoc/>
    public IEnumerator<ScriptFrame> GetEnumerator() => _named.Value.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Whether both have the same names, found without them.</summary>
    public abstract bool Equals(DeferredFrames? other);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as DeferredFrames);

    /// <inheritdoc/>
    public abstract override int GetHashCode();

    /// <summary>The address of a frame on the stack.</summary>
    internal abstract ulong AddressOf(int index);

    /// <summary>Finds the names. May take as long as reading debug information does.</summary>
    protected abstract IReadOnlyList<ScriptFrame> Name();
}
