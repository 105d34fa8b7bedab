namespace Uprobes.LiveTests.CommandLine;

/// <summary>Signals that users send to the command (signal(7), x86-64).</summary>
internal static class Signals
{
    public const int Interrupt = 2, Kill = 9, Terminate = 15, TerminalStop = 20;
}
