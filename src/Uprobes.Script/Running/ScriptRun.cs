using System.Globalization;
using Uprobes.Linux;
using Uprobes.Registry;
using Uprobes.Script.Diagnostics;
using Uprobes.Script.Lowering;
using Uprobes.Script.Output;
using Uprobes.Script.Probes;
using Uprobes.Script.Semantics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Running;

/// <summary>
/// One run of a script, from BEGIN to the maps at the end. The thread that calls <see cref="Run"/> does all writing, and runs
/// BEGIN, END, intervals and signals; actions of probes run where the engine runs them.
/// </summary>
internal sealed partial class ScriptRun : IActionHost, IDisposable
{
    private static readonly TimeSpan Forever = TimeSpan.FromHours(1);

    private readonly TypedScript _script;
    private readonly ScriptSource _source;
    private readonly ScriptRunOptions _options;
    private readonly IScriptWriter _writer;
    private readonly IScriptEngine _engine;
    private readonly RunQueue _queue;
    private readonly SessionSymbols _symbols;
    private readonly Dictionary<MapSymbol, IScriptMap> _maps;
    private readonly ScriptInterpreter _interpreter;
    private volatile UprobeSession? _session;
    private volatile bool _isEnding;
    private bool _hasExited;
    private int _exitCode;
    private int _runner;
    private long _failedReads;

    /// <summary>Prepares a run.</summary>
    /// <param name="script">The script.</param>
    /// <param name="source">Its text.</param>
    /// <param name="options">How.</param>
    /// <param name="writer">Where its output goes; lent.</param>
    /// <param name="engine">How its actions are run.</param>
    internal ScriptRun(TypedScript script, ScriptSource source, ScriptRunOptions options, IScriptWriter writer, IScriptEngine engine)
    {
        (_script, _source, _options, _writer, _engine) = (script, source, options, writer, engine);
        _queue = new RunQueue(options.MostWaiting);
        _symbols = new SessionSymbols(script.Options, _queue.Post);
        _maps = script.Maps.ToDictionary(map => map, engine.CreateMap);
        _interpreter = new ScriptInterpreter(script, _maps, this);
    }

    /// <inheritdoc/>
    public long StartNanoseconds { get; private set; }

    /// <inheritdoc/>
    public int? ChildProcessId => _session?.LaunchedProcessId;

    /// <inheritdoc/>
    public bool IsEnding => _isEnding;

    /// <inheritdoc/>
    public IScriptSymbols Symbols => _symbols;

    /// <summary>Runs the script; returns its exit code.</summary>
    /// <exception cref="ScriptRefusedException">A place does not exist, or something is not supported; nothing was run.</exception>
    /// <exception cref="IOException">The output cannot be written.</exception>
    internal int Run()
    {
        _runner = Environment.CurrentManagedThreadId;
        bool hasSites = _script.Probes.SelectMany(probe => probe.AttachPoints).Any(place => place.IsInTarget);
        // A script of intervals alone ends with its processes too.
        using UprobeSession? session = hasSites || _options.Target is not ScriptTarget.Nothing ? Open() : null;
        IReadOnlyList<ScriptSite> sites = session is null ? [] : Resolve(session);
        if (_options.IsDryRun)
            return 0;
        using SignalWaits signals = new(this);
        StartNanoseconds = MonotonicClock.Nanoseconds;
        RunProbes(isEnd: false);
        using (IArmedScript? armed = _isEnding || session is null ? null : Arm(session, sites))
        {
            if (!_options.IsQuiet)
                _writer.AttachedProbes((armed?.Count ?? 0) + _script.Probes.SelectMany(probe => probe.AttachPoints).Count(place => place is RunProbe or IntervalProbe or SignalProbe));
            TellTests();
            session?.Start();
            Loop();
        }

        _isEnding = true;
        while (_queue.RunNext(TimeSpan.Zero))
            TellDropped();
        RunProbes(isEnd: true);
        if (session is { LaunchedProcessId: { } child, LaunchedExitCode: null })
            _ = Tasks.Kill(child, Signal.SIGTERM); // It may have ended just now.
        session?.Dispose();
        TellDropped();
        TellFailures();
        _writer.Finish(_script.Options.PrintsMapsOnExit ? _maps.Values.Select(map => map.Snapshot()) : []);
        // What stacks lack is known when they are named, which those of maps are only now.
        while (_queue.RunNext(TimeSpan.Zero))
        {
        }

        return _exitCode;
    }

    /// <summary>Has the run end: END runs, and the maps are printed. Any thread.</summary>
    internal void Interrupt() => _queue.Post(() => _isEnding = true);

    /// <summary>Lets go of the target at once. Any thread; the process is to be ended.</summary>
    internal void Abandon() => _session?.Dispose();

    /// <inheritdoc/>
    public void Post(Action<IScriptWriter> write)
    {
        if (Environment.CurrentManagedThreadId == _runner)
        {
            // What the target's threads have said before comes first.
            _queue.RunRecords();
            write(_writer);
        }
        else
        {
            _queue.PostRecord(() => write(_writer));
        }
    }

    /// <inheritdoc/>
    public void Exit(int code)
    {
        // What ends the run may have come first: an exit() that was sent before it is read after it.
        if (Interlocked.Exchange(ref _hasExited, true))
            return;
        _exitCode = code;
        _isEnding = true;
        _queue.Post(static () => { }); // Wakes the thread that waits.
    }

    /// <inheritdoc/>
    public void Fail(string helper, int errno, SourceSpan span)
    {
        if (_options.TellsFailures)
            Post(writer => writer.Failure(HelperError.FromErrno(helper, errno, Locate(span))));
        else if (helper.StartsWith("probe_read", StringComparison.Ordinal))
            Interlocked.Increment(ref _failedReads);
    }

    /// <inheritdoc/>
    public void CountFailedReads(long count) => Interlocked.Add(ref _failedReads, count);

    /// <inheritdoc/>
    public void Tell(string line) => _options.Tell(line);

    /// <inheritdoc/>
    public ScriptLocation Locate(SourceSpan span)
    {
        (int line, int column) = _source.Locate(span.Start);
        (int endLine, int endColumn) = _source.Locate(span.End);
        return new ScriptLocation(_source.Name, line, column) { EndLine = endLine, EndColumn = endColumn, SourceLine = _source.Slice(_source.Line(line)) };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _symbols.Dispose();
        _queue.Dispose();
    }

    private UprobeSession Open()
    {
        if (_options.Target is ScriptTarget.Nothing)
        {
            SourceSpan span = _script.Probes.SelectMany(probe => probe.AttachPoints).First(place => place.IsInTarget).Span;
            throw new ScriptRefusedException([new Diagnostic(Severity.Error, DiagnosticId.Unsupported, span, "probing every process of the system is not there yet")
            {
                Hint = "give -p PID for a running process (pgrep NAME finds it), or -c 'CMD' to start one",
            }]);
        }

        UprobeSession session = _options.OpenSession(_options.Target, opening => _session = opening);
        _session = session;
        _symbols.Session = session;
        session.Notice += notice => _queue.Post(() => _options.Tell(SafeText.Escape(notice.ProcessId is { } processId ? string.Create(CultureInfo.InvariantCulture, $"[{processId}] {notice.Message}") : notice.Message)));
        session.Completion.ContinueWith(_ => Interrupt(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        return session;
    }

    private IReadOnlyList<ScriptSite> Resolve(UprobeSession session)
    {
        using IDisposable? work = _options.BeginWork("finding functions");
        SiteResolver resolver = new(session.OpenImages, pattern => FilePatterns.Find(pattern, session.ProcessIds), _script.Options);
        IReadOnlyList<ScriptSite> sites = resolver.Resolve(_script);
        if (resolver.Diagnostics.HasErrors)
            throw new ScriptRefusedException([.. resolver.Diagnostics]);
        foreach (Diagnostic warning in resolver.Diagnostics)
            _options.Tell(DiagnosticRenderer.Render(warning, _source).TrimEnd('\n'));
        return sites;
    }

    private IArmedScript Arm(UprobeSession session, IReadOnlyList<ScriptSite> sites)
    {
        IArmedScript armed;
        // A thread that waits would wait for this look at its process, and one that has ended shows nothing any more.
        if (CodeNames.AreUsed(_script))
            _symbols.Look(session.ProcessIds);
        using (_options.BeginWork(string.Create(CultureInfo.InvariantCulture, $"arming {sites.Count} probes")))
            armed = _engine.Arm(new ScriptArming(session, _script, sites, _maps, this));
        List<Diagnostic> refused = [];
        foreach ((ScriptSite site, ProbeRefusal refusal) in armed.Refused)
        {
            bool isError = site.IsNamed && _script.Options.MissingProbes == MissingProbes.Error;
            refused.Add(new Diagnostic(isError ? Severity.Error : Severity.Warning, DiagnosticId.AttachPoint, site.AttachPoint.Span, $"cannot probe {site.Name}: {refusal.Detail}"));
        }

        bool hasErrors = refused.Exists(one => one.Severity == Severity.Error) || refused.Count > 0 && armed.Count == 0;
        if (hasErrors)
        {
            armed.Dispose();
            throw new ScriptRefusedException(refused);
        }

        foreach (Diagnostic warning in _script.Options.MissingProbes == MissingProbes.Ignore ? [] : refused)
            _options.Tell(DiagnosticRenderer.Render(warning, _source).TrimEnd('\n'));
        return armed;
    }

    private void RunProbes(bool isEnd)
    {
        foreach (TypedProbe probe in _script.Probes)
        {
            foreach (RunProbe place in probe.AttachPoints.OfType<RunProbe>().Where(place => place.IsEnd == isEnd))
                _interpreter.Run(probe, new ActionOccasion { Probe = isEnd ? "end" : "begin", ProbeType = place.TypeName });
        }
    }

    /// <summary>bpftrace's own test runner waits for this line.</summary>
    private void TellTests()
    {
        const string Variable = "__BPFTRACE_NOTIFY_PROBES_ATTACHED";
        if (Environment.GetEnvironmentVariable(Variable) is not null)
            _writer.Printf(PrintfFormat.Parse(Variable + "\n"), []);
    }
}
