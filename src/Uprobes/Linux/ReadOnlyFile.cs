using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

/// <summary>
/// Opens files for reading exactly as the kernel resolves their path. System.IO would normalise <c>..</c> before
/// symbolic links are followed, block on a FIFO, and may take an advisory lock that the file's users could notice.
/// </summary>
internal static class ReadOnlyFile
{
    private const int NoControllingTerminal = 0x100, NonBlocking = 0x800, CloseOnExec = 0x80000;

    /// <summary>open(2) with O_RDONLY, O_CLOEXEC, O_NOCTTY and O_NONBLOCK.</summary>
    /// <param name="path">The file.</param>
    /// <param name="error">0, or the errno value of the refusal.</param>
    /// <returns>The open file, owned by the caller, or null.</returns>
    public static SafeFileHandle? TryOpen(string path, out int error)
    {
        int descriptor;
        do
        {
            descriptor = LibC.OpenExisting(path, NoControllingTerminal | NonBlocking | CloseOnExec);
            error = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (error == Errno.EINTR);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }
}
