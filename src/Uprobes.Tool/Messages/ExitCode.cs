namespace Uprobes.Tool.Messages;

/// <summary>What the exit codes of the command mean. With a started command its own code comes through instead.</summary>
internal static class ExitCode
{
    /// <summary>Done, also when ended by Ctrl-C.</summary>
    public const int Success = 0;

    /// <summary>Something was refused: a process, a file, a function, a probe.</summary>
    public const int Failure = 1;

    /// <summary>The command line has no meaning.</summary>
    public const int Usage = 2;
}
