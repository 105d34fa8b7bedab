using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

/// <summary>Wakes a thread that waits in poll(2) (eventfd(2)). Any thread may set it; the waiting one resets it.</summary>
internal sealed class WakeEvent : IDisposable
{
    private WakeEvent(SafeFileHandle descriptor) => Descriptor = descriptor;

    /// <summary>Readable while the event is set.</summary>
    internal SafeFileHandle Descriptor { get; }

    /// <summary>Opens an event that is not set.</summary>
    /// <exception cref="SyscallException">No descriptor was to be had.</exception>
    internal static WakeEvent Create()
    {
        SafeFileHandle descriptor = LibC.eventfd(0, LibC.EFD_NONBLOCK | LibC.EFD_CLOEXEC);
        if (descriptor.IsInvalid)
        {
            int error = Marshal.GetLastPInvokeError();
            descriptor.Dispose();
            throw new SyscallException("eventfd", error);
        }

        return new WakeEvent(descriptor);
    }

    /// <summary>Sets the event; setting it twice is setting it once.</summary>
    internal unsafe void Set()
    {
        ulong one = 1;

        // SAFETY: eventfd reads exactly 8 bytes. EAGAIN means that the counter is full, so the event is set.
        while (LibC.write(Descriptor, &one, sizeof(ulong)) < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error == Errno.EAGAIN)
            {
                return;
            }

            if (error != Errno.EINTR)
            {
                throw new SyscallException("write eventfd", error);
            }
        }
    }

    /// <summary>Resets the event if it is set.</summary>
    internal unsafe void Reset()
    {
        ulong count;

        // SAFETY: eventfd writes exactly 8 bytes. EAGAIN means that it was not set.
        while (LibC.read(Descriptor, &count, sizeof(ulong)) < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error == Errno.EAGAIN)
            {
                return;
            }

            if (error != Errno.EINTR)
            {
                throw new SyscallException("read eventfd", error);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();
}
