using System.Runtime.InteropServices;

namespace Uprobes.LiveTests.Kit;

/// <summary>
/// What the kit itself needs of the C library. It is apart from the library under test on purpose: a target is started and
/// judged without the code that is being judged.
/// </summary>
internal static unsafe partial class Native
{
    private const string C = "libc";

    public const int O_CLOEXEC = 0x80000;
    public const short POLLIN = 1, POLLHUP = 0x10;
    public const int WNOHANG = 1;
    public const int EINTR = 4, ECHILD = 10;

    /// <summary>Sizes that hold glibc's and musl's opaque types with room to spare (spawn.h).</summary>
    public const int SpawnActionsSize = 512, SpawnAttributesSize = 1024, SignalSetSize = 128;

    public const short POSIX_SPAWN_SETPGROUP = 2, POSIX_SPAWN_SETSIGDEF = 4, POSIX_SPAWN_SETSIGMASK = 8;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollDescriptor
    {
        public int Descriptor;
        public short Events, Returned;
    }

    /// <summary>struct pidfd_info of linux/pidfd.h, first published size (64 bytes).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PidInfo
    {
        public ulong Mask, CgroupId;
        public uint Pid, ThreadGroup, Parent, Uid, Gid, EffectiveUid, EffectiveGid, SavedUid, SavedGid, FileUid, FileGid;
        public int ExitCode;
    }

    public const ulong PIDFD_INFO_EXIT = 1 << 3;

    /// <summary>_IOWR(0xFF, 11, struct pidfd_info)</summary>
    public const nuint PIDFD_GET_INFO = 0xC040FF0B;

    [LibraryImport(C, EntryPoint = "pipe2", SetLastError = true)]
    public static partial int Pipe(int* ends, int flags);

    [LibraryImport(C, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport(C, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int descriptor, byte* buffer, nuint size);

    [LibraryImport(C, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int descriptor, byte* buffer, nuint size);

    [LibraryImport(C, EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollDescriptor* descriptors, nuint count, int milliseconds);

    [LibraryImport(C, EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int pid, int signal);

    [LibraryImport(C, EntryPoint = "waitpid", SetLastError = true)]
    public static partial int WaitPid(int pid, int* status, int options);

    /// <summary>pidfd_open(2): number 434 on every architecture.</summary>
    [LibraryImport(C, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint SystemCall(nint number, nint first, nint second);

    [LibraryImport(C, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int GetPidInfo(int descriptor, nuint request, PidInfo* info);

    [LibraryImport(C, EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    [LibraryImport(C, EntryPoint = "posix_spawnp", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Spawn(out int pid, string file, void* actions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport(C, EntryPoint = "posix_spawn_file_actions_init")]
    public static partial int InitActions(void* actions);

    [LibraryImport(C, EntryPoint = "posix_spawn_file_actions_adddup2")]
    public static partial int AddDuplicate(void* actions, int from, int to);

    [LibraryImport(C, EntryPoint = "posix_spawn_file_actions_addchdir_np", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int AddChangeFolder(void* actions, string path);

    [LibraryImport(C, EntryPoint = "posix_spawn_file_actions_addclosefrom_np")]
    public static partial int AddCloseFrom(void* actions, int first);

    [LibraryImport(C, EntryPoint = "posix_spawn_file_actions_destroy")]
    public static partial int DestroyActions(void* actions);

    [LibraryImport(C, EntryPoint = "posix_spawnattr_init")]
    public static partial int InitAttributes(void* attributes);

    [LibraryImport(C, EntryPoint = "posix_spawnattr_setflags")]
    public static partial int SetFlags(void* attributes, short flags);

    [LibraryImport(C, EntryPoint = "posix_spawnattr_setpgroup")]
    public static partial int SetGroup(void* attributes, int group);

    [LibraryImport(C, EntryPoint = "posix_spawnattr_setsigdefault")]
    public static partial int SetDefaultSignals(void* attributes, void* set);

    [LibraryImport(C, EntryPoint = "posix_spawnattr_setsigmask")]
    public static partial int SetMask(void* attributes, void* set);

    [LibraryImport(C, EntryPoint = "posix_spawnattr_destroy")]
    public static partial int DestroyAttributes(void* attributes);

    [LibraryImport(C, EntryPoint = "sigemptyset")]
    public static partial int EmptySet(void* set);
}
