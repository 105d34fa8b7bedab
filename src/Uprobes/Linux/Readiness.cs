using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

/// <summary>Waits for descriptors (poll(2)).</summary>
internal static class Readiness
{
    /// <summary>
    /// Waits until one of two descriptors is readable, the time is over, or a signal interrupts the wait. Which of them
    /// it was does not matter to callers, which look at both.
    /// </summary>
    /// <param name="first">A descriptor that stays open during the call.</param>
    /// <param name="second">Another one.</param>
    /// <param name="timeout">At most this long, to whole milliseconds rounded up; null for ever.</param>
    internal static unsafe void WaitForEither(SafeFileHandle first, SafeFileHandle second, TimeSpan? timeout)
    {
        int milliseconds = timeout is { } time ? (int)Math.Clamp(Math.Ceiling(time.TotalMilliseconds), 0, int.MaxValue) : -1;
        LibC.PollDescriptor* descriptors = stackalloc LibC.PollDescriptor[2];
        descriptors[0] = new() { Descriptor = (int)first.DangerousGetHandle(), Events = LibC.POLLIN };
        descriptors[1] = new() { Descriptor = (int)second.DangerousGetHandle(), Events = LibC.POLLIN };

        // SAFETY: two descriptors are passed and counted; the caller keeps both open.
        if (LibC.poll(descriptors, 2, milliseconds) < 0 && Marshal.GetLastPInvokeError() is int error && error != Errno.EINTR)
        {
            throw new SyscallException("poll", error);
        }
    }

    /// <summary>Whether a descriptor is readable, now or before the time is over.</summary>
    /// <param name="handle">A descriptor that stays open during the call.</param>
    /// <param name="timeout">At most this long, to whole milliseconds rounded up.</param>
    internal static unsafe bool IsReadable(SafeFileHandle handle, TimeSpan timeout)
    {
        LibC.PollDescriptor descriptor = new() { Descriptor = (int)handle.DangerousGetHandle(), Events = LibC.POLLIN };

        // SAFETY: one descriptor is passed and counted; the caller keeps it open.
        int ready = LibC.poll(&descriptor, 1, (int)Math.Ceiling(timeout.TotalMilliseconds));
        if (ready < 0 && Marshal.GetLastPInvokeError() is int error && error != Errno.EINTR)
            throw new SyscallException("poll", error);
        return ready > 0;
    }

    /// <summary>Waits until a descriptor takes bytes, or a signal interrupts the wait; callers try again and see.</summary>
    /// <param name="handle">A descriptor that stays open during the call.</param>
    internal static unsafe void WaitUntilWritable(SafeFileHandle handle)
    {
        LibC.PollDescriptor descriptor = new() { Descriptor = (int)handle.DangerousGetHandle(), Events = LibC.POLLOUT };

        // SAFETY: one descriptor is passed and counted; the caller keeps it open.
        if (LibC.poll(&descriptor, 1, -1) < 0 && Marshal.GetLastPInvokeError() is int error && error != Errno.EINTR)
        {
            throw new SyscallException("poll", error);
        }
    }
}
