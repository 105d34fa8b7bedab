using System.Runtime.InteropServices;

namespace Uprobes.Linux;

internal static partial class LibC
{
#pragma warning disable CS1591 // The constants of those names in poll.h.
    internal const short POLLIN = 1, POLLOUT = 4;
#pragma warning restore CS1591

    /// <summary><c>struct pollfd</c> of <c>poll.h</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct PollDescriptor
    {
        internal int Descriptor;
        internal short Events, Returned;
    }

    [LibraryImport("libc", SetLastError = true)]
    internal static unsafe partial int poll(PollDescriptor* descriptors, ulong count, int timeoutMilliseconds);
}
