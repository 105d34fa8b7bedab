using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>Which processors the calling thread may use (sched_setaffinity(2)).</summary>
internal static unsafe class Scheduling
{
    /// <summary>Room for 8,192 processors, the kernel's largest configuration.</summary>
    internal const int MaskBytes = 1024;

    private const int SchedOther = 0, SchedIdle = 5;

    /// <summary>The calling thread's mask, or null where the kernel does not tell.</summary>
    internal static byte[]? GetAffinity()
    {
        byte[] mask = new byte[MaskBytes];
        fixed (byte* pointer = mask)
            return LibC.sched_getaffinity(0, MaskBytes, pointer) < 0 ? null : mask;
    }

    /// <summary>Sets the calling thread's mask. A refusal is returned as errno: the caller merely runs slower.</summary>
    internal static int SetAffinity(ReadOnlySpan<byte> mask)
    {
        fixed (byte* pointer = mask)
            return LibC.sched_setaffinity(0, (nuint)mask.Length, pointer) < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>Confines the calling thread to one processor.</summary>
    internal static int SetAffinity(int processor)
    {
        Span<byte> mask = stackalloc byte[MaskBytes];
        mask.Clear();
        mask[processor >> 3] = (byte)(1 << (processor & 7));
        return SetAffinity(mask);
    }

    /// <summary>
    /// Puts the calling thread under SCHED_IDLE, or back under SCHED_OTHER (sched(7)). Leaving SCHED_IDLE takes CAP_SYS_NICE or a
    /// RLIMIT_NICE that allows the thread's nice value. Returns 0 or errno.
    /// </summary>
    internal static int SetIdlePolicy(bool idle)
    {
        int priority = 0; // struct sched_param has this one member; it must be 0 for both policies.
        return LibC.sched_setscheduler(0, idle ? SchedIdle : SchedOther, &priority) < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>Whether the calling thread is scheduled as ordinary threads are (SCHED_OTHER), so that nobody has arranged anything else for it.</summary>
    internal static bool IsOrdinary => LibC.sched_getscheduler(0) == SchedOther;

    /// <summary>Whether a thread of this process that takes SCHED_IDLE may leave it again; found out on a thread of its own.</summary>
    internal static bool CanLeaveIdlePolicy()
    {
        bool can = false;
        Thread trial = new(() => can = SetIdlePolicy(true) == 0 && SetIdlePolicy(false) == 0) { IsBackground = true, Name = "uprobes trial" };
        trial.Start();
        trial.Join();
        return can;
    }
}
