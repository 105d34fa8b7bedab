using Uprobes.Images;
using Uprobes.Processes;

namespace Uprobes.Arming;

/// <summary>One probe point as an engine arms it.</summary>
/// <param name="Offset">Position in the file.</param>
/// <param name="Sink">Called on a hit.</param>
/// <param name="Original">The file's bytes from <paramref name="Offset"/> on: up to 15.</param>
/// <param name="Name">For messages.</param>
internal sealed record ArmedPoint(FileOffset Offset, IProbeSink Sink, byte[] Original, string Name);

/// <summary>What is probed, as the layer above knows it; on the tracer thread.</summary>
internal interface IProbeCatalog
{
    /// <summary>Whether anything is registered at all.</summary>
    bool IsEmpty { get; }

    /// <summary>Whether anyone wants to know of returns.</summary>
    bool FollowsReturns { get; }

    /// <summary>Whether any point has a semaphore.</summary>
    bool HasSemaphores { get; }

    /// <summary>Changes with every registration.</summary>
    int Version { get; }

    /// <summary>The probe points in a mapping's file, ascending by offset; empty when the file is not probed.</summary>
    /// <param name="mapping">An executable mapping.</param>
    /// <param name="tid">A live thread of the process, by which its files are reached.</param>
    IReadOnlyList<ArmedPoint> Find(in Mapping mapping, int tid);

    /// <summary>Whether a point's file was written to since it was opened, nobody having guarded it against that.</summary>
    bool HasImageChanged(ArmedPoint point);

    /// <summary>A point could not be armed in a process.</summary>
    void OnArmingRefused(ArmedPoint point, ArmingRefusal refusal, int processId);

    /// <summary>An armed point's breakpoint is gone from the text.</summary>
    void OnSiteLost(ArmedPoint point, string reason, int processId);
}
