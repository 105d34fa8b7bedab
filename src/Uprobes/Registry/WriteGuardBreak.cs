namespace Uprobes.Registry;

/// <summary>How a write guard came to its end.</summary>
public enum WriteGuardBreakReason
{
    /// <summary>A writer came, and the policy lets it go on as soon as the probes are removed.</summary>
    WriterAllowed,

    /// <summary>A writer has waited for nearly as long as the kernel makes it wait: the probes go first.</summary>
    ForcedByKernel,

    /// <summary>
    /// A writer got in before the probes were removed: this process was stopped for longer than the kernel makes
    /// writers wait, or the writer came in the instant in which the guard was set anew after another one had given up.
    /// The file may have changed under the probes.
    /// </summary>
    Overtaken,
}

/// <summary>The end of a write guard, told to whoever removes the probes of the image.</summary>
/// <param name="Reason">Which of the ways it was.</param>
/// <param name="Path">The image as the user knows it.</param>
/// <param name="Message">One sentence for the user.</param>
public sealed record WriteGuardBreak(WriteGuardBreakReason Reason, string Path, string Message)
{
    internal static WriteGuardBreak Create(WriteGuardBreakReason reason, string path) => new(reason, path, reason switch
    {
        WriteGuardBreakReason.WriterAllowed => $"{path}: probes removed, since somebody opened it for writing",
        WriteGuardBreakReason.ForcedByKernel =>
            $"{path}: probes removed, since a writer waited for it nearly as long as /proc/sys/fs/lease-break-time allows",
        _ => $"{path}: probes removed, since a writer got at it while it was probed; it may have changed",
    });
}
