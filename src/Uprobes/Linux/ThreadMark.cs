namespace Uprobes.Linux;

/// <summary>
/// A word in shared memory that says whether a certain thread lives: it holds the thread's id, and the kernel changes it and wakes
/// those that wait for it (futex(2)) as one of the first things when the thread ends, however it ends
/// (set_robust_list(2)). That is a robust mutex which the thread holds and never gives back.
/// </summary>
internal static unsafe class ThreadMark
{
    /// <summary>Room that a mark takes, a multiple of 8: more than any C library's <c>pthread_mutex_t</c>.</summary>
    internal const int Size = 64;

    private const int AttributesSize = 64;

    /// <summary>Makes a mark of the calling thread.</summary>
    /// <param name="memory">Shared memory of <see cref="Size"/> bytes, which must stay mapped until <see cref="Release"/>.</param>
    /// <returns>The word's address; 0 where the C library keeps it where it is not found. The mark is to be released all the same.</returns>
    /// <exception cref="SyscallException">The C library refused.</exception>
    internal static nint Make(nint memory)
    {
        byte* attributes = stackalloc byte[AttributesSize];
        // SAFETY: the buffers are larger than the types of glibc (4 and 40 bytes) and musl.
        int error = LibC.pthread_mutexattr_init(attributes);
        if (error == 0)
            error = LibC.pthread_mutexattr_setpshared(attributes, LibC.PTHREAD_PROCESS_SHARED);
        if (error == 0)
            error = LibC.pthread_mutexattr_setrobust(attributes, LibC.PTHREAD_MUTEX_ROBUST);
        if (error == 0)
            error = LibC.pthread_mutex_init((void*)memory, attributes);
        if (error == 0)
            error = LibC.pthread_mutex_lock((void*)memory);
        if (error != 0)
            throw new SyscallException("lock a robust mutex", error);

        // The first word in glibc, the second in musl; the kernel prescribes only what it holds.
        int self = Tasks.CurrentThreadId;
        return ((int*)memory)[0] == self ? memory : ((int*)memory)[1] == self ? memory + sizeof(int) : 0;
    }

    /// <summary>Takes the mark back. False on any thread but its own: then its memory has to stay.</summary>
    internal static bool Release(nint memory) => LibC.pthread_mutex_unlock((void*)memory) == 0;
}
