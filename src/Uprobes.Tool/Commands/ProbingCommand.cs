using System.Globalization;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Commands;

/// <summary>
/// The course that trace and count share: open the session, select probes, arm them, wait, remove them, finish the
/// results. Removal always comes before anything that can wait for a terminal or a pipe.
/// </summary>
internal abstract class ProbingCommand(ToolEnvironment environment, ProbingRequest request) : IDisposable
{
    private const int AbandonedCode = 130; // 128 + SIGINT, as a shell reports a command that Ctrl-C ended
    private IProbeSession? _session;

    /// <summary>Where events of the run meet.</summary>
    protected RunEvents Events { get; } = new();

    /// <summary>Standard error.</summary>
    protected StatusLines Status => environment.Status;

    /// <summary>Whether a command is started, not a running process watched.</summary>
    protected bool StartsCommand => request.Target is ProbeTarget.Command;

    /// <summary>Runs the command; returns the exit code.</summary>
    /// <exception cref="ToolException">It cannot be done.</exception>
    public int Run()
    {
        if (request.Target is ProbeTarget.Processes processes && !request.Force)
            new Ancestry().Refuse(processes.Ids);
        using var output = environment.OpenOutput(request.OutputPath);
        using var signals = new SignalWatch(() => Events.Post(new RunEvent.Interrupted()), Abandon);
        using var session = environment.OpenSession(request.Target, request.Options);
        _session = session;
        session.Notice += notice => Events.Post(new RunEvent.Noticed(notice));
        var selection = ProbeSelector.Select(request.Specs, session.OpenImage);
        var armed = Arm(session, selection.Probes, output);
        if (!TellArmed(session, selection, armed, output))
            return ExitCode.Failure;
        var run = new ProbeRun(session, Events, Status);
        var end = Observe(run);
        return Finish(session, armed, run, end);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Arms the probes.</summary>
    protected abstract ArmedProbes Arm(IProbeSession session, IReadOnlyList<PlannedProbe> probes, ResultOutput output);

    /// <summary>Waits for the end of the run.</summary>
    protected abstract RunEnd Observe(ProbeRun run);

    /// <summary>Ignores hits from now on: the end has come.</summary>
    protected abstract void StopRecording();

    /// <summary>Writes the remaining results; the probes are gone. Throws when results could not be written.</summary>
    protected abstract void FinishResults(ArmedProbes armed);

    /// <summary>Releases what the command owns.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
            Events.Dispose();
    }

    private int Finish(IProbeSession session, ArmedProbes armed, ProbeRun run, RunEnd end)
    {
        StopRecording();
        // A started command stays ours until it ends, since its exit code is handed on; without probes it runs at full speed.
        var staysForCommand = StartsCommand && end is RunEnd.Enough or RunEnd.OutputEnded;
        if (staysForCommand)
            session.Remove(armed);
        else
            session.Dispose();
        FinishResults(armed);
        if (staysForCommand)
        {
            Status.Write("probes removed; waiting for the command to end (Ctrl-C leaves it alone)");
            end = run.WaitForCommand();
            session.Dispose();
        }
        run.TellTheRest();
        return end == RunEnd.Completed ? session.CommandExitCode ?? ExitCode.Success : ExitCode.Success;
    }

    private bool TellArmed(IProbeSession session, ProbeSelection selection, ArmedProbes armed, ResultOutput output)
    {
        IReadOnlyList<RefusedProbe> refused = [.. selection.Refused, .. armed.Refused];
        if (request.Format == OutputFormat.Json)
            WriteRefused(refused, output);
        var goesOn = RefusalReport.Tell(Status, refused, selection.Probes.Count + selection.Refused.Count, request.Verbose);
        if (!goesOn)
        {
            output.Flush();
            return false;
        }
        var probes = Plural(armed.Armed.Count, "probe");
        Status.Write(request.Target is ProbeTarget.Command command
            ? $"starting {command.Program} with {probes}"
            : $"attached {probes} to {Plural(session.ProcessIds.Count, "process", "processes")} ({string.Join(", ", session.ProcessIds)}); Ctrl-C ends");
        return true;
    }

    private static void WriteRefused(IReadOnlyList<RefusedProbe> refused, ResultOutput output)
    {
        using var lines = new JsonLines();
        foreach (var one in refused)
            lines.WriteRefused(output.Buffer, one.Probe.Function, one.Detail);
    }

    private static string Plural(int count, string one, string? many = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many ?? one + "s")}");

    private void Abandon()
    {
        _session?.Dispose();
        Environment.Exit(AbandonedCode);
    }
}
