using Uprobes.Images;
using Uprobes.Registry;

namespace Uprobes;

/// <summary>
/// One registered consumer of a probe. Disposing it unregisters: that never fails, may be done twice and from any thread
/// (handlers included), and when it returns the consumer's handlers are not running and will not be called again.
/// </summary>
public sealed class ProbeRegistration : IDisposable
{
    private readonly UprobeSession _session;

    internal ProbeRegistration(UprobeSession session, ProbePoint point, Consumer consumer)
    {
        _session = session;
        Point = point;
        Consumer = consumer;
    }

    internal Consumer Consumer { get; }

    /// <summary>The point as it was asked for.</summary>
    public ProbePoint Point { get; }

    /// <summary>The file that the point is in.</summary>
    public ImageId Image => Consumer.Uprobe.Image.Id;

    /// <summary>The path by which the file was opened.</summary>
    public string ImagePath => Consumer.Uprobe.Image.Path;

    /// <summary>The probed instruction's position in the file.</summary>
    public FileOffset Offset => Consumer.Uprobe.Offset;

    /// <summary>Whether the consumer is still registered.</summary>
    public bool IsActive => Consumer.IsActive;

    /// <summary>
    /// Whether the consumer is called on hits, or its program runs; true at first. Setting it stops no thread and leaves the site as it is,
    /// armed, so that it may be done thousands of times a second, from any thread: it holds for hits that begin after it was set, and
    /// for returns of calls that began before. Hits that come meanwhile are not counted anywhere. It has no effect once <see cref="IsActive"/> is false.
    /// </summary>
    public bool IsEnabled
    {
        get => Consumer.IsEnabled;
        set => _session.SetEnabled([this], value);
    }

    /// <summary>How often the probe was hit and this consumer was called (entries, for a return probe).</summary>
    public long Hits => Consumer.Hits;

    /// <summary>Calls whose return could not be followed, and why it stays at zero otherwise: see <see cref="NoticeKind.ReturnLost"/>.</summary>
    public long LostReturns => Consumer.LostReturns;

    /// <summary>Unregisters the consumer. Idempotent; never throws.</summary>
    public void Dispose() => _session.Unregister(this);
}

/// <summary>A probe to register together with others.</summary>
/// <param name="Point">Where.</param>
/// <param name="Handlers">What runs before and after the instruction, or null.</param>
/// <param name="Returns">What runs at entry and return of the function, or null. Exactly one of the two is given.</param>
/// <param name="Filter">Which processes' hits count, by process id; null means all of the session's.</param>
public sealed record ProbeRequest(ProbePoint Point, ProbeHandlers? Handlers = null, ReturnHandlers? Returns = null, Func<int, bool>? Filter = null)
{
    /// <summary>A program instead of handlers.</summary>
    internal Registry.ConsumerCallbacks? Program { get; init; }
}

/// <summary>The outcome of registering several probes: what stands and what was refused.</summary>
/// <param name="Registrations">Those that stand, in the order asked for.</param>
/// <param name="Refusals">Those that were refused, each with its reason.</param>
public sealed record RegistrationResult(IReadOnlyList<ProbeRegistration> Registrations, IReadOnlyList<ProbeRefusal> Refusals);
