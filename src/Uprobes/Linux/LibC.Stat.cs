using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.Linux;

/// <summary>sys/stat.h</summary>
internal static partial class LibC
{
    /// <summary><c>struct stat</c> of x86-64 (bits/struct_stat.h): 144 bytes, of which these are read.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 144)]
    internal struct StatBuffer
    {
        [FieldOffset(0)] public ulong Device;
        [FieldOffset(8)] public ulong Inode;
        [FieldOffset(24)] public uint Mode;
        [FieldOffset(28)] public uint UserId;
        [FieldOffset(48)] public long Size;
        [FieldOffset(88)] public long ModifiedSeconds;
        [FieldOffset(96)] public long ModifiedNanoseconds;
    }

    /// <summary>stat(2) by path, following symbolic links.</summary>
    [LibraryImport("libc", EntryPoint = "stat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int StatPath(string path, out StatBuffer status);

    /// <summary>fstat(2).</summary>
    [LibraryImport("libc", EntryPoint = "fstat", SetLastError = true)]
    internal static partial int StatHandle(SafeFileHandle handle, out StatBuffer status);
}
