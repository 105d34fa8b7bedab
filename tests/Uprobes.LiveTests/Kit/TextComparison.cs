using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Uprobes.LiveTests.Kit;

/// <summary>Compares all executable memory of a process that comes from files with those files, byte for byte.</summary>
public static class TextComparison
{
    /// <summary>The differences, in the order of addresses; at most <paramref name="most"/> of them.</summary>
    /// <remarks>Files are opened by /proc/PID/map_files where that is allowed, so that a replaced file is not mistaken for the mapped one.</remarks>
    public static IReadOnlyList<TextDifference> Compare(int pid, int most = 100)
    {
        List<TextDifference> differences = [];
        using SafeFileHandle memory = File.OpenHandle($"/proc/{pid}/mem");
        foreach (string line in File.ReadAllLines($"/proc/{pid}/maps"))
        {
            string[] fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 6 || fields[1][2] != 'x' || fields[4] == "0")
                continue;
            using SafeFileHandle? file = Open(pid, fields[0], fields[5].Trim());
            if (file is null)
                continue;
            Compare(memory, file, fields, differences, most);
        }

        return differences;
    }

    /// <summary>Fails with the differences, if there are any.</summary>
    public static void AssertSame(int pid)
    {
        IReadOnlyList<TextDifference> differences = Compare(pid);
        Assert.True(differences.Count == 0, $"The text of process {pid} differs from its files:\n{string.Join('\n', differences)}");
    }

    private static void Compare(SafeFileHandle memory, SafeFileHandle file, string[] fields, List<TextDifference> differences, int most)
    {
        string[] range = fields[0].Split('-');
        long low = long.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        long high = long.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        long offset = long.Parse(fields[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        byte[] inFile = new byte[high - low], inMemory = new byte[high - low];
        int known = ReadAll(file, inFile, offset);
        // Past the end of the file the rest of its last page is zeros, and whole pages cannot be read at all.
        int readable = Math.Min(inFile.Length, (known + 4095) & ~4095);
        int got = ReadAll(memory, inMemory.AsSpan(0, readable), low);
        if (got < readable)
            throw new IOException($"{fields[5].Trim()} at {low:x}: only {got} of {readable} bytes could be read");
        for (int at = 0; differences.Count < most; at++)
        {
            int same = inFile.AsSpan(at, readable - at).CommonPrefixLength(inMemory.AsSpan(at, readable - at));
            at += same;
            if (at >= readable)
                break;
            differences.Add(new((ulong)(low + at), fields[5].Trim(), offset + at, inFile[at], inMemory[at]));
        }
    }

    private static SafeFileHandle? Open(int pid, string range, string path)
    {
        try
        {
            return File.OpenHandle($"/proc/{pid}/map_files/{Trimmed(range)}");
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            // An ordinary user may not open map_files: the path must do, unless the file was deleted or replaced.
            string rooted = $"/proc/{pid}/root{path}";
            return File.Exists(rooted) ? File.OpenHandle(rooted) : null;
        }
    }

    /// <summary>The kernel pads addresses in maps to eight digits, and does not in map_files.</summary>
    private static string Trimmed(string range) => string.Join('-', range.Split('-').Select(a => a.TrimStart('0')));

    private static int ReadAll(SafeFileHandle file, Span<byte> buffer, long offset)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            int got = RandomAccess.Read(file, buffer[done..], offset + done);
            if (got <= 0)
                break;
            done += got;
        }

        return done;
    }
}
