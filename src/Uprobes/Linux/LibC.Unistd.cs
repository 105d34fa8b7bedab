using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

internal static partial class LibC
{
    [LibraryImport("libc", SetLastError = true)]
    internal static unsafe partial nint read(SafeFileHandle file, void* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    internal static unsafe partial nint write(SafeFileHandle file, void* buffer, nuint count);

    /// <summary>The calling thread's kernel identifier. Never fails.</summary>
    [LibraryImport("libc")]
    internal static partial int gettid();
}
