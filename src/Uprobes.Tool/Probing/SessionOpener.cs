using Uprobes.Processes;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Probing;

/// <summary>Opens sessions of the library and says what to do when that fails.</summary>
internal static class SessionOpener
{
    /// <summary>Attaches to the processes, or starts the command (which waits for <see cref="IProbeSession.Start"/>).</summary>
    /// <param name="target">What is to be probed.</param>
    /// <param name="options">The choices of the session.</param>
    /// <param name="opening">Called with the session before it attaches or starts anything.</param>
    /// <exception cref="ToolException">A process may not be traced, or the command cannot be started.</exception>
    public static IProbeSession Open(TargetChoice target, SessionOptions options, Action<IDisposable> opening) =>
        new LiveSession(OpenSession(target, options, opening));

    /// <inheritdoc cref="Open"/>
    public static UprobeSession OpenSession(TargetChoice target, SessionOptions options, Action<UprobeSession> opening)
    {
        options = options with { Opening = opening };
        try
        {
            return target switch
            {
                TargetChoice.Processes processes => UprobeSession.Attach(processes.Ids, options),
                TargetChoice.Command command => UprobeSession.Launch(command.Program, command.Arguments, options),
                _ => throw new ArgumentException($"Unknown target {target}.", nameof(target)),
            };
        }
        catch (AttachException e)
        {
            throw new ToolException(e.Message, e.Hint.Length == 0 ? null : e.Hint, inner: e);
        }
        catch (LaunchException e)
        {
            throw new ToolException(e.Message, e.Hint.Length == 0 ? null : e.Hint, inner: e);
        }
    }
}
