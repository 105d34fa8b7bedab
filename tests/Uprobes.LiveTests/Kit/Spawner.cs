using System.Collections;
using System.Runtime.InteropServices;
using Uprobes.Linux;

namespace Uprobes.LiveTests.Kit;

/// <summary>
/// Starts a program with posix_spawn. System.Diagnostics.Process is no choice: its child watcher waits on every child it
/// started, and takes a ptrace stop of such a child for its end.
/// </summary>
internal static unsafe class Spawner
{
    /// <summary>Starts the program with default signal dispositions, nothing blocked, in a process group of its own.</summary>
    /// <returns>The process id.</returns>
    public static int Start(string path, IReadOnlyList<string> arguments, StartOptions options, int input, int output, int errors)
    {
        List<string> words = [path, .. arguments];
        if (options.User is { } user)
        {
            string id = user.ToString(System.Globalization.CultureInfo.InvariantCulture);
            words.InsertRange(0, ["/usr/bin/setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--"]);
        }

        byte* actions = stackalloc byte[Native.SpawnActionsSize];
        byte* attributes = stackalloc byte[Native.SpawnAttributesSize];
        byte* all = stackalloc byte[Native.SignalSetSize];
        byte* none = stackalloc byte[Native.SignalSetSize];
        using StringBlock argv = new(words), envp = new(Environment(options));
        Check(Native.InitActions(actions));
        Check(Native.InitAttributes(attributes));
        try
        {
            Check(Native.AddDuplicate(actions, input, 0));
            Check(Native.AddDuplicate(actions, output, 1));
            Check(Native.AddDuplicate(actions, errors, 2));
            // Nothing that whoever started the tests left open: a target's descriptors are the same everywhere.
            Check(Native.AddCloseFrom(actions, 3));
            if (options.Folder is { } folder)
                Check(Native.AddChangeFolder(actions, folder));
            // .NET ignores SIGPIPE and handles others; a target starts like a program that a shell starts.
            // All bits, not sigfillset: that leaves out the two that glibc uses itself, which would start ignored.
            new Span<byte>(all, Native.SignalSetSize).Fill(0xff);
            Check(Native.EmptySet(none));
            Check(Native.SetDefaultSignals(attributes, all));
            Check(Native.SetMask(attributes, none));
            Check(Native.SetGroup(attributes, 0));
            Check(Native.SetFlags(attributes,
                Native.POSIX_SPAWN_SETPGROUP | Native.POSIX_SPAWN_SETSIGDEF | Native.POSIX_SPAWN_SETSIGMASK));
            int error = Native.Spawn(out int pid, words[0], actions, attributes, argv.Pointers, envp.Pointers);
            return error == 0 ? pid : throw new SyscallException($"start {string.Join(' ', words)}", error);
        }
        finally
        {
            Check(Native.DestroyActions(actions));
            Check(Native.DestroyAttributes(attributes));
        }
    }

    private static List<string> Environment(StartOptions options)
    {
        SortedDictionary<string, string> variables = new(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
            variables[(string)entry.Key] = (string?)entry.Value ?? "";
        foreach ((string name, string? value) in options.Environment)
        {
            if (value is null)
                variables.Remove(name);
            else
                variables[name] = value;
        }

        return [.. variables.Select(v => $"{v.Key}={v.Value}")];
    }

    private static void Check(int error)
    {
        if (error != 0)
            throw new SyscallException("prepare posix_spawn", error);
    }

    /// <summary>A null-terminated array of C strings in unmanaged memory.</summary>
    private sealed class StringBlock : IDisposable
    {
        private readonly int count;

        public StringBlock(IReadOnlyList<string> strings)
        {
            count = strings.Count;
            Pointers = (byte**)NativeMemory.AllocZeroed((nuint)count + 1, (nuint)sizeof(byte*));
            for (int i = 0; i < count; i++)
                Pointers[i] = (byte*)Marshal.StringToCoTaskMemUTF8(strings[i]);
        }

        public byte** Pointers { get; }

        public void Dispose()
        {
            for (int i = 0; i < count; i++)
                Marshal.FreeCoTaskMem((nint)Pointers[i]);
            NativeMemory.Free(Pointers);
        }
    }
}
