using System.Text;
using Uprobes.Channels;
using Uprobes.Images.StaticProbes;
using Uprobes.Programs;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Stands in a program for what is known only when its place is.</summary>
internal abstract record PlaceValue(DataType Type) : Expression(Type);

/// <summary>The name of the place's function, or of the probe.</summary>
internal sealed record PlaceName(bool IsOfFunction) : PlaceValue(DataType.Text(BuiltinTable.NameSize));

/// <summary>How far behind the place a symbol of its file lies.</summary>
internal sealed record SymbolDistance(string Symbol) : PlaceValue(DataType.U64);

/// <summary>The process that -c has started; 0 where there is none.</summary>
internal sealed record ChildProcess() : PlaceValue(DataType.U32);

/// <summary>A place at which an action runs as a program.</summary>
/// <param name="Action">Which.</param>
internal sealed record LoweredPlace(LoweredAction Action)
{
    /// <summary>The static probe that it is, which has its arguments where its note says; null for another place.</summary>
    internal StaticProbeNote? Mark { get; init; }

    /// <summary>The name of its function.</summary>
    internal string Function { get; init; } = "";

    /// <summary>The name of the probe.</summary>
    internal string Name { get; init; } = "";

    /// <summary>The process that -c has started; 0 where there is none.</summary>
    internal int ChildProcessId { get; init; }

    /// <summary>How far behind it a symbol of its file lies.</summary>
    internal Func<string, long> DistanceOf { get; init; } = static _ => 0;

    /// <summary>What stands for an expression here.</summary>
    internal Expression? Find(Expression expression) => expression switch
    {
        Argument argument when Mark is { } mark => StaticArgumentValue.Expression(mark, mark.Arguments[argument.Index]),
        PlaceName { IsOfFunction: true } name => Text(Function, name.Type),
        PlaceName name => Text(Name, name.Type),
        SymbolDistance distance => new Constant(DistanceOf(distance.Symbol), DataType.U64),
        ChildProcess => new Constant((uint)ChildProcessId, DataType.U32),
        _ => null,
    };

    private static TextConstant Text(string name, DataType type)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        return new TextConstant(bytes.AsMemory(0, Math.Min(bytes.Length, type.Capacity - 1)), type.Capacity);
    }
}
