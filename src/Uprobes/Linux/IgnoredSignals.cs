namespace Uprobes.Linux;

/// <summary>
/// Hears signals again that this process was started to ignore. A shell without job control starts a command behind <c>&amp;</c> with SIGINT and SIGQUIT ignored
/// (POSIX, Shell Command Language, 2.11), and the .NET runtime leaves ignored signals ignored, also where the program registers for them.
/// </summary>
internal static unsafe class IgnoredSignals
{
    private const nint DefaultAction = 0, IgnoreAction = 1;

    /// <summary>Gives a signal its default action in place of being ignored. To be called before anybody registers for it.</summary>
    internal static void HearAgain(int signal)
    {
        LibC.SigAction action = default;
        if (LibC.sigaction(signal, null, &action) != 0 || action.Handler != IgnoreAction)
            return;
        action.Handler = DefaultAction;
        _ = LibC.sigaction(signal, &action, null); // It cannot fail with an action that was just read.
    }
}
