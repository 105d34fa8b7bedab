using System.CommandLine;

namespace Uprobes.Tool.CommandLine;

/// <summary>The syntax of completion.</summary>
internal sealed class CompletionSyntax
{
    private readonly Argument<string> _shell = new("SHELL") { Description = "bash, zsh or fish" };

    /// <summary>Builds the command.</summary>
    public Command Build()
    {
        var command = new Command("completion", HelpTexts.CompletionDescription);
        _shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        command.Add(_shell);
        command.SetAction(parsed => parsed.InvocationConfiguration.Output.Write(parsed.GetValue(_shell) switch
        {
            "zsh" => CompletionScripts.Zsh,
            "fish" => CompletionScripts.Fish,
            _ => CompletionScripts.Bash,
        }));
        return command;
    }
}
