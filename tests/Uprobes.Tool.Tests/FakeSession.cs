using Uprobes.Registry;
using Uprobes.Tool.Events;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

/// <summary>A session without processes: the test says what is hit and when it ends. Records what is done to it as marks.</summary>
internal sealed class FakeSession(FakeImage image, Action<FakeSession>? onStart = null) : IProbeSession
{
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private readonly List<string> _marks = [];
    private CallRecorder? _recorder;
    private List<FakeProbe> _armed = [];

    public event Action<SessionNotice>? Notice;

    /// <summary>Names of functions that the session refuses.</summary>
    public HashSet<string> Refused { get; } = [];

    public IReadOnlyList<int> ProcessIds => [42];

    public Task Completion => _completion.Task;

    public int? CommandExitCode { get; private set; }

    public string Marks
    {
        get
        {
            lock (_lock)
                return string.Join(" ", _marks);
        }
    }

    public IReadOnlyList<IFunctionSource> OpenImages(string name) => [image];

    public ArmedProbes Trace(IReadOnlyList<PlannedProbe> probes, CallRecorder recorder, bool withReturns)
    {
        _recorder = recorder;
        return Arm(probes);
    }

    public ArmedProbes Count(IReadOnlyList<PlannedProbe> probes) => Arm(probes);

    public void Start()
    {
        Mark("start");
        onStart?.Invoke(this);
    }

    public void Hit(int probe, params ulong[] arguments)
    {
        _armed[probe].Hits++;
        _recorder?.Record(probe, new FakeHit(arguments));
    }

    public void Notify(string message) => Notice?.Invoke(new SessionNotice(NoticeKind.Tracee, message, 42));

    public void Complete(int? exitCode = null)
    {
        CommandExitCode = exitCode;
        _completion.TrySetResult();
    }

    public void Refuse(ProbeRefusal refusal) => Notice?.Invoke(new SessionNotice(NoticeKind.Refused, refusal.ToString(), 42) { Refusal = refusal });

    public void Fail(Exception error) => _completion.TrySetException(error);

    public void Remove(ArmedProbes probes)
    {
        Mark("remove");
        Complete(5); // a started command ends some time after its probes are gone
    }

    public void Dispose() => Mark("dispose");

    private ArmedProbes Arm(IReadOnlyList<PlannedProbe> probes)
    {
        _armed = [.. probes.Where(p => !Refused.Contains(p.Function)).Select(p => new FakeProbe(p))];
        return new ArmedProbes(
            [.. _armed.Select(a => (a.Planned, (IArmedProbe)a))],
            [.. probes.Where(p => Refused.Contains(p.Function)).Select(p => new RefusedProbe(p, "for the test", $"{p.Function} is refused"))]);
    }

    private void Mark(string mark)
    {
        lock (_lock)
            _marks.Add(mark);
    }

    private sealed class FakeProbe(PlannedProbe planned) : IArmedProbe
    {
        public PlannedProbe Planned => planned;

        public long Hits { get; set; }

        public long LostReturns => 0;

        public string Engine => "trap";
    }
}
