using Uprobes.Arming;
using Uprobes.Channels;
using Uprobes.Registry;

namespace Uprobes;

/// <summary>Programs that run. Disposing it takes the probes out and frees the channels; it never fails and may be done twice. Usable from any thread.</summary>
internal interface IQueryRun : IDisposable
{
    /// <summary>The points that are not probed, in some process or in all; more may come when a process maps a file.</summary>
    IReadOnlyList<ProbeRefusal> Refusals { get; }

    /// <summary>Whether the programs run on hits; see <see cref="ProbeRegistration.IsEnabled"/>.</summary>
    bool IsEnabled { get; set; }

    /// <summary>How many points are probed or wait for a process that maps their file.</summary>
    int StandingPoints { get; }

    /// <summary>What is missing so far, in all processes, those that have ended included.</summary>
    QueryLosses Losses { get; }

    /// <summary>With what a point has been probed so far, in all processes; nothing where no process maps its file. Null for one that was refused.</summary>
    /// <param name="probe">The point's place in the list.</param>
    SiteKinds? ArmedWith(int probe);

    /// <summary>What a map holds now, of all processes, those that have ended included; still there when the session has ended.</summary>
    /// <exception cref="ObjectDisposedException">The run was disposed.</exception>
    MapSnapshot Snapshot(int map);

    /// <summary>What one key of a map with keys holds now, as <see cref="Snapshot"/> would tell; null where it is not there.</summary>
    /// <exception cref="ObjectDisposedException">The run was disposed.</exception>
    AggregateValue? Row(int map, MapKey key);

    /// <summary>Gives a key of a map of kind <see cref="AggregateKind.Value"/> a value, in all processes, those that come later included.</summary>
    void Set(int map, MapKey key, long value);

    /// <summary>Takes a key's value out of such a map, in all processes.</summary>
    void Delete(int map, MapKey key);

    /// <summary>
    /// Takes the probes out, and returns when all events have been handed on. What was found can still be read. Never fails; may be done twice.
    /// </summary>
    void Stop();
}
