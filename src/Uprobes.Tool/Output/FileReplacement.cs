using Uprobes.Linux;
using Uprobes.Tool.Messages;

namespace Uprobes.Tool.Output;

/// <summary>
/// A file whose contents are replaced at once or not at all: they are written beside it, and then take its name. That it can be done is found out at
/// the beginning, before there is anything to lose.
/// </summary>
internal sealed class FileReplacement
{
    private readonly string _path;

    // What is no regular file, such as /dev/stdout or a pipe, is written to: its name must stay what it is.
    private readonly bool _isWrittenInPlace;

    private FileReplacement(string path, bool isWrittenInPlace) => (_path, _isWrittenInPlace) = (path, isWrittenInPlace);

    /// <summary>Finds out whether a file can be written, and leaves it as it is.</summary>
    /// <exception cref="ToolException">It cannot.</exception>
    public static FileReplacement Of(string path)
    {
        try
        {
            // Before links are followed by their texts: that of /dev/stdout may name a pipe, which no path leads to.
            if (FileStatus.TryOf(path, out var itself, out _) && !itself.IsRegular && !itself.IsDirectory)
                return new FileReplacement(path, isWrittenInPlace: true);
            var named = new FileInfo(path);
            var target = named.LinkTarget is null ? named.FullName : named.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
            var exists = FileStatus.TryOf(target, out var status, out _);
            if (exists && status.IsDirectory)
                throw new ToolException($"cannot write {path}: it is a directory", "give the name of a file: -o out.svg");
            if (exists && !status.IsRegular)
                return new FileReplacement(target, isWrittenInPlace: true);
            if (exists)
                File.Open(target, FileMode.Open, FileAccess.Write, FileShare.ReadWrite).Dispose();
            var file = new FileReplacement(target, isWrittenInPlace: false);
            var beside = file.Beside();
            File.Open(beside, FileMode.CreateNew, FileAccess.Write).Dispose();
            File.Delete(beside);
            return file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ToolException($"cannot write {path}: {e.Message}", "give another file with -o", inner: e);
        }
    }

    /// <summary>Writes the contents.</summary>
    /// <exception cref="ToolException">They could not be written; the file is what it was.</exception>
    public void Write(ReadOnlySpan<byte> contents)
    {
        var path = _isWrittenInPlace ? _path : Beside();
        try
        {
            using (var file = new FileStream(path, _isWrittenInPlace ? FileMode.Open : FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0))
                file.Write(contents);
            if (!_isWrittenInPlace && !OperatingSystem.IsWindows() && File.Exists(_path))
                File.SetUnixFileMode(path, File.GetUnixFileMode(_path));
            if (!_isWrittenInPlace)
                File.Move(path, _path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_isWrittenInPlace)
                File.Delete(path);
            throw new ToolException($"cannot write {_path}: {e.Message}", inner: e);
        }
    }

    private string Beside() => Path.Combine(Path.GetDirectoryName(_path)!, $".{Path.GetFileName(_path)}.{Environment.ProcessId}.{Path.GetRandomFileName()}");
}
