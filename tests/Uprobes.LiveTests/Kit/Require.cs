namespace Uprobes.LiveTests.Kit;

/// <summary>What a test needs of the machine. Where it is missing the test is skipped, with a reason that ./test counts and prints.</summary>
public static class Require
{
    public static bool IsRoot => Native.EffectiveUser() == 0;

    public static void Root() => Assert.SkipUnless(IsRoot, "needs root");

    public static void NotRoot() => Assert.SkipWhen(IsRoot, "needs to run as an ordinary user");

    /// <summary>Needs root (to become somebody else), setpriv, and a checkout that others may read.</summary>
    public static void OtherUser()
    {
        Root();
        Program("setpriv");
        for (DirectoryInfo? folder = new(Checkout.Root); folder is not null; folder = folder.Parent)
        {
            if (!folder.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
                Assert.Skip($"needs a checkout that other users can read; {folder.FullName} is closed to them");
        }
    }

    /// <summary>Needs a program in PATH; returns its path.</summary>
    public static string Program(string name)
    {
        string? found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => System.IO.Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        if (found is null)
            Assert.Skip($"needs the program {name}");
        return found;
    }

    /// <summary>Needs a file that a Debian package brings, for example <c>/usr/bin/python3</c>; returns its path.</summary>
    public static string InstalledFile(string path)
    {
        Assert.SkipUnless(File.Exists(path), $"needs {path}");
        return path;
    }
}
