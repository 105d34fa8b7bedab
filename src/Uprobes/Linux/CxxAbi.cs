using System.Runtime.InteropServices;
using System.Text;

namespace Uprobes.Linux;

/// <summary>
/// The C++ run-time library of this machine, where there is one: <c>__cxa_demangle</c> of the Itanium C++ ABI.
/// Thread-safe; the library is looked for once and stays loaded.
/// </summary>
internal static unsafe class CxxAbi
{
    private static readonly delegate* unmanaged<byte*, byte*, nuint*, int*, byte*> Function = Load();

    /// <summary>Whether C++ names can be demangled on this machine.</summary>
    public static bool IsAvailable => Function != null;

    /// <summary>The source form of a mangled C++ name.</summary>
    /// <param name="mangled">A name that starts with <c>_Z</c>.</param>
    /// <returns>The demangled name, or null where the library is missing or does not accept the name.</returns>
    public static string? TryDemangle(string mangled)
    {
        if (Function == null || mangled.Contains('\0', StringComparison.Ordinal))
            return null;
        int size = Encoding.UTF8.GetMaxByteCount(mangled.Length) + 1;
        byte[]? rented = size > 512 ? new byte[size] : null;
        Span<byte> text = rented ?? stackalloc byte[512];
        text[Encoding.UTF8.GetBytes(mangled, text)] = 0;
        int status = 0;
        // SAFETY: the text ends in NUL and stays pinned for the call; the result is ours to free with free(3).
        fixed (byte* name = text)
        {
            byte* result = Function(name, null, null, &status);
            if (result == null)
                return null;
            string? demangled = status == 0 ? Marshal.PtrToStringUTF8((nint)result) : null;
            NativeMemory.Free(result);
            return demangled;
        }
    }

    private static delegate* unmanaged<byte*, byte*, nuint*, int*, byte*> Load()
    {
        foreach (string name in (ReadOnlySpan<string>)["libstdc++.so.6", "libc++abi.so.1"])
        {
            if (NativeLibrary.TryLoad(name, out nint library) && NativeLibrary.TryGetExport(library, "__cxa_demangle", out nint address))
                return (delegate* unmanaged<byte*, byte*, nuint*, int*, byte*>)address;
        }
        return null;
    }
}
