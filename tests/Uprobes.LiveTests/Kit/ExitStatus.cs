namespace Uprobes.LiveTests.Kit;

/// <summary>How a process ended: with an exit code, or by a signal; exactly one of them is set.</summary>
public readonly record struct ExitStatus(int? Code, int? Signal)
{
    /// <summary>Decodes a wait status (waitpid(2)) of a process that has ended.</summary>
    public static ExitStatus FromWaitStatus(int status) =>
        (status & 0x7f) == 0 ? new((status >> 8) & 0xff, null) : new(null, status & 0x7f);

    public override string ToString() => Code is { } code ? $"exit code {code}" : $"killed by signal {Signal}";
}
