using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Uprobes.Tool.CommandLine;

/// <summary>The usual help, followed by examples and notes.</summary>
internal sealed class TeachingHelp(HelpAction usual, string more) : SynchronousCommandLineAction
{
    private const int Width = 120;

    /// <summary>The examples and notes.</summary>
    public string More => more;

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <summary>Gives a command help with more text.</summary>
    public static void AddTo(Command command, string more)
    {
        var option = new HelpOption("--help", ["-h", "-?"]);
        option.Action = new TeachingHelp((HelpAction)option.Action!, more);
        option.Recursive = false;
        command.Options.Add(option);
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        usual.MaxWidth = Width; // asking the console for its width would change the terminal's modes
        var result = usual.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output.WriteLine(more);
        return result;
    }
}
