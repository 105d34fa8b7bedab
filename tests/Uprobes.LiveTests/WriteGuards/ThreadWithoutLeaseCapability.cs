using System.Runtime.InteropServices;

namespace Uprobes.LiveTests.WriteGuards;

/// <summary>Runs code on a thread of its own that has given up CAP_LEASE, as every thread of an unprivileged user.</summary>
internal static partial class ThreadWithoutLeaseCapability
{
    private const int LeaseCapability = 28;

    internal static T Run<T>(Func<T> code)
    {
        T? result = default;
        var thread = new Thread(() =>
        {
            GiveUp();
            result = code();
        });
        thread.Start();
        thread.Join();
        return result!;
    }

    // capset(2): the capabilities are those of the calling thread alone.
    private static unsafe void GiveUp()
    {
        uint* header = stackalloc uint[2] { 0x20080522, 0 };

        // Two of struct __user_cap_data_struct: effective, permitted, inheritable, of capabilities 0-31 and 32-63.
        uint* data = stackalloc uint[6];

        // SAFETY: both buffers have the sizes of version 3 of the interface.
        Assert.Equal(0, capget(header, data));
        data[0] &= ~(1u << LeaseCapability);
        Assert.Equal(0, capset(header, data));
    }

    [LibraryImport("libc")]
    private static unsafe partial int capget(uint* header, uint* data);

    [LibraryImport("libc")]
    private static unsafe partial int capset(uint* header, uint* data);
}
