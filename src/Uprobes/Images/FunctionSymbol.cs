namespace Uprobes.Images;

/// <summary>
/// One name of one function. A function with several names has one of these for each. Immutable and thread-safe.
/// </summary>
public sealed record FunctionSymbol
{
    private string? _displayName;

    /// <summary>
    /// The name as the linker knows it (mangled, without version). A function that only unwind information shows is
    /// called <c>fn_0x1a2b</c> after its file offset.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>The symbol version, such as <c>GLIBC_2.14</c>, or null.</summary>
    public string? Version { get; init; }

    /// <summary>Whether new programs are linked with this version (<c>name@@version</c>).</summary>
    public bool IsDefaultVersion { get; init; }

    /// <summary>The first instruction's place in the file.</summary>
    public required FileOffset Offset { get; init; }

    /// <summary>The first instruction's link-time address.</summary>
    public required LinkAddress Address { get; init; }

    /// <summary>
    /// Its bytes. Where the symbol says 0: up to the end of its unwind range, the next function, or the end of the
    /// section, whichever comes first.
    /// </summary>
    public ulong Size { get; init; }

    /// <summary>
    /// Whether this is an indirect function (STT_GNU_IFUNC): then <see cref="Offset"/> is that of the resolver, which
    /// runs once to choose the implementation, and not that of what callers reach.
    /// </summary>
    public bool IsIndirect { get; init; }

    /// <summary>Whether the symbol does not say that it is a function (STT_NOTYPE), as hand-written assembly may leave it.</summary>
    public bool IsUntyped { get; init; }

    /// <summary>Whether other files can see the name (not STB_LOCAL).</summary>
    public bool IsGlobal { get; init; }

    /// <summary>Where the entry comes from.</summary>
    public FunctionOrigin Origin { get; init; }

    /// <summary>The name as its source language writes it; equal to <see cref="Name"/> where that is not mangled.</summary>
    public string DisplayName => _displayName ??= Demangler.Demangle(Name);

    /// <summary>The name as linkers write it: <c>name</c>, <c>name@version</c> or, for the default, <c>name@@version</c>.</summary>
    public string VersionedName => Version is null ? Name : $"{Name}{(IsDefaultVersion ? "@@" : "@")}{Version}";

    /// <summary>Equality of what the file says; whether the name was demangled before does not count.</summary>
    public bool Equals(FunctionSymbol? other) => other is not null && Name == other.Name && Version == other.Version
        && IsDefaultVersion == other.IsDefaultVersion && Offset == other.Offset && Address == other.Address && Size == other.Size
        && IsIndirect == other.IsIndirect && IsUntyped == other.IsUntyped && IsGlobal == other.IsGlobal && Origin == other.Origin;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Version, Offset);
}
