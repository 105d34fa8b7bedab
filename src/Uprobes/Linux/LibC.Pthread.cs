using System.Runtime.InteropServices;

namespace Uprobes.Linux;

/// <summary>Calls of <c>pthread.h</c>. They return an errno and do not set errno itself.</summary>
internal static unsafe partial class LibC
{
    internal const int PTHREAD_PROCESS_SHARED = 1, PTHREAD_MUTEX_ROBUST = 1;

    [LibraryImport("libc")]
    internal static partial int pthread_mutexattr_init(void* attributes);

    [LibraryImport("libc")]
    internal static partial int pthread_mutexattr_setpshared(void* attributes, int shared);

    [LibraryImport("libc")]
    internal static partial int pthread_mutexattr_setrobust(void* attributes, int robust);

    [LibraryImport("libc")]
    internal static partial int pthread_mutex_init(void* mutex, void* attributes);

    [LibraryImport("libc")]
    internal static partial int pthread_mutex_lock(void* mutex);

    [LibraryImport("libc")]
    internal static partial int pthread_mutex_unlock(void* mutex);
}
