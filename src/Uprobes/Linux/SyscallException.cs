namespace Uprobes.Linux;

/// <summary>
/// A system call was refused. The message names the operation, its target and the kernel's symbolic error,
/// so that a reader needs no table of numbers.
/// </summary>
public sealed class SyscallException : Exception
{
    /// <summary>Creates the exception for a system call that just failed.</summary>
    /// <param name="operation">What was attempted and on what, for example <c>open /proc/42/mem</c>.</param>
    /// <param name="error">The positive errno value (errno(3)).</param>
    public SyscallException(string operation, int error)
        : base($"{operation}: {Errno.Name(error)} ({Errno.Describe(error)})")
    {
        Operation = operation;
        Error = error;
    }

    /// <summary>What was attempted, and on what.</summary>
    public string Operation { get; }

    /// <summary>The positive errno value (errno(3)).</summary>
    public int Error { get; }
}
