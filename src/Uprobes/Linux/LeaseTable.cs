namespace Uprobes.Linux;

/// <summary>What the kernel's list of locks says about the leases on one file.</summary>
/// <param name="Leases">How many leases stand on it, ours among them.</param>
/// <param name="Writers">How many writers wait for one of them in open(2) or truncate(2).</param>
internal readonly record struct LeaseTable(int Leases, int Writers)
{
    /// <summary>Reads the list for one file; null where a sandbox hides it.</summary>
    /// <param name="file">See <see cref="Parse"/>.</param>
    internal static LeaseTable? TryRead(string file)
    {
        try
        {
            return Parse(File.ReadLines("/proc/locks"), file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The caller goes by the clock then.
            return null;
        }
    }

    /// <summary>
    /// Reads <c>/proc/locks</c> text (fs/locks.c, <c>lock_get_status</c>): a lease is
    /// <c>N: LEASE STATE TYPE PID DEVICE:INODE 0 EOF</c>, and those who wait for it follow as <c>N: -&gt; LEASE BREAKER ...</c>.
    /// </summary>
    /// <param name="text">The text, line by line.</param>
    /// <param name="file">The file as the kernel writes it there, <c>major:minor:inode</c>; see <see cref="FileLease.TableKey"/>.</param>
    internal static LeaseTable Parse(IEnumerable<string> text, string file)
    {
        int leases = 0, writers = 0;
        bool inside = false;
        foreach (string line in text)
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is [_, "->", ..])
            {
                writers += inside ? 1 : 0;
                continue;
            }

            inside = words is [_, "LEASE", _, _, _, string key, ..] && key == file;
            leases += inside ? 1 : 0;
        }

        return new LeaseTable(leases, writers);
    }
}
