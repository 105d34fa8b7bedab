using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>Finds out which of its many causes a refused PTRACE_SEIZE had (ptrace(2); kernel/ptrace.c ptrace_attach; traps S1).</summary>
internal static class AttachDiagnosis
{
    internal static AttachException Explain(int pid, int error)
    {
        if (pid == Environment.ProcessId)
            return new AttachException(pid, AttachFailure.Self, "it is this process itself", "Probe another process, or start the program with -c.");
        ThreadStatus? status = ThreadStatus.TryRead(pid);
        if (status is null)
            return Directory.Exists($"/proc/{pid}")
                ? new AttachException(pid, AttachFailure.Refused, "its status is hidden from this user", "Run as the same user or as root.")
                : new AttachException(pid, AttachFailure.NoSuchProcess, "there is no such process", "Find the process id with `pgrep -a NAME`.");
        if (status.State is 'Z' or 'X')
            return new AttachException(pid, AttachFailure.Zombie, "it has already ended and waits for its parent to collect it", "");
        if (status.TracerId != 0)
        {
            // The kernel names the tracing thread.
            int tracer = ThreadStatus.TryRead(status.TracerId)?.ProcessId ?? status.TracerId;
            return new AttachException(pid, AttachFailure.AlreadyTraced, $"it is already traced by process {tracer} ({CommandOf(tracer)})",
                "A process has one tracer at a time: end that debugger or tracer first.");
        }

        if (IsKernelThread(pid))
            return new AttachException(pid, AttachFailure.KernelThread, "it is a kernel thread", "Only user-space programs can be probed.");
        uint self = ThreadStatus.TryRead(Environment.ProcessId)?.UserId ?? 0;
        if (self != 0 && status.UserId != self)
            return new AttachException(pid, AttachFailure.OtherUser, $"it runs as user {status.UserId}, you are user {self}",
                "Run as that user, or as root.");
        if (self != 0 && YamaScope() is > 0 and var scope)
            return Yama(pid, scope);
        if (self != 0 && !IsReadable($"/proc/{pid}/maps"))
            return new AttachException(pid, AttachFailure.NotDumpable, "it is not dumpable: it changed its user or asked for protection",
                "Run as root.");
        return error == Errno.ESRCH
            ? new AttachException(pid, AttachFailure.NoSuchProcess, "it ended just now", "")
            : new AttachException(pid, AttachFailure.Refused, $"{Errno.Name(error)} ({Errno.Describe(error)})",
                "A security module or user namespace may forbid it: try as root in the process's own namespace.");
    }

    /// <summary>Yama's rule (Documentation/admin-guide/LSM/Yama.rst): 1 is for descendants alone, 2 for administrators, 3 for nobody until the next boot.</summary>
    /// <param name="pid">Whom we may not attach to.</param>
    /// <param name="scope">kernel.yama.ptrace_scope, above 0.</param>
    internal static AttachException Yama(int pid, int scope) => new(pid, AttachFailure.Yama, $"kernel.yama.ptrace_scope is {scope}", scope switch
    {
        1 => "Only programs that you start with -c may be probed: do that, run as root, or allow it with `sysctl kernel.yama.ptrace_scope=0` as root.",
        2 => "Only root may probe: run as root, or allow it with `sysctl kernel.yama.ptrace_scope=0` as root.",
        _ => "Nobody may probe, and that is final until the next boot.",
    });

    private static string CommandOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm").TrimEnd('\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "unknown";
        }
    }

    private static bool IsKernelThread(int pid)
    {
        try
        {
            // Field 9 of stat is the flags word; PF_KTHREAD is 0x00200000 (linux/sched.h). Fields are counted behind the
            // last parenthesis, since the command's name may hold anything.
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields.Length > 6 && uint.TryParse(fields[6], out uint flags) && (flags & 0x00200000) != 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static int YamaScope()
    {
        const string Path = "/proc/sys/kernel/yama/ptrace_scope";
        return File.Exists(Path) && int.TryParse(File.ReadAllText(Path).AsSpan().Trim(), out int scope) ? scope : 0;
    }

    private static bool IsReadable(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
