using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Uprobes.Linux;
using Uprobes.Tool.Commands;
using Uprobes.Tool.Filters;
using Uprobes.Tool.Messages;
using Uprobes.Tool.Output;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.CommandLine;

/// <summary>The whole command line: reads arguments, runs the command, and turns errors into messages and exit codes.</summary>
internal sealed class ToolSyntax(ToolEnvironment environment, IImageFinder images)
{
    /// <summary>Runs the tool; returns the exit code.</summary>
    /// <param name="arguments">The command line without the program's name.</param>
    public int Run(IReadOnlyList<string> arguments)
    {
        try
        {
            return RunCommand(arguments);
        }
        catch (ToolException e)
        {
            environment.Status.WriteError(e.Message, e.Hint, e.Excerpt);
            return e.ExitCode;
        }
        catch (FilterException e)
        {
            environment.Status.WriteError(e.Message, "the help of each command says what conditions and values are made of; quote them for the shell: --where 'arg0 > 64K'", e.Excerpt);
            return ExitCode.Usage;
        }
        catch (OutputClosedException)
        {
            return ExitCode.Success;
        }
        catch (SyscallException e)
        {
            environment.Status.WriteError(e.Message, e.Error switch
            {
                Errno.EMFILE => "this command may open too few files: raise the limit with ulimit -n",
                Errno.ENOMEM or Errno.EAGAIN => "memory or the number of processes is limited here: see ulimit -a",
                _ => null,
            });
            return ExitCode.Failure;
        }
        catch (ProbeRefusedException e)
        {
            environment.Status.WriteError(e.Message, null);
            return ExitCode.Failure;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            environment.Status.WriteError(e.Message, null);
            return ExitCode.Failure;
        }
        catch (Exception e) // Whatever it is: the sessions were closed on the way here, and a sentence says more than a crash.
        {
            environment.Status.WriteError($"an error that is not expected: {e.GetType().Name}: {e.Message}", "this is a defect of uprobe: please report it");
            return ExitCode.Failure;
        }
    }

    private int RunCommand(IReadOnlyList<string> arguments)
    {
        var (own, trailing) = TrailingCommand.Split(arguments);
        var root = Build(trailing);
        if (own.Count == 0)
            own = ["--help"];
        // A specification may begin with @: it is not a file of arguments.
        var parsed = root.Parse(own, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0 && parsed.Action is not TeachingHelp)
        {
            var command = parsed.CommandResult.Command;
            var of = command == root ? "uprobe" : $"uprobe {command.Name}";
            if (command == root && parsed.UnmatchedTokens is [var word, ..] && !word.StartsWith('-'))
                throw ToolException.Usage($"there is no command {word}", NearNames.Hint(word, root.Subcommands.Select(c => c.Name)) ?? "see uprobe --help");
            throw ToolException.Usage(string.Join("; ", parsed.Errors.Select(Describe)), NameForProcess(parsed) is { } name
                ? $"-p takes the number of a process: `pgrep -a {name}` finds it"
                : $"see {of} --help");
        }
        using var help = new StringWriter();
        var exitCode = parsed.Invoke(new InvocationConfiguration { Output = help, EnableDefaultExceptionHandler = false });
        WriteHelp(help.ToString());
        return exitCode;
    }

    private void WriteHelp(string text)
    {
        if (text.Length == 0)
            return;
        using var output = environment.OpenOutput(null);
        output.Buffer.WriteText(text);
        output.Flush();
    }

    /// <summary>The word behind -p where it can only be meant as a program's name.</summary>
    private static string? NameForProcess(ParseResult parsed) =>
        parsed.CommandResult.Children.OfType<OptionResult>().Where(o => o.Option.Name == "-p").SelectMany(o => o.Tokens).Select(t => t.Value)
            .FirstOrDefault(word => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && !word.All(char.IsAsciiDigit));

    // The parser names types of .NET and breaks lines; neither helps the reader.
    private static string Describe(ParseError error)
    {
        var message = error.Message.Replace("\n\t", " ", StringComparison.Ordinal).TrimEnd('.');
        var type = message.IndexOf(" as expected type '", StringComparison.Ordinal);
        return type < 0 ? message : $"{message[..type]} as a number";
    }

    private RootCommand Build(IReadOnlyList<string>? trailing)
    {
        var trace = new TraceSyntax().Build(RunTrace, trailing);
        var count = new CountSyntax().Build(RunCount, trailing);
        var histogram = new HistogramSyntax().Build(RunDistribution, trailing);
        var latency = new LatencySyntax().Build(RunDistribution, trailing);
        var record = new RecordSyntax().Build(RunTrace, trailing);
        var top = new TopSyntax().Build(RunTop, trailing);
        var stack = new StackSyntax().Build(RunStack, trailing);
        var flame = new FlameSyntax().Build(RunFlame, trailing);
        var list = new ListSyntax().Build(request => new ListCommand(environment, images, request).Run());
        var script = new RunSyntax().Build(request => new RunCommand(environment, images, request).Run());
        var completion = new CompletionSyntax().Build();
        var manual = new Command("man", HelpTexts.ManualDescription);
        var root = new RootCommand(HelpTexts.RootDescription) { list, trace, count, histogram, latency, top, stack, flame, record, script, completion, manual };
        manual.SetAction(parsed => parsed.InvocationConfiguration.Output.Write(new ManualPage(root).Write()));
        var usual = root.Options.OfType<HelpOption>().Single();
        root.Options.Remove(usual);
        TeachingHelp.AddTo(root, HelpTexts.RootTasks);
        TeachingHelp.AddTo(trace, HelpTexts.Trace + HelpTexts.Conditions);
        TeachingHelp.AddTo(count, HelpTexts.Count + HelpTexts.Conditions);
        TeachingHelp.AddTo(histogram, HelpTexts.Histogram + HelpTexts.Conditions);
        TeachingHelp.AddTo(latency, HelpTexts.Latency + HelpTexts.Conditions);
        TeachingHelp.AddTo(record, HelpTexts.Record + HelpTexts.Conditions);
        TeachingHelp.AddTo(top, HelpTexts.Top + HelpTexts.Conditions);
        TeachingHelp.AddTo(stack, HelpTexts.Stack + HelpTexts.Conditions);
        TeachingHelp.AddTo(flame, HelpTexts.Flame + HelpTexts.Conditions);
        TeachingHelp.AddTo(list, HelpTexts.List);
        TeachingHelp.AddTo(script, HelpTexts.Script);
        TeachingHelp.AddTo(completion, HelpTexts.Completion);
        TeachingHelp.AddTo(manual, HelpTexts.Manual);
        new Candidates(images).AddTo(root);
        return root;
    }

    private int RunTrace(TraceRequest request)
    {
        using var command = new TraceCommand(environment, request);
        return command.Run();
    }

    private int RunCount(CountRequest request)
    {
        using var command = new CountCommand(environment, request);
        return command.Run();
    }

    private int RunDistribution(DistributionRequest request)
    {
        using var command = new DistributionCommand(environment, request);
        return command.Run();
    }

    private int RunTop(TopRequest request)
    {
        using var command = new TopCommand(environment, request);
        return command.Run();
    }

    private int RunFlame(FlameRequest request)
    {
        using var command = new FlameCommand(environment, request);
        return command.Run();
    }

    private int RunStack(StackRequest request)
    {
        using var command = new StackCommand(environment, request);
        return command.Run();
    }
}
