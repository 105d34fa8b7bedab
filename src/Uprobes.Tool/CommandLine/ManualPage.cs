using System.CommandLine;
using System.CommandLine.Help;
using System.Text;

namespace Uprobes.Tool.CommandLine;

/// <summary>The manual page, made of what --help says, in the language of man(7).</summary>
/// <param name="root">The whole command line.</param>
internal sealed class ManualPage(RootCommand root)
{
    private readonly StringBuilder _text = new();

    /// <summary>Writes the page.</summary>
    public string Write()
    {
        _text.Append($".TH UPROBE 1 \"\" \"Uprobes {typeof(ManualPage).Assembly.GetName().Version!.ToString(3)}\" \"User Commands\"\n");
        Section("NAME");
        _text.Append("uprobe \\- ").Append(Escape("ask a running program which functions it calls, with what and for how long")).Append('\n');
        Section("SYNOPSIS");
        foreach (var command in root.Subcommands)
            Synopsis(command, ".br\n");
        Section("DESCRIPTION");
        Paragraph(root.Description ?? "");
        Example(MoreOf(root));
        Section("COMMANDS");
        foreach (var command in root.Subcommands)
            Write(command);
        Section("EXIT STATUS");
        Paragraph("0 when all is done, also after Ctrl-C; 1 when a process, a file, a function or a probe is refused; 2 for a command line without meaning. With -c, that of the command.");
        Section("SEE ALSO");
        Paragraph("gdb(1), perf(1), ptrace(2), bpftrace(8)");
        return _text.ToString();
    }

    private void Write(Command command)
    {
        _text.Append(".SS ").Append(Escape(command.Name)).Append('\n');
        Synopsis(command, "");
        Paragraph(command.Description ?? "");
        foreach (var argument in command.Arguments)
            Item(ArgumentText(argument), argument.Description);
        foreach (var option in command.Options.Where(option => option is not HelpOption && !option.Hidden))
            Item(OptionText(option), option.Description + DefaultOf(option));
        Example(MoreOf(command));
    }

    private void Synopsis(Command command, string end)
    {
        _text.Append(".B uprobe ").Append(Escape(command.Name)).Append('\n');
        if (command.Options.Any(option => option is not HelpOption))
            _text.Append("[OPTION...]\\&\n"); // Not the end of a sentence.
        foreach (var argument in command.Arguments)
            _text.Append(Escape(ArgumentText(argument))).Append('\n');
        _text.Append(end);
    }

    private static string ArgumentText(Argument argument)
    {
        var name = argument.HelpName ?? argument.Name;
        var repeated = argument.Arity.MaximumNumberOfValues > 1 && !name.Contains("...", StringComparison.Ordinal) ? name + "..." : name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{repeated}]" : repeated;
    }

    private static string OptionText(Option option)
    {
        var names = string.Join(", ", option.Aliases.Prepend(option.Name).OrderBy(name => name.Length).ThenBy(name => name, StringComparer.Ordinal));
        return option.HelpName is { } value ? $"{names} {value}" : option.ValueType != typeof(bool) ? $"{names} {option.Name.TrimStart('-').ToUpperInvariant()}" : names;
    }

    private static string DefaultOf(Option option) => option.HasDefaultValue && option.GetDefaultValue() is { } value and not false ? $" [default: {value}]" : "";

    private static string MoreOf(Command command) =>
        command.Options.OfType<HelpOption>().FirstOrDefault()?.Action is TeachingHelp help ? help.More : "";

    private void Section(string name) => _text.Append(".SH ").Append(name).Append('\n');

    private void Paragraph(string text) => _text.Append(".PP\n").Append(Escape(text)).Append('\n');

    private void Item(string what, string? text) => _text.Append(".TP\n.B ").Append(Escape(what)).Append('\n').Append(Escape(text ?? "")).Append('\n');

    /// <summary>Text whose lines stay as they are.</summary>
    private void Example(string text)
    {
        if (text.Trim().Length == 0)
            return;
        _text.Append(".PP\n.nf\n");
        foreach (var line in text.Trim('\n').Split('\n'))
            _text.Append(Escape(line)).Append('\n');
        _text.Append(".fi\n");
    }

    /// <summary>Takes the meaning from what groff(7) would read: backslashes, hyphens that become dashes, points and quotes that begin a line.</summary>
    private static string Escape(string text)
    {
        var plain = text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal)
            .Replace("'", "\\(aq", StringComparison.Ordinal).Replace("`", "\\(ga", StringComparison.Ordinal)
            .Replace("^", "\\(ha", StringComparison.Ordinal).Replace("~", "\\(ti", StringComparison.Ordinal);
        return plain.StartsWith('.') ? "\\&" + plain : plain;
    }
}
