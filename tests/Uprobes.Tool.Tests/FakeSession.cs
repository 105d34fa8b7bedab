using System.Runtime.InteropServices;
using Uprobes.Programs;
using Uprobes.Registry;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

/// <summary>A session without processes: the test says what is hit and when it ends. Records what is done to it as marks.</summary>
internal sealed class FakeSession(FakeImage image, Action<FakeSession>? onStart = null) : IProbeSession
{
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private readonly List<string> _marks = [];
    private FakePrograms? _programs;

    public event Action<SessionNotice>? Notice;

    /// <summary>Names of functions that the session refuses.</summary>
    public HashSet<string> Refused { get; } = [];

    /// <summary>Whether the started command ends once the probes are gone.</summary>
    public bool EndsWhenStopped { get; init; }

    /// <summary>Called whenever results are read.</summary>
    public Action<FakeSession>? OnRead { get; init; }

    /// <summary>What finds and names the calls in stacks.</summary>
    public FakeStacks Stacks { get; } = new();

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

    public IArmedPrograms Run(ProgramGroup group, IReadOnlyList<PlannedProbe> probes, IQueryEvents? events) =>
        _programs = new FakePrograms(group, probes, events, Refused) { Stopped = Stop, Read = () => OnRead?.Invoke(this) };

    public IStackSource OpenStacks() => Stacks;

    public void Start()
    {
        Mark("start");
        onStart?.Invoke(this);
    }

    /// <summary>A hit of one of the probes that stand.</summary>
    public void Hit(int probe, params ulong[] arguments) => _programs!.Hit(new FakeHit(arguments) { Probe = _programs.Armed[probe].Index });

    /// <summary>A hit below a stack, as <see cref="FakeStacks"/> has them.</summary>
    public void HitFrom(ulong[] stack, int probe = 0, params ulong[] arguments) => _programs!.Hit(
        new FakeHit(arguments, new Dictionary<ulong, byte[]> { [FakeHit.Stack] = MemoryMarshal.AsBytes<ulong>(stack).ToArray() }) { Probe = _programs.Armed[probe].Index });

    /// <summary>A call of one of the functions that are probed, of a duration.</summary>
    public void Call(int probe, ulong[] arguments, ulong result = 0, long duration = 0)
    {
        var index = _programs!.Armed[probe].Index;
        _programs.Call(new FakeHit(arguments) { Probe = index }, new FakeHit([], Time: duration, Result: result) { Probe = index });
    }

    /// <summary>What is missing from now on.</summary>
    public void Lose(QueryLosses losses) => _programs!.Losses = losses;

    public void Notify(string message) => Notice?.Invoke(new SessionNotice(NoticeKind.Tracee, message, 42));

    public void Complete(int? exitCode = null)
    {
        CommandExitCode = exitCode;
        _completion.TrySetResult();
    }

    public void Refuse(ProbeRefusal refusal) => Notice?.Invoke(new SessionNotice(NoticeKind.Refused, refusal.ToString(), 42) { Refusal = refusal });

    public void Fail(Exception error) => _completion.TrySetException(error);

    public void Dispose() => Mark("dispose");

    private void Stop()
    {
        Mark("stop");
        if (EndsWhenStopped)
            Complete(5); // a started command ends some time after its probes are gone
    }

    private void Mark(string mark)
    {
        lock (_lock)
            _marks.Add(mark);
    }
}
