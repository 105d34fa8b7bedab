using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>open(2) of fcntl.h, in the one form that reading image files needs.</summary>
internal static partial class LibC
{
    /// <summary>open(2) without a mode, which only O_CREAT reads.</summary>
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int OpenExisting(string path, int flags);
}
