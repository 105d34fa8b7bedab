using Uprobes.Images;
using Uprobes.Images.StaticProbes;
using Uprobes.Script.Probes;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Running;

/// <summary>A place in a file at which an action is to be run.</summary>
/// <param name="Probe">The action.</param>
/// <param name="AttachPoint">What of the script names the place.</param>
/// <param name="Image">The file. The session owns it.</param>
/// <param name="Offset">The place in it.</param>
/// <param name="Function">The function's name; empty where none is known.</param>
internal sealed record ScriptSite(TypedProbe Probe, AttachPoint AttachPoint, ElfImage Image, FileOffset Offset, string Function)
{
    /// <summary>What <c>probe</c> gives: <c>uprobe:/usr/bin/bash:readline</c>.</summary>
    internal required string Name { get; init; }

    /// <summary>Whether the script names this very place, and not a pattern.</summary>
    internal required bool IsNamed { get; init; }

    /// <summary>Whether it is the first instruction of its function.</summary>
    internal required bool IsEntry { get; init; }

    /// <summary>The mark in the file that the place is; null for a function or an instruction.</summary>
    internal StaticProbeNote? StaticProbe { get; init; }

    /// <summary>Whether the action runs when the function returns.</summary>
    internal bool IsReturn => AttachPoint is UserProbe { IsReturn: true };

    /// <summary>The point to register.</summary>
    internal ProbePoint Point => StaticProbe is { } probe ? ProbePoint.At(Image, probe) : ProbePoint.At(Image, Offset, Function.Length == 0 ? null : Function);
}
