using System.CommandLine;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.CommandLine;

/// <summary>The syntax of list.</summary>
internal sealed class ListSyntax
{
    private readonly Argument<string[]> _what = new("WHAT")
    {
        Description = "FILE or LIB, then optionally a PATTERN; with -p: [IMAGE:]PATTERN",
        Arity = new ArgumentArity(0, 2),
    };

    private readonly Option<int?> _processId = new("-p", "--pid") { Description = "List functions of what this process maps", HelpName = "PID" };
    private readonly Option<string> _format = ProbingOptions.FormatOption();

    private readonly Option<bool> _plan = new("--plan")
    {
        Description = "Say how each function would be patched by the inline engine, or why it cannot be",
    };

    private readonly Option<bool> _usdt = new("--usdt")
    {
        Description = "List static probes (USDT) instead of functions; PATTERN is then NAME or PROVIDER:NAME",
    };

    /// <summary>Builds the command.</summary>
    public Command Build(Func<ListRequest, int> run)
    {
        var command = new Command("list", HelpTexts.ListDescription);
        command.Add(_what);
        command.Add(_processId);
        command.Add(_format);
        command.Add(_plan);
        command.Add(_usdt);
        command.SetAction(parsed =>
        {
            var request = Request(parsed.GetValue(_processId), parsed.GetValue(_what) ?? [], parsed.GetValue(_format)!);
            if (parsed.GetValue(_plan) && parsed.GetValue(_usdt))
                throw ToolException.Usage("--plan is about functions, --usdt about static probes", "give one of them");
            return run(request with { Plan = parsed.GetValue(_plan), Static = parsed.GetValue(_usdt) });
        });
        return command;
    }

    /// <summary>Reads the arguments.</summary>
    /// <exception cref="ToolException">They have no meaning.</exception>
    public static ListRequest Request(int? processId, IReadOnlyList<string> what, string format)
    {
        var outputFormat = ProbingOptions.FormatOf(format);
        switch (what.Count)
        {
            case 0 when processId is null:
                throw ToolException.Usage("list needs a file, a library or -p PID", "for example: uprobe list libc 'mem*'");
            case 0:
                return new ListRequest(processId, null, null, outputFormat);
            case 2:
                return new ListRequest(processId, what[0], what[1], outputFormat);
        }
        // One word: a specification as trace takes it, or with a process a pattern, or else a file.
        var (image, rest) = SpecParser.SplitImage(what[0]);
        if (image is { Length: > 0 } && rest.Length > 0 && !(processId is null && File.Exists(what[0])))
            return new ListRequest(processId, image, rest, outputFormat);
        return processId is null
            ? new ListRequest(null, what[0], null, outputFormat)
            : new ListRequest(processId, null, what[0], outputFormat);
    }
}
