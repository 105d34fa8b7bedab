using System.Runtime.InteropServices;

namespace Uprobes.LiveTests.Host;

/// <summary>Tracing in its plainest form, independent of the library's own.</summary>
internal static partial class HostNative
{
    internal const int PTRACE_SEIZE = 0x4206;

    [LibraryImport("libc", SetLastError = true)]
    internal static partial nint ptrace(nint request, nint processId, nint address, nint data);
}
