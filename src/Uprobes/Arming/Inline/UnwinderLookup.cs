using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Images;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>How an image unwinds stacks.</summary>
internal enum UnwinderKind
{
    /// <summary>It does not.</summary>
    None,

    /// <summary>By libgcc's unwinder, which asks one function for what it knows of an address.</summary>
    LibGcc,

    /// <summary>In another way, or nobody can tell: return addresses have to stay what they are.</summary>
    Unknown,
}

/// <summary>What was found in an image.</summary>
/// <param name="Kind">Its unwinder.</param>
/// <param name="Offset">File offset of <c>_Unwind_Find_FDE</c>.</param>
/// <param name="Plan">How that is patched; null where it cannot be.</param>
internal readonly record struct ImageUnwinder(UnwinderKind Kind, ulong Offset, PatchPlan? Plan);

/// <summary>Finds the unwinders of images, once in each file. On the tracer thread only.</summary>
internal sealed class UnwinderLookup
{
    private const string Finder = "_Unwind_Find_FDE";
    private static readonly string[] Signs = ["_Unwind_RaiseException", "unw_step", "runtime.gopanic", "runtime.gentraceback"];
    private readonly Dictionary<(ulong Device, ulong Inode, string Path), ImageUnwinder> _found = [];

    /// <summary>The unwinder in an executable mapping's file.</summary>
    internal ImageUnwinder Find(TracedProcess process, in Mapping mapping)
    {
        (ulong, ulong, string) key = (mapping.Device, mapping.Inode, mapping.Path);
        if (_found.TryGetValue(key, out ImageUnwinder found))
            return found;
        using ElfImage? image = ExitHooks.OpenFile(process.LiveThread()?.ThreadId ?? process.ProcessId, mapping);
        if (image is null)
            return new ImageUnwinder(UnwinderKind.Unknown, 0, null); // It may be readable another time.
        found = Look(image);
        _found.Add(key, found);
        return found;
    }

    private static ImageUnwinder Look(ElfImage image)
    {
        foreach (FunctionSymbol function in image.Functions.InOwnTables(Finder))
        {
            PatchDecision decision = new PatchPlanner(new ImageAnalysis(image)).Plan(new PatchSite(function.Offset, IsFunctionEntry: true));
            return new ImageUnwinder(UnwinderKind.LibGcc, function.Offset.Value, decision.Plan);
        }

        // A static program without symbols may have any.
        bool isOpaque = image.Interpreter is null && image.Type != ElfType.SharedObject;
        return isOpaque || Signs.Any(sign => image.Functions.InOwnTables(sign).Any())
            ? new ImageUnwinder(UnwinderKind.Unknown, 0, null)
            : default;
    }
}
