using Uprobes.Programs;
using Uprobes.Tool.CommandLine;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Commands;

/// <summary>
/// The course that the commands share: open the session, select probes, arm them, wait, remove them, finish the
/// results. Removal always comes before anything that can wait for a terminal or a pipe.
/// </summary>
internal abstract class ProbingCommand(ToolEnvironment environment, ProbingRequest request, ProgramGroup group) : IDisposable
{
    private const int AbandonedCode = 130; // 128 + SIGINT, as a shell reports a command that Ctrl-C ended
    private volatile IDisposable? _session;
    private volatile bool _interrupted;

    /// <summary>Where events of the run meet.</summary>
    protected RunEvents Events { get; } = new();

    /// <summary>Standard error.</summary>
    protected StatusLines Status => environment.Status;

    /// <summary>Whether a command is started, not a running process watched.</summary>
    protected bool StartsCommand => request.Target is TargetChoice.Command;

    /// <summary>Runs the command; returns the exit code.</summary>
    /// <exception cref="ToolException">It cannot be done.</exception>
    public int Run()
    {
        if (request.Target is TargetChoice.Processes processes && !request.Force)
            new Ancestry().Refuse(processes.Ids);
        if (ProgramChecker.Check(group) is [var problem, ..])
            throw ToolException.Usage($"that is more than a program in the process can do: {problem.What}", "ask for less: fewer or shorter strings, fewer steps, a simpler condition");
        if (request.Options.Presence == TracerPresence.Detached && group.Return is not null)
            throw ToolException.Usage("--detach cannot follow calls to their returns: what unwinds their stacks may be loaded while nobody is attached", "leave out --detach, or what is asked of returns (-r, retval, duration, latency)");
        Prepare();
        using var output = environment.OpenOutput(request.OutputPath);
        using var signals = new SignalWatch(Interrupt, Abandon, Status.Write, StartsCommand);
        using var session = environment.OpenSession(request.Target, request.Options, opening => _session = opening);
        _session = session;
        if (_interrupted)
            return Interrupted();
        session.Notice += notice => Events.Post(new RunEvent.Noticed(notice));
        var selection = Working("finding functions", () => Select(session, output));
        if (_interrupted)
            return Interrupted();
        using var armed = Working($"arming {Amount.Of(selection.Probes.Count, "probe")}", () => Arm(session, selection.Probes, output));
        if (_interrupted && StartsCommand)
            return Interrupted(); // Before it ran. A running process may have been hit already: its results are shown.
        if (!TellArmed(session, selection, armed, output))
            return ExitCode.Failure;
        output.Begin();
        var run = new ProbeRun(session, Events, Status);
        var end = Observe(run);
        return Finish(session, armed, run, end, output);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Where and how.</summary>
    protected ProbingRequest Request => request;

    /// <summary>The programs.</summary>
    protected ProgramGroup Group => group;

    /// <summary>Looks for what would keep the command from its end, before anything is begun.</summary>
    /// <exception cref="ToolException">There is something.</exception>
    protected virtual void Prepare()
    {
    }

    /// <summary>Arms the probes.</summary>
    protected abstract IArmedPrograms Arm(IProbeSession session, IReadOnlyList<PlannedProbe> probes, ResultOutput output);

    /// <summary>Waits for the end of the run.</summary>
    protected abstract RunEnd Observe(ProbeRun run);

    /// <summary>Writes the remaining results; the probes are gone. Throws when results could not be written.</summary>
    protected abstract void FinishResults(IArmedPrograms armed);

    /// <summary>Gives a terminal back that the command has to itself, where it is given up; called on any thread.</summary>
    protected virtual void LeaveScreen()
    {
    }

    /// <summary>Releases what the command owns.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
            Events.Dispose();
    }

    private int Finish(IProbeSession session, IArmedPrograms armed, ProbeRun run, RunEnd end, ResultOutput output)
    {
        // A started command stays ours until it ends, since its exit code is handed on; without probes it runs at full speed.
        var staysForCommand = StartsCommand && end is RunEnd.Enough or RunEnd.OutputEnded;
        // A command that still runs writes to the same terminal.
        using (end == RunEnd.Completed || !StartsCommand ? Status.ShowWork($"removing {Amount.Of(armed.Armed.Count, "probe")}") : null)
        {
            armed.Stop();
            if (!staysForCommand)
                session.Dispose();
        }
        FinishResults(armed);
        if (staysForCommand)
        {
            Status.Write("probes removed; waiting for the command to end (Ctrl-C leaves it alone)");
            end = run.WaitForCommand();
            session.Dispose();
        }
        run.TellTheRest();
        if (request.Format == OutputFormat.Json)
            WriteLateRefusals(run, output);
        if (session.Completion is { IsFaulted: true, Exception: { } failure })
            throw new ToolException($"tracing failed and ended early: {failure.GetBaseException().Message}", "the results are not complete", inner: failure);
        return end == RunEnd.Completed ? session.CommandExitCode ?? ExitCode.Success : ExitCode.Success;
    }

    private T Working<T>(string what, Func<T> work)
    {
        using (Status.ShowWork(what))
            return work();
    }

    private bool TellArmed(IProbeSession session, ProbeSelection selection, IArmedPrograms armed, ResultOutput output)
    {
        foreach (var notice in selection.Notices)
            Status.Write(notice);
        IReadOnlyList<RefusedProbe> refused = [.. selection.Refused, .. armed.Refused];
        if (request.Format == OutputFormat.Json)
            WriteRefused(refused, output);
        var goesOn = RefusalReport.Tell(Status, refused, selection.Probes.Count + selection.Refused.Count, request.Verbose);
        if (!goesOn)
        {
            output.Flush();
            return false;
        }
        if (RightsNotice.Of(request.Target) is { } rights)
            Status.Write(rights);
        var probes = Amount.Of(armed.Armed.Count, "probe");
        Status.Write(request.Target is TargetChoice.Command command
            ? $"starting {command.Program} with {probes}"
            : $"attached {probes} to {Amount.Of(session.ProcessIds.Count, "process", "processes")} ({string.Join(", ", session.ProcessIds)}); Ctrl-C ends");
        return true;
    }

    private ProbeSelection Select(IProbeSession session, ResultOutput output)
    {
        try
        {
            return ProbeSelector.Select(request.Specs, session.OpenImages);
        }
        catch (ToolException e) when (e.Function is not null && request.Format == OutputFormat.Json)
        {
            using var lines = new JsonLines();
            lines.WriteRefused(output.Buffer, e.Function, e.Message);
            output.Flush();
            throw;
        }
    }

    // After everything else: while calls are printed, the output belongs to the printer.
    private void WriteLateRefusals(ProbeRun run, ResultOutput output)
    {
        if (run.LateRefusals.Count == 0)
            return;
        using var lines = new JsonLines();
        foreach (var refusal in run.LateRefusals)
            lines.WriteRefused(output.Buffer, SpecParser.SplitImage(refusal.Point).Name is { Length: > 0 } function ? function : refusal.Point, refusal.Detail);
        try
        {
            output.Flush();
        }
        catch (OutputClosedException)
        {
            Status.Write("refusals were not read: the reader of the results has gone");
        }
    }

    private static void WriteRefused(IReadOnlyList<RefusedProbe> refused, ResultOutput output)
    {
        using var lines = new JsonLines();
        foreach (var one in refused)
            lines.WriteRefused(output.Buffer, one.Probe.Function, one.Detail);
    }

    private void Interrupt()
    {
        _interrupted = true;
        Events.Post(new RunEvent.Interrupted());
    }

    private int Interrupted()
    {
        Status.Write("interrupted before the probes were in place");
        return ExitCode.Success;
    }

    private void Abandon()
    {
        _session?.Dispose();
        LeaveScreen();
        Status.Release(); // Nothing that was told while the screen stood is lost.
        Environment.Exit(AbandonedCode);
    }
}
