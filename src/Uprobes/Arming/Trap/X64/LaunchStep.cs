namespace Uprobes.Arming.Trap.X64;

/// <summary>What a launched child does between its release and its first instruction, and can fail at.</summary>
internal enum LaunchStep
{
    /// <summary>Put the standard descriptors in place (dup2).</summary>
    StandardDescriptors = 1,

    /// <summary>Change to the working directory (chdir).</summary>
    WorkingDirectory = 2,

    /// <summary>Execute the program (execve).</summary>
    Execute = 3,
}
