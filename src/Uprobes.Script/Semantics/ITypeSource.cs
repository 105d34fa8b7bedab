using Uprobes.Script.Probes;

namespace Uprobes.Script.Semantics;

/// <summary>What is known of the probed programs' types: read from DWARF, or nothing. Definitions of the script are asked before it.</summary>
internal interface ITypeSource
{
    /// <summary>The layout of <c>struct name</c> or <c>union name</c>, or of the struct that a typedef names.</summary>
    /// <param name="name">Without the keyword.</param>
    /// <param name="probe">Whose file is to be asked; null for any.</param>
    StructLayout? FindStruct(string name, AttachPoint? probe);

    /// <summary>What a typedef or a base type stands for, where it is no struct.</summary>
    ScriptType? FindType(string name, AttachPoint? probe);

    /// <summary>A constant of an enum.</summary>
    (EnumType Type, long Value)? FindConstant(string name, AttachPoint? probe);

    /// <summary>The parameters of a function; null where nothing is known of it.</summary>
    IReadOnlyList<FunctionParameter>? FindParameters(AttachPoint probe);

    /// <summary>What a function returns; null where nothing is known of it.</summary>
    ScriptType? FindReturnType(AttachPoint probe);

    /// <summary>Bytes of the variable behind a symbol of the probed file; null where there is no such symbol.</summary>
    int? FindSymbolSize(string symbol, AttachPoint probe);
}

/// <summary>Knows of no types: scripts that define all that they use.</summary>
internal sealed class NoTypes : ITypeSource
{
    internal static NoTypes Instance { get; } = new();

    public StructLayout? FindStruct(string name, AttachPoint? probe) => null;

    public ScriptType? FindType(string name, AttachPoint? probe) => null;

    public (EnumType Type, long Value)? FindConstant(string name, AttachPoint? probe) => null;

    public IReadOnlyList<FunctionParameter>? FindParameters(AttachPoint probe) => null;

    public ScriptType? FindReturnType(AttachPoint probe) => null;

    public int? FindSymbolSize(string symbol, AttachPoint probe) => null;
}
