using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Uprobes.Linux;

namespace Uprobes.LiveTests.Life;

/// <summary>What these tests ask of the kernel themselves.</summary>
internal static partial class LifeNative
{
    internal const int PTRACE_CONT = 7, PTRACE_DETACH = 17, PTRACE_SEIZE = 0x4206;
    internal const int PTRACE_O_TRACEEXEC = 0x10, __WNOTHREAD = 0x20000000;

    private const short PollIn = 1;

    /// <summary>Waits until a process has ended.</summary>
    internal static void WaitForEnd(SafeFileHandle process, TimeSpan deadline)
    {
        var poll = new PollDescriptor { Descriptor = (int)process.DangerousGetHandle(), Events = PollIn };
        int result;
        do
            result = Poll(ref poll, 1, (int)deadline.TotalMilliseconds);
        while (result < 0 && Marshal.GetLastPInvokeError() == Errno.EINTR);
        Assert.Equal(1, result);
    }

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint ptrace(nint request, nint processId, nint address, nint data);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int waitpid(int processId, out int status, int options);

    [LibraryImport("libc", SetLastError = true)]
    internal static partial int kill(int processId, int signal);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollDescriptor descriptor, nuint count, int timeoutMilliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events, Result;
    }
}
