using Uprobes.Programs;

namespace Uprobes;

/// <summary>What runs the programs of queries: a session.</summary>
internal interface IQueryHost
{
    /// <summary>Probes points with a group's programs, in all processes that map the files, now or later.</summary>
    /// <param name="group">The programs.</param>
    /// <param name="points">Where; a point's place in the list is its probe's index in the group.</param>
    /// <param name="events">Takes the events; null where the group has none.</param>
    /// <returns>The run, owned by the caller. Where every point was refused it stands nowhere.</returns>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    IQueryRun Run(ProgramGroup group, IReadOnlyList<ProbePoint> points, IQueryEvents? events);
}
