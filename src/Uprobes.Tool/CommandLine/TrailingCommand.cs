using Uprobes.Tool.Messages;

namespace Uprobes.Tool.CommandLine;

/// <summary>Takes the command after <c>--</c> off the arguments, before anything else reads them.</summary>
internal static class TrailingCommand
{
    /// <summary>The arguments before the first <c>--</c>, and the words after it or null.</summary>
    /// <exception cref="ToolException">Nothing follows <c>--</c>.</exception>
    public static (IReadOnlyList<string> Arguments, IReadOnlyList<string>? Command) Split(IReadOnlyList<string> arguments)
    {
        // Only the commands that can start a program: elsewhere `--` ends the options, as usual.
        if (arguments.Count == 0 || arguments[0] is not ("trace" or "count" or "hist" or "latency" or "stack" or "flame" or "top" or "record"))
            return (arguments, null);
        for (var i = 1; i < arguments.Count; i++)
        {
            if (arguments[i] != "--")
                continue;
            if (i + 1 == arguments.Count)
                throw ToolException.Usage("no command follows --", "for example: uprobe trace libc:malloc -- ls -l");
            return ([.. arguments.Take(i)], [.. arguments.Skip(i + 1)]);
        }
        return (arguments, null);
    }
}
