using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

/// <summary>
/// Receives a signal that the kernel sends to one thread, as data (signalfd(2)), so that no handler runs and no
/// default action is taken. The receiving thread calls <see cref="BlockOnThisThread"/> once, before anything is
/// told to signal it, and is the only one to wait and to call <see cref="Drain"/>.
/// </summary>
internal sealed class SignalMailbox : IDisposable
{
    // A real-time signal, since those queue. High in the range: the .NET runtime interrupts its threads with
    // SIGRTMIN, which must stay unblocked, and C libraries keep the lowest for themselves.
    internal const int Signal = LibC.SIGRTMAX - 5;

    private SignalMailbox(SafeFileHandle descriptor) => Descriptor = descriptor;

    /// <summary>Readable while a signal waits for the thread that polls it.</summary>
    internal SafeFileHandle Descriptor { get; }

    /// <summary>Opens the mailbox; it is bound to no thread yet.</summary>
    /// <exception cref="SyscallException">No descriptor was to be had.</exception>
    internal static unsafe SignalMailbox Create()
    {
        // SIGIO is not in this set: it could also have been sent to the whole process, and then it is the host's.
        LibC.SignalSet set = LibC.SignalSet.Of(Signal);

        // SAFETY: the set is a local that outlives the call; the kernel only reads it.
        SafeFileHandle descriptor = LibC.signalfd(-1, &set, LibC.SFD_NONBLOCK | LibC.SFD_CLOEXEC);
        if (descriptor.IsInvalid)
        {
            int error = Marshal.GetLastPInvokeError();
            descriptor.Dispose();
            throw new SyscallException("signalfd", error);
        }

        return new SignalMailbox(descriptor);
    }

    /// <summary>
    /// Blocks the signal on the calling thread, and SIGIO with it: when the user's quota of pending signals is used up,
    /// the kernel sends plain SIGIO in place of a file's chosen signal, and its default action ends the process.
    /// </summary>
    internal static unsafe void BlockOnThisThread()
    {
        LibC.SignalSet set = LibC.SignalSet.Of(Signal, LibC.SIGIO);

        // SAFETY: as above.
        int error = LibC.pthread_sigmask(LibC.SIG_BLOCK, &set, null);
        if (error != 0)
        {
            throw new SyscallException("pthread_sigmask", error);
        }
    }

    /// <summary>Takes all signals that wait for the calling thread.</summary>
    internal unsafe void Drain()
    {
        const int batch = 8;
        byte* records = stackalloc byte[batch * LibC.SignalfdRecordSize];
        while (true)
        {
            // SAFETY: the kernel writes whole records, at most as many as fit.
            nint got = LibC.read(Descriptor, records, batch * LibC.SignalfdRecordSize);
            if (got >= 0)
            {
                continue;
            }

            int error = Marshal.GetLastPInvokeError();
            if (error == Errno.EAGAIN)
            {
                return;
            }

            if (error != Errno.EINTR)
            {
                throw new SyscallException("read signalfd", error);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();
}
