using Microsoft.Win32.SafeHandles;
using Uprobes.Images;
using Uprobes.Linux;

namespace Uprobes.LiveTests.WriteGuards;

/// <summary>A file of our own that stands for a probed image.</summary>
internal sealed class ProbedFile : IDisposable
{
    private static ulong nextInode = 1;

    internal ProbedFile()
    {
        Path = System.IO.Path.Combine(Directory.CreateTempSubdirectory("uprobes-guard-").FullName, "image");
        File.WriteAllText(Path, "original");
        Handle = OpenForReading(Path);
        Id = new ImageId(1, Interlocked.Increment(ref nextInode));
    }

    internal string Path { get; }

    internal SafeFileHandle Handle { get; }

    /// <summary>Only a name here: the guard does not look into it.</summary>
    internal ImageId Id { get; }

    internal static SafeFileHandle OpenForReading(string path)
    {
        SafeFileHandle handle = LibC.open(path, LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
        Assert.False(handle.IsInvalid);
        return handle;
    }

    /// <summary>Opens for writing without waiting; gives the error, or 0.</summary>
    internal int TryOpenForWriting()
    {
        using SafeFileHandle handle = LibC.open(Path, LibC.O_WRONLY | LibC.O_NONBLOCK | LibC.O_CLOEXEC, 0);
        return handle.IsInvalid ? System.Runtime.InteropServices.Marshal.GetLastPInvokeError() : 0;
    }

    internal string ReadText() => File.ReadAllText(Path);

    public void Dispose()
    {
        Handle.Dispose();
        Directory.Delete(System.IO.Path.GetDirectoryName(Path)!, recursive: true);
    }
}
