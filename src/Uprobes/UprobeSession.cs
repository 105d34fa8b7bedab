using Uprobes.Images;
using Uprobes.Images.StaticProbes;
using Uprobes.Registry;

namespace Uprobes;

/// <summary>
/// Probes in a set of processes. All members may be called from any thread, handlers included. Disposing a session takes every
/// probe out, puts text, memory and signal actions of the processes back and lets them go; they never notice but by time.
/// </summary>
/// <remarks>
/// The right to trace a process is that of ptrace(2): the same user (and nothing that forbids it), or root.
/// </remarks>
public sealed partial class UprobeSession : IDisposable, IQueryHost
{
    private readonly SessionCore _core;

    private UprobeSession(SessionOptions options)
    {
        _core = new SessionCore(options);
    }

    /// <summary>
    /// Raised when something happens that the user should know; on any thread, the tracer's included, so it must not block. It may use
    /// the session. A receiver that throws is removed, and <see cref="Completion"/> ends with its exception.
    /// </summary>
    public event Action<SessionNotice>? Notice
    {
        add => _core.Notice += value;
        remove => _core.Notice -= value;
    }

    /// <summary>Has the receivers of notices told something; from any thread.</summary>
    internal void Tell(string message) => _core.OnNotice(message, null);

    /// <inheritdoc cref="SessionCore.ProcessForked"/>
    internal event Action<int, int>? ProcessForked
    {
        add => _core.ProcessForked += value;
        remove => _core.ProcessForked -= value;
    }

    /// <inheritdoc cref="SessionCore.CodeMapped"/>
    internal event Action<int>? CodeMapped
    {
        add => _core.CodeMapped += value;
        remove => _core.CodeMapped -= value;
    }

    /// <inheritdoc cref="SessionCore.ProgramEnded"/>
    internal event Action<int, bool>? ProgramEnded
    {
        add => _core.ProgramEnded += value;
        remove => _core.ProgramEnded -= value;
    }

    /// <summary>The processes that are traced now, by process id.</summary>
    public IReadOnlyList<int> ProcessIds => _core.ProcessIds;

    IQueryRun IQueryHost.Run(Programs.ProgramGroup group, IReadOnlyList<ProbePoint> points, IQueryEvents? events) => _core.Run(this, group, points, events);

    /// <summary>Sites that are patched with jumps, in all processes.</summary>
    internal int InlineSites => _core.InlineSites;

    /// <inheritdoc cref="SessionCore.ReturnThunksOf"/>
    internal Stacks.IReturnThunks? ReturnThunksOf(int processId, Stacks.MemoryReader memory) => _core.ReturnThunksOf(processId, memory);

    /// <summary>How many calls have begun whose return consumers wait for.</summary>
    internal int AwaitedReturns => _core.AwaitedReturns;

    /// <summary>Completes when every process of the session has ended or was let go of.</summary>
    public Task Completion => _core.Completion;

    /// <summary>The launched program's exit code, or 128 + the signal that ended it; null while it runs, or when nothing was launched.</summary>
    public int? LaunchedExitCode => _core.LaunchedExitCode;

    /// <summary>The launched program's process id, or null.</summary>
    public int? LaunchedProcessId => _core.LaunchedProcessId;

    /// <summary>The longest time for which all threads of a process were held so far.</summary>
    public TimeSpan LongestPause => _core.LongestPause;

    /// <summary>Traces a running process.</summary>
    /// <remarks>
    /// A child that this same program started with <see cref="System.Diagnostics.Process"/> must not be given: the .NET runtime waits for its
    /// children and takes the stops of a traced one for its end. Start it with <see cref="Launch"/>, or trace it from another program.
    /// </remarks>
    /// <exception cref="Processes.AttachException">It may not or cannot be traced; the message says why.</exception>
    /// <exception cref="Linux.SyscallException">The system has no room for a session: too many open files, threads or too little memory.</exception>
    public static UprobeSession Attach(int processId, SessionOptions? options = null) => Attach([processId], options);

    /// <summary>Traces several running processes.</summary>
    /// <inheritdoc cref="Attach(int, SessionOptions?)" path="/remarks"/>
    /// <exception cref="Processes.AttachException">One of them may not or cannot be traced; none is.</exception>
    /// <exception cref="Linux.SyscallException">The system has no room for a session: too many open files, threads or too little memory.</exception>
    public static UprobeSession Attach(IReadOnlyList<int> processIds, SessionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(processIds);
        UprobeSession session = new(options ?? new SessionOptions());
        try
        {
            options?.Opening?.Invoke(session);
            session._core.Attach(processIds);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Starts a program, which stays before its first instruction until <see cref="Start"/>. It has this process's
    /// environment, directory and standard streams. Disposing the session before <see cref="Start"/> kills it; afterwards it goes on.
    /// </summary>
    /// <param name="program">A path, or a name to look for in PATH.</param>
    /// <param name="arguments">Its arguments, without the program's own name.</param>
    /// <param name="options">The choices of the session.</param>
    /// <exception cref="LaunchException">The program was not found or could not be executed.</exception>
    /// <exception cref="Linux.SyscallException">The system has no room for a session or a process: too many open files, processes or too little memory.</exception>
    public static UprobeSession Launch(string program, IReadOnlyList<string> arguments, SessionOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(program);
        ArgumentNullException.ThrowIfNull(arguments);
        UprobeSession session = new(options ?? new SessionOptions());
        try
        {
            options?.Opening?.Invoke(session);
            session._core.Launch(program, arguments);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>The guardian's process id; null without one.</summary>
    internal int? GuardianProcessId => _core.GuardianProcessId;

    /// <summary>Lets a launched program run. Does nothing the second time, or after the end of the session.</summary>
    public void Start() => _core.Start();

    /// <summary>
    /// Opens the image that a name means to the session's processes: a path, or a library name such as <c>libc</c>. The session owns it.
    /// </summary>
    /// <exception cref="ProbeRefusedException">There is no such file, or it is not an image for this machine.</exception>
    public ElfImage OpenImage(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return _core.OpenImage(name);
    }

    /// <summary>
    /// Opens all images that a name means to the session's processes, each file once: processes in containers have files of their own
    /// under the same name. A point in a certain one of them is given by <see cref="ProbePoint.At(ElfImage, FileOffset, string?)"/>;
    /// a point that has the name alone is in the first. The session owns the images.
    /// </summary>
    /// <exception cref="ProbeRefusedException">No process has such a file, or one of them is not an image for this machine.</exception>
    public IReadOnlyList<ElfImage> OpenImages(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return _core.OpenImages(name);
    }

    /// <summary>Finds static probes (USDT) in an image: all places that have the name, since the compiler copies code.</summary>
    /// <param name="image">A path, or a library name such as <c>libc</c>.</param>
    /// <param name="name">The probe's name, or a pattern with <c>*</c>, <c>?</c> and <c>[...]</c>.</param>
    /// <param name="provider">Who defines it, or a pattern; null for anybody.</param>
    /// <returns>At least one point; their <see cref="ProbePoint.StaticProbe"/> tells the arguments, which <see cref="ProbeHit.TryReadArgument"/> reads.</returns>
    /// <exception cref="ProbeRefusedException">There is no such file or static probe.</exception>
    public IReadOnlyList<ProbePoint> StaticProbes(string image, string name, string? provider = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        StaticProbeSearch search = new(provider, name);
        string wanted = $"usdt:{image}:{(provider is null ? "" : provider + ":")}{name}";
        try
        {
            IReadOnlyList<ElfImage> images = OpenImages(image);
            ProbePoint[] found = [.. images.SelectMany(i => search.In(i.StaticProbes).Select(p => ProbePoint.At(i, p)))];
            return found.Length > 0 ? found : throw new ProbeRefusedException(new Registry.ProbeRefusal(
                Registry.ProbeRefusalReason.NoSuchStaticProbe, wanted,
                images.All(i => i.StaticProbes.Count == 0) ? $"{images[0].Path} has no static probes" : $"{images[0].Path} has no such static probe"));
        }
        catch (ImageException e)
        {
            throw new ProbeRefusedException(new Registry.ProbeRefusal(ImageCache.ReasonOf(e), wanted, e.Problem));
        }
    }

    /// <summary>Registers a consumer at a probe point, in all processes that map the file, now or later.</summary>
    /// <param name="point">Where.</param>
    /// <param name="handlers">What runs.</param>
    /// <param name="filter">Which processes' hits count, by process id; null means all.</param>
    /// <exception cref="ProbeRefusedException">It was refused; nothing was left behind.</exception>
    public ProbeRegistration Register(ProbePoint point, ProbeHandlers handlers, Func<int, bool>? filter = null)
    {
        ArgumentNullException.ThrowIfNull(point);
        ArgumentNullException.ThrowIfNull(handlers);
        return Single(new ProbeRequest(point, Handlers: handlers, Filter: filter));
    }

    /// <summary>Registers a consumer for the calls of a function: their entries and returns.</summary>
    /// <param name="point">The function's first instruction.</param>
    /// <param name="handlers">What runs.</param>
    /// <param name="filter">Which processes' hits count, by process id; null means all.</param>
    /// <exception cref="ProbeRefusedException">It was refused; nothing was left behind.</exception>
    public ProbeRegistration RegisterReturn(ProbePoint point, ReturnHandlers handlers, Func<int, bool>? filter = null)
    {
        ArgumentNullException.ThrowIfNull(point);
        ArgumentNullException.ThrowIfNull(handlers);
        return Single(new ProbeRequest(point, Returns: handlers, Filter: filter));
    }

    /// <summary>Registers many consumers at once, which costs far less than one by one. Refusals are results, not exceptions.</summary>
    /// <exception cref="ArgumentException">A request has both kinds of handlers, or none.</exception>
    public RegistrationResult RegisterAll(IReadOnlyList<ProbeRequest> requests)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return _core.Register(this, requests);
    }

    /// <summary>Removes many registrations at once. Never fails; those that are gone already are passed over.</summary>
    public void UnregisterAll(IReadOnlyList<ProbeRegistration> registrations)
    {
        ArgumentNullException.ThrowIfNull(registrations);
        _core.Unregister([.. registrations.Select(r => r.Consumer)]);
    }

    /// <summary>Switches many consumers on or off at once: see <see cref="ProbeRegistration.IsEnabled"/>. Never fails; those that are gone are passed over.</summary>
    public void SetEnabled(IReadOnlyList<ProbeRegistration> registrations, bool isEnabled)
    {
        ArgumentNullException.ThrowIfNull(registrations);
        _core.SetEnabled([.. registrations.Select(r => r.Consumer)], isEnabled);
    }

    /// <summary>
    /// Takes every probe out and lets the processes go. Idempotent; never throws. Inside a handler the process goes on from where the
    /// handler sees it, and what this process has of the session is freed right after the handler.
    /// </summary>
    public void Dispose() => _core.Dispose();

    internal void Unregister(ProbeRegistration registration) => _core.Unregister([registration.Consumer]);

    private ProbeRegistration Single(ProbeRequest request)
    {
        RegistrationResult result = RegisterAll([request]);
        return result.Registrations.Count == 1 ? result.Registrations[0] : throw new ProbeRefusedException(result.Refusals[0]);
    }
}
