using Uprobes.Script.Syntax;

namespace Uprobes.Script.Probes;

/// <summary>A place or an occasion at which a script does something.</summary>
/// <param name="Text">As written, without a name, with positional parameters put in: what the script's author calls it.</param>
/// <param name="Span">Where it is written.</param>
internal abstract record AttachPoint(string Text, SourceSpan Span)
{
    /// <summary>What the builtin <c>probetype</c> gives.</summary>
    internal abstract string TypeName { get; }

    /// <summary>Whether it is hit by a thread of the target, which has registers, a stack and memory.</summary>
    internal virtual bool IsInTarget => false;
}

/// <summary>What of a file is probed.</summary>
internal abstract record ProbeTarget;

/// <summary>A function and an offset into it.</summary>
/// <param name="Name">A symbol, or a pattern with <c>*</c>, <c>?</c> and <c>[…]</c> where <paramref name="IsPattern"/>.</param>
/// <param name="IsPattern">Whether all matching functions are meant.</param>
/// <param name="Offset">Bytes behind its beginning.</param>
/// <param name="IsDemangled">Whether the name is compared with the demangled form (<c>cpp:</c>).</param>
internal sealed record FunctionTarget(string Name, bool IsPattern, ulong Offset, bool IsDemangled) : ProbeTarget;

/// <summary>An address, as the file's symbols have it.</summary>
internal sealed record AddressTarget(ulong Address) : ProbeTarget;

/// <summary>A line of the source, found by debug information.</summary>
internal sealed record LineTarget(string File, int Line, int? Column) : ProbeTarget;

/// <summary>A function's entry or return, or an instruction, in a file.</summary>
/// <param name="IsReturn">Whether it is hit when the function returns.</param>
/// <param name="File">A path, the name of a library, or a pattern.</param>
/// <param name="Target">What in it.</param>
/// <param name="Text">As written.</param>
/// <param name="Span">Where.</param>
internal sealed record UserProbe(bool IsReturn, string File, ProbeTarget Target, string Text, SourceSpan Span) : AttachPoint(Text, Span)
{
    internal override string TypeName => IsReturn ? "uretprobe" : "uprobe";

    internal override bool IsInTarget => true;
}

/// <summary>A static probe of a file.</summary>
/// <param name="File">A path, the name of a library, a pattern, or <c>*</c> for all files of the process.</param>
/// <param name="Provider">Null for any.</param>
/// <param name="Name">Its name, or a pattern.</param>
/// <param name="Text">As written.</param>
/// <param name="Span">Where.</param>
internal sealed record StaticProbe(string File, string? Provider, string Name, string Text, SourceSpan Span) : AttachPoint(Text, Span)
{
    internal override string TypeName => "usdt";

    internal override bool IsInTarget => true;
}

/// <summary>The beginning or the end of the run.</summary>
internal sealed record RunProbe(bool IsEnd, string Text, SourceSpan Span) : AttachPoint(Text, Span)
{
    internal override string TypeName => "special";
}

/// <summary>A signal that this process gets.</summary>
internal sealed record SignalProbe(string Signal, string Text, SourceSpan Span) : AttachPoint(Text, Span)
{
    internal override string TypeName => "self";
}

/// <summary>Time passes.</summary>
internal sealed record IntervalProbe(TimeSpan Period, string Text, SourceSpan Span) : AttachPoint(Text, Span)
{
    internal override string TypeName => "interval";
}

/// <summary>A part of a script that is run to be measured (<c>bench</c>) or to be checked (<c>test</c>).</summary>
internal sealed record ExerciseProbe(bool IsBenchmark, string Name, string Text, SourceSpan Span) : AttachPoint(Text, Span)
{
    internal override string TypeName => IsBenchmark ? "bench" : "test";
}
