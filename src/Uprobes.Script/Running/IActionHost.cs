using Uprobes.Script.Output;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Running;

/// <summary>The run around actions: what they write to and whom they tell.</summary>
internal interface IActionHost
{
    /// <summary>Nanoseconds of CLOCK_MONOTONIC at which the run began.</summary>
    long StartNanoseconds { get; }

    /// <summary>The process that -c started; null where there is none.</summary>
    int? ChildProcessId { get; }

    /// <summary>Whether the run ends: no action of a probe begins any more.</summary>
    bool IsEnding { get; }

    /// <summary>Names of code.</summary>
    IScriptSymbols Symbols { get; }

    /// <summary>Has something written, in the order of the calls; not necessarily at once.</summary>
    void Post(Action<IScriptWriter> write);

    /// <summary>Ends the run: no action begins after this one but those of END.</summary>
    /// <param name="code">The exit code.</param>
    void Exit(int code);

    /// <summary>Something could not be read, written or stored; the action goes on.</summary>
    /// <param name="helper">What failed, in bpftrace's words.</param>
    /// <param name="errno">Why.</param>
    /// <param name="span">Which expression.</param>
    void Fail(string helper, int errno, SourceSpan span);

    /// <summary>Reads of memory that was not there, which programs have counted; they are told at the end.</summary>
    void CountFailedReads(long count);

    /// <summary>Tells the user something about the run, a line, at the end.</summary>
    void Tell(string line);

    /// <summary>Where a part of the script is.</summary>
    ScriptLocation Locate(SourceSpan span);
}
