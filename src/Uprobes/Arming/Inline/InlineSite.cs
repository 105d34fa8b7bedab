using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;

namespace Uprobes.Arming.Inline;

/// <summary>A patched place in one address space: the probe points whose programs run in its trampoline. On the tracer thread only.</summary>
/// <param name="address">The first patched byte, in the tracee.</param>
/// <param name="length">Bytes of the displaced instructions.</param>
/// <param name="original">The original memory from there on: the displaced instructions and up to 15 bytes more.</param>
internal sealed class InlineSite(ulong address, int length, byte[] original)
{
    internal ulong Address { get; } = address;

    internal int Length { get; } = length;

    internal ulong End => Address + (ulong)Length;

    internal byte[] Original { get; } = original;

    /// <summary>The bytes in place of <see cref="Original"/> while it is armed; at most <see cref="Length"/>, or with padding behind it, more.</summary>
    internal byte[] Patch { get; set; } = [];

    /// <summary>Where unused bytes hold the long jump that a short one goes to; 0 for none.</summary>
    internal ulong Springboard { get; init; }

    /// <summary>What was at <see cref="Springboard"/>.</summary>
    internal byte[] SpringboardOriginal { get; init; } = [];

    internal byte[] SpringboardPatch { get; set; } = [];

    /// <summary>The branches that lead to the trampoline, where the site's own bytes stay as they are; empty where a jump stands at the site.</summary>
    internal IReadOnlyList<Redirect> Redirects { get; set; } = [];

    /// <summary>Whether a thread that is put back to the site comes to the trampoline again: a jump stands there.</summary>
    internal bool LeadsFromItself => Redirects.Count == 0;

    internal SiteState State { get; set; }

    internal Trampoline? Trampoline { get; set; }

    /// <summary>The probe points, by their distance from <see cref="Address"/>.</summary>
    internal SortedList<int, ArmedPoint> Points { get; } = [];

    /// <summary>Code of the engine's own that runs first, as a program; null but at a place that the engine itself needs.</summary>
    internal byte[]? OwnProgram { get; init; }

    /// <summary>The bindings that the trampoline was built for.</summary>
    internal IReadOnlyList<ProgramBinding> Bindings { get; set; } = [];

    /// <summary>What the text leads to while the site is armed; <see cref="Trampoline"/> is another while that is being replaced.</summary>
    internal (Trampoline Trampoline, IReadOnlyList<ProgramBinding> Bindings)? Standing { get; set; }

    /// <summary>
    /// Instructions in the trampoline to which signal handlers that mend a fault return: the site is theirs until it is forgotten.
    /// </summary>
    internal List<Site> Resumptions { get; } = [];

    /// <summary>The same site in a forked copy.</summary>
    internal InlineSite Copy()
    {
        InlineSite copy = new(Address, Length, Original)
        {
            Springboard = Springboard,
            SpringboardOriginal = SpringboardOriginal,
            SpringboardPatch = SpringboardPatch,
            Redirects = Redirects,
            Patch = Patch,
            Trampoline = Trampoline,
            Bindings = Bindings,
            OwnProgram = OwnProgram,
        };
        foreach ((int offset, ArmedPoint point) in Points)
            copy.Points.Add(offset, point);
        return copy;
    }

    /// <summary>The bytes that are patched or displaced.</summary>
    internal bool Covers(ulong place) => place - Address < (ulong)Math.Max(Length, Patch.Length)
        || (Springboard != 0 && place - Springboard < (ulong)SpringboardOriginal.Length) || Redirects.Any(r => r.Covers(place));
}
