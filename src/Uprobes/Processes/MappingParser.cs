using System.Buffers.Text;
using System.Text;
using Uprobes.Linux;

namespace Uprobes.Processes;

/// <summary>Parses <c>/proc/PID/maps</c> (proc(5); the path is escaped as fs/seq_file.c does: a newline is <c>\012</c>).</summary>
internal static class MappingParser
{
    private static readonly byte[] DeletedMark = " (deleted)"u8.ToArray();

    /// <summary>The mappings of the process that a live thread belongs to, ascending. Empty when it is gone.</summary>
    internal static List<Mapping> ReadProcess(int tid)
    {
        // Unreadable where the process ended between the scan and the read. One that has made itself not dumpable hides its mappings from
        // an ordinary user.
        return ProcFile.ReadAll($"/proc/{tid}/maps") is { } text ? Parse(text) : [];
    }

    internal static List<Mapping> Parse(ReadOnlySpan<byte> text)
    {
        List<Mapping> mappings = [];
        while (!text.IsEmpty)
        {
            int end = text.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? text : text[..end];
            text = end < 0 ? default : text[(end + 1)..];
            if (TryParseLine(line, out Mapping mapping))
                mappings.Add(mapping);
        }

        return mappings;
    }

    /// <summary>One line, for example <c>7f00-7f10 r-xp 00001000 fe:01 42    /usr/lib/x.so</c>.</summary>
    internal static bool TryParseLine(ReadOnlySpan<byte> line, out Mapping mapping)
    {
        mapping = default;
        if (!TryTakeHex(ref line, (byte)'-', out ulong start) || !TryTakeHex(ref line, (byte)' ', out ulong end) || line.Length < 5)
            return false;
        MappingPermissions permissions =
            (line[0] == 'r' ? MappingPermissions.Read : 0) | (line[1] == 'w' ? MappingPermissions.Write : 0)
            | (line[2] == 'x' ? MappingPermissions.Execute : 0) | (line[3] == 's' ? MappingPermissions.Shared : 0);
        line = line[5..];
        if (!TryTakeHex(ref line, (byte)' ', out ulong offset) || !TryTakeHex(ref line, (byte)':', out ulong major)
            || !TryTakeHex(ref line, (byte)' ', out ulong minor) || !Utf8Parser.TryParse(line, out ulong inode, out int digits))
            return false;
        ReadOnlySpan<byte> path = line[digits..].TrimStart((byte)' ');
        bool deleted = inode != 0 && path.EndsWith(DeletedMark);
        if (deleted)
            path = path[..^DeletedMark.Length];
        mapping = new Mapping(start, end, permissions, offset, (major << 32) | minor, inode, Unescape(path), deleted);
        return end > start;
    }

    private static bool TryTakeHex(ref ReadOnlySpan<byte> line, byte terminator, out ulong value)
    {
        if (!Utf8Parser.TryParse(line, out value, out int digits, 'x') || digits >= line.Length || line[digits] != terminator)
            return false;
        line = line[(digits + 1)..];
        return true;
    }

    private static string Unescape(ReadOnlySpan<byte> path)
    {
        int escape = path.IndexOf("\\012"u8);
        if (escape < 0)
            return Encoding.UTF8.GetString(path);
        return Encoding.UTF8.GetString(path).Replace("\\012", "\n", StringComparison.Ordinal);
    }
}
