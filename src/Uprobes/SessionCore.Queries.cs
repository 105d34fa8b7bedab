using Uprobes.Arming.Inline;
using Uprobes.Programs;
using Uprobes.Registry;

namespace Uprobes;

/// <summary>Programs.</summary>
internal sealed partial class SessionCore
{
    /// <summary>Probes points with programs; a point's place in the list is its probe's index.</summary>
    internal QueryRun Run(UprobeSession session, ProgramGroup group, IReadOnlyList<ProbePoint> points, IQueryEvents? events)
    {
        ObjectDisposedException.ThrowIf(_disposed, session);
        if (group.RingBytes == ProgramGroup.DefaultRingBytes)
            group = group with { RingBytes = _eventBufferBytes };
        if (group.OfProbes.Count != 0 && group.OfProbes.Count != points.Count)
            throw new ArgumentException($"{group.OfProbes.Count} programs for {points.Count} probes", nameof(group));
        if (ProgramChecker.Check(group) is { Count: > 0 } problems)
            throw new ArgumentException(string.Join("; ", problems), nameof(group));
        ProgramRun run = new(group, points.Count);
        QueryRun query = new(session, run, events is null ? null : Clock.Value, events);
        try
        {
            if (run.HasKeysToSweep)
                BeginSweeping();
            query.Begin(Register(session, [.. points.Select((point, i) => new ProbeRequest(point) { Program = Callbacks(run, i) })]));
        }
        catch
        {
            run.Dispose();
            throw;
        }

        return query;
    }

    /// <summary>Makes room in maps that programs fill with keys and delete them from. Where the tracer detaches, it does so when it looks around.</summary>
    private void BeginSweeping()
    {
        lock (_lookoutGate)
            _lookout ??= new Lookout(_lookInterval, () => _notices.Run(_engine.SweepMaps), OnSweepFailed);
    }

    private void OnSweepFailed(Exception error) => Tell(NoticeKind.Tracee, $"keys that are deleted from maps make no room any more: {error}");

    /// <summary>A program at a probe: what runs in the target where that can be, and what runs here where it cannot.</summary>
    private ConsumerCallbacks Callbacks(ProgramRun run, int probe)
    {
        ProgramBinding binding = new(run, probe, new ProgramSwitch());
        InterpretedProgram interpreted = new(binding, Clock);
        return binding.Group.Return is null
            ? new ConsumerCallbacks { Program = binding, Pre = hit => interpreted.Enter(hit) }
            : new ConsumerCallbacks { Program = binding, Entry = interpreted.Enter, Return = interpreted.Return };
    }
}
