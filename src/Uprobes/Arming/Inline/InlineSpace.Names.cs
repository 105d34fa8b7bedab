using Uprobes.Channels;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>What threads are called in the channels.</summary>
internal sealed partial class InlineSpace
{
    /// <summary>
    /// A new thread begins. Its record is found by its FS base, which may have been that of a thread that has ended: from now on
    /// what is written there is the new one's.
    /// </summary>
    /// <param name="threadId">In the tracer's view.</param>
    /// <param name="fsBase">The thread's.</param>
    internal void NameThread(int threadId, ulong fsBase)
    {
        int own = ThreadStatus.TryRead(threadId)?.OwnThreadId ?? threadId;
        foreach (ProgramSpace program in _programs.Values)
            ChannelThreads.ThreadStarted(program.Memory, fsBase, own);
    }
}
