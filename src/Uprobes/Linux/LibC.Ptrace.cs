using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>The C library's functions, one file per header; used by the wrappers of this layer only.</summary>
internal static partial class LibC
{
    [LibraryImport("libc", EntryPoint = "ptrace", SetLastError = true)]
    internal static partial nint ptrace(nint request, nint pid, nint addr, nint data);
}
