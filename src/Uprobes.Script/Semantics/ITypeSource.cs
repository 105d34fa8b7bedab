using Uprobes.Script.Probes;

namespace Uprobes.Script.Semantics;

/// <summary>What is known of the probed programs' types: read from DWARF, or nothing. Definitions of the script are asked before it.</summary>
internal interface ITypeSource
{
    /// <summary>Tells which places the script probes: their files are those that are asked where no probe is given.</summary>
    void Announce(IEnumerable<AttachPoint> places);

    /// <summary>The layout of <c>struct name</c> or <c>union name</c>, or of the struct that a typedef names.</summary>
    /// <param name="name">Without the keyword.</param>
    /// <param name="probe">Whose file is to be asked first; null for any.</param>
    StructLayout? FindStruct(string name, AttachPoint? probe);

    /// <summary>The layout of a struct that is part of what this has given; null where it is not known.</summary>
    StructLayout? LayoutOf(StructType type);

    /// <summary>What a typedef, a base type or the tag of an enum stands for, where it is no struct whose fields are known.</summary>
    ScriptType? FindType(string name, AttachPoint? probe);

    /// <summary>A constant of an enum.</summary>
    (ScriptType Type, long Value)? FindConstant(string name, AttachPoint? probe);

    /// <summary>The name of a value of an enum that this has given; null where it has none.</summary>
    string? NameOf(EnumType type, long value);

    /// <summary>The parameters of a function; null where nothing is known of it. Of several functions, those that all of them have.</summary>
    IReadOnlyList<FunctionParameter>? FindParameters(AttachPoint probe);

    /// <summary>What a function returns; null where nothing is known of it, and where it returns nothing.</summary>
    FunctionResult? FindResult(AttachPoint probe);

    /// <summary>Bytes of the variable behind a symbol of the probed file; null where there is no such symbol.</summary>
    int? FindSymbolSize(string symbol, AttachPoint probe);

    /// <summary>Why nothing is known of the functions of a probe.</summary>
    TypeObstacle Explain(AttachPoint probe);
}

/// <summary>Why no types are known.</summary>
/// <param name="Reason">A clause.</param>
/// <param name="Hint">What to do; null where there is nothing to say.</param>
internal sealed record TypeObstacle(string Reason, string? Hint);

/// <summary>Knows of no types: scripts that define all that they use.</summary>
internal sealed class NoTypes : ITypeSource
{
    internal static NoTypes Instance { get; } = new();

    public void Announce(IEnumerable<AttachPoint> places)
    {
    }

    public StructLayout? FindStruct(string name, AttachPoint? probe) => null;

    public StructLayout? LayoutOf(StructType type) => null;

    public ScriptType? FindType(string name, AttachPoint? probe) => null;

    public (ScriptType Type, long Value)? FindConstant(string name, AttachPoint? probe) => null;

    public string? NameOf(EnumType type, long value) => null;

    public IReadOnlyList<FunctionParameter>? FindParameters(AttachPoint probe) => null;

    public FunctionResult? FindResult(AttachPoint probe) => null;

    public int? FindSymbolSize(string symbol, AttachPoint probe) => null;

    public TypeObstacle Explain(AttachPoint probe) => new("its file has no debug information", "arg0, arg1 and so on need none");
}
