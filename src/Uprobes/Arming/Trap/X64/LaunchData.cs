using System.Text;
using Uprobes.Linux;

namespace Uprobes.Arming.Trap.X64;

/// <summary>Writes a request's strings and pointer vectors into the block that the child reads.</summary>
internal sealed class LaunchData
{
    private readonly byte[] _path;
    private readonly byte[]? _directory;
    private readonly IReadOnlyList<byte[]> _arguments, _environment;

    /// <summary>Encodes the request's strings.</summary>
    /// <exception cref="ArgumentException">A string holds a NUL, or the argument vector is empty.</exception>
    internal LaunchData(LaunchRequest request)
    {
        if (request.Arguments.Count == 0)
            throw new ArgumentException("the argument vector must hold the program's name at least", nameof(request));
        _path = Encode(request.WorkingDirectory is null ? request.Path : System.IO.Path.GetFullPath(request.Path));
        _directory = request.WorkingDirectory is null ? null : Encode(request.WorkingDirectory);
        _arguments = [.. request.Arguments.Select(Encode)];
        _environment = request.Environment is null ? OwnEnvironment.Read() : [.. request.Environment.Select(Encode)];
    }

    /// <summary>Bytes of data that the block needs.</summary>
    internal int Size => checked(LauncherCode.Strings + 8 * (_arguments.Count + 1 + _environment.Count + 1)
        + _path.Length + 1 + (_directory?.Length + 1 ?? 0) + _arguments.Sum(s => s.Length + 1) + _environment.Sum(s => s.Length + 1));

    /// <summary>Writes all of it. The block has the same address in the child, so pointers into it hold there.</summary>
    internal unsafe void WriteTo(AnonymousMapping block)
    {
        // SAFETY: the block was made for Size bytes of data, and what follows writes exactly so many.
        byte* data = (byte*)BareProcess.DataOf(block);
        byte** vectors = (byte**)(data + LauncherCode.Strings);
        byte* strings = (byte*)(vectors + _arguments.Count + 1 + _environment.Count + 1);
        *(byte**)(data + LauncherCode.Path) = Append(_path, ref strings);
        *(byte**)(data + LauncherCode.Directory) = _directory is null ? null : Append(_directory, ref strings);
        *(byte***)(data + LauncherCode.ArgumentVector) = AppendVector(_arguments, ref vectors, ref strings);
        *(byte***)(data + LauncherCode.EnvironmentVector) = AppendVector(_environment, ref vectors, ref strings);
    }

    private static unsafe byte** AppendVector(IReadOnlyList<byte[]> items, ref byte** vectors, ref byte* strings)
    {
        byte** vector = vectors;
        foreach (byte[] item in items)
            *vectors++ = Append(item, ref strings);
        *vectors++ = null;
        return vector;
    }

    private static unsafe byte* Append(byte[] text, ref byte* strings)
    {
        byte* start = strings;
        text.CopyTo(new Span<byte>(start, text.Length));
        start[text.Length] = 0;
        strings = start + text.Length + 1;
        return start;
    }

    private static byte[] Encode(string text) => text.Contains('\0', StringComparison.Ordinal)
        ? throw new ArgumentException($"\"{text.Replace("\0", "\\0", StringComparison.Ordinal)}\" holds a NUL", nameof(text))
        : Encoding.UTF8.GetBytes(text);
}
