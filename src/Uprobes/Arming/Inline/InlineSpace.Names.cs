using Uprobes.Arming.Trap;
using Uprobes.Channels;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>What threads are called in the channels, where their records are found by their thread pointers (FS base).</summary>
internal sealed partial class InlineSpace
{
    internal const string OneThreadPointer = "threads that run with one thread pointer";

    /// <summary>
    /// A new thread begins. Its thread pointer may have been that of a thread that has ended: from now on what is written in that one's
    /// record is the new one's.
    /// </summary>
    /// <param name="thread">At its first stop.</param>
    /// <param name="threadPointer">The thread's.</param>
    internal void NameThread(TracedThread thread, ulong threadPointer)
    {
        int own = ThreadStatus.TryRead(thread.ThreadId)?.OwnThreadId ?? thread.ThreadId;
        NoteName(thread, threadPointer, own);
        ForChannels(memory => ChannelThreads.ThreadStarted(memory, threadPointer, own));
    }

    /// <summary>A thread has ended: its place in the channels is another's.</summary>
    internal void ForgetThread(TracedThread thread)
    {
        if (ThreadArming.Of(thread) is not { OwnThreadId: not 0 } named)
            return;
        ForChannels(memory => ChannelThreads.ThreadEnded(memory, named.ThreadPointer, named.OwnThreadId));
    }

    private void ForChannels(Action<ChannelMemory> action)
    {
        foreach (ProgramSpace program in _programs.Values)
        {
            try
            {
                action(program.Memory);
            }
            catch (ObjectDisposedException)
            {
                // Its query has gone, and its patches had to stay for the time being.
            }
        }
    }

    /// <summary>
    /// Finds new names for the records of threads that have ended while nobody was there. A C library gives the thread pointer of such a thread to a
    /// new one, and keeps the new one's id behind it (glibc nptl/descr.h, musl src/internal/pthread_impl.h).
    /// </summary>
    /// <param name="live">The ids of the threads that live, as the process sees them.</param>
    internal void RenameThreads(HashSet<int> live)
    {
        ForChannels(memory =>
        {
            foreach (ChannelThread thread in ChannelThreads.Read(memory))
            {
                if (thread.Key is not (0 or ulong.MaxValue) && !live.Contains(thread.ThreadId) && FindName(thread.Key - 1, live) is { } name)
                    ChannelThreads.ThreadStarted(memory, thread.Key - 1, name);
            }
        });
    }

    private int? FindName(ulong threadPointer, HashSet<int> live)
    {
        ReadOnlySpan<ulong> places = [0x2d0, 0x30];
        foreach (ulong place in places)
        {
            if (space.Memory.TryReadWord(new RemoteAddress(threadPointer + place), out ulong word) && live.Contains((int)word))
                return (int)word;
        }

        return null;
    }

    /// <summary>
    /// Remembers what the threads are called. Two that run with one thread pointer, as a clone without CLONE_SETTLS does, would
    /// write one record at once: no program may run in their memory.
    /// </summary>
    /// <param name="threads">Stopped.</param>
    /// <param name="known">From <see cref="ReadNames"/>.</param>
    /// <returns>Whether each has its own.</returns>
    private static bool NoteNames(List<(TracedThread Thread, UserRegisters Registers)> threads, Dictionary<TracedThread, int> known)
    {
        HashSet<ulong> pointers = [];
        foreach ((TracedThread thread, UserRegisters registers) in threads)
        {
            if (!pointers.Add(registers.FsBase))
                return false;
            if (ThreadArming.Of(thread) is { OwnThreadId: not 0 } named && named.ThreadPointer == registers.FsBase)
                continue;
            if (!known.TryGetValue(thread, out int own)) // It was born after they were read.
                own = ThreadStatus.TryRead(thread.ThreadId)?.OwnThreadId ?? thread.ThreadId;
            NoteName(thread, registers.FsBase, own);
        }

        return true;
    }

    /// <summary>What the threads call themselves that <see cref="NoteNames"/> has not seen yet; read while they run.</summary>
    private Dictionary<TracedThread, int> ReadNames()
    {
        Dictionary<TracedThread, int> names = new(ReferenceEqualityComparer.Instance);
        foreach (TracedThread thread in services.Tracer.Processes.Where(p => p.RunsIn(space)).SelectMany(p => p.Threads.Values))
        {
            if (ThreadArming.Of(thread).OwnThreadId == 0 && ThreadStatus.TryRead(thread.ThreadId) is { } status)
                names.Add(thread, status.OwnThreadId);
        }

        return names;
    }

    private static void NoteName(TracedThread thread, ulong threadPointer, int own)
    {
        ThreadArming state = ThreadArming.Of(thread);
        (state.ThreadPointer, state.OwnThreadId) = (threadPointer, own);
    }

    /// <summary>Takes all patches out and arms none from now on: the trap engine is to take their points.</summary>
    /// <returns>False where that is so already.</returns>
    internal bool GiveUp(TracedProcess process, string reason)
    {
        if (_obstacle?.Length > 0)
            return false;
        _obstacle = reason;
        RemoveAll(process);
        return true;
    }
}
