using System.CommandLine;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.CommandLine;

/// <summary>The options by which commands are told what to probe in: running processes, or a command to start.</summary>
/// <param name="runEnd">What the help says of the end of the processes; empty for nothing.</param>
/// <param name="commandForm">What it says of the command.</param>
internal sealed class TargetOptions(string runEnd, string commandForm)
{
    private readonly Option<int[]> _processIds = new("-p", "--pid")
    {
        Description = "Probe this running process; may be given several times" + runEnd,
        HelpName = "PID",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string?> _command = new("-c", "--command", "--cmd")
    {
        Description = "Start this command with the probes in place" + commandForm,
        HelpName = "CMD",
    };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_processIds);
        command.Add(_command);
    }

    /// <summary>Reads them.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="trailing">The words after <c>--</c> where these are a command; null where there are none.</param>
    /// <returns>Null where nothing is said.</returns>
    /// <exception cref="ToolException">They have no meaning together.</exception>
    public TargetChoice? Read(ParseResult parsed, IReadOnlyList<string>? trailing = null)
    {
        var processIds = parsed.GetValue(_processIds) ?? [];
        var command = parsed.GetValue(_command);
        if (command is not null && trailing is not null)
            throw ToolException.Usage("a command is given twice, by -c and after --", "give one of them");
        var words = trailing ?? (command is null ? null : CommandLineSplitter.Split(command));
        if (words is not null && processIds.Length > 0)
            throw ToolException.Usage("-p and a command exclude each other", "run uprobe twice, once for each");
        if (processIds.FirstOrDefault(id => id <= 0, 1) is <= 0 and var wrong)
            throw ToolException.Usage($"{wrong} is not a process id", "pgrep NAME finds the id of a process");
        return words is not null ? new TargetChoice.Command(words[0], [.. words.Skip(1)])
            : processIds.Length > 0 ? new TargetChoice.Processes([.. processIds.Distinct()])
            : null;
    }
}
