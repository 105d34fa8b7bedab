using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Uprobes.Linux;

namespace Uprobes.Arming.Trap.X64;

/// <summary>
/// A tiny process of its own that takes the traps out of every tracee's text, and gives semaphores of static probes back, as soon as
/// this process is gone, however it went. Until then it sleeps.
/// </summary>
/// <remarks>
/// Thread rule: all members are for one thread, the tracer's.
///
/// <para>It watches the thread that started it, the tracer's, by a <see cref="ThreadMark"/>, and the process. The mark changes
/// before the kernel lets go of the thread's tracees; the process is gone only when all its threads are and its memory has been
/// given back, milliseconds later. Where there is no such mark the process's end has to do.</para>
///
/// <para>It runs before all ordinary threads where the user may have that (CAP_SYS_NICE, RLIMIT_RTPRIO): it sleeps until the one
/// moment in which tens of microseconds count.</para>
///
/// <para>It shares our descriptor table (CLONE_FILES): tracees come and go, and their /proc/PID/mem is open under the
/// same number in both at once, without a word between the processes. With a copied table every later descriptor
/// would have to be passed over a socket, by code that runs without a stack. The price: when we die, our other
/// descriptors close only when the guardian is done, milliseconds later (a reader of our standard output sees the end
/// of file then), and an entry must be removed before its descriptor is closed, because its number may be given to
/// another file. Writing works with the tracer dead: permission for /proc/PID/mem is checked when it is opened, and
/// the descriptor stays bound to the memory that it was opened on, also if the tracee executes another program.</para>
///
/// <para>What it cannot do: write where the kernel allows forced writes to the attached tracer only
/// (proc_mem.force_override=ptrace or never); save a thread that hits a trap in the moment between the tracer's death
/// and the restoring write (that is what <see cref="SafetyNetCode"/> is for); survive being killed together with us
/// (a control group's or container's end).</para>
/// </remarks>
internal sealed class Guardian : IDisposable
{
    /// <summary>The most entries that can be active at once.</summary>
    internal const int MaximumEntries = 1 << 20;

    /// <summary>The most of these that can be semaphores.</summary>
    internal const int MaximumSemaphores = 1 << 16;

    /// <summary>Seconds after which it looks whether the process lives, whatever the mark says.</summary>
    private const long LookInterval = 1;

    private readonly AnonymousMapping _block;
    private readonly SafeFileHandle _self;
    private readonly Stack<int> _free = new();
    private readonly Stack<int> _freePlaces = new();
    private int _used;
    private int _usedPlaces;
    private bool _collected;

    private Guardian(AnonymousMapping block, SafeFileHandle self, int processId)
    {
        _block = block;
        _self = self;
        ProcessId = processId;
    }

    /// <summary>Its process id.</summary>
    internal int ProcessId { get; private set; }

    /// <summary>Entries that it would restore now.</summary>
    internal int Count => _used - _free.Count;

    /// <summary>
    /// Whether it still runs. When it has been killed nobody watches over the entries until <see cref="StartAgain"/>.
    /// </summary>
    internal bool IsAlive
    {
        get
        {
            if (_collected)
                return false;
            try
            {
                _collected = ChildProcess.TryCollect(ProcessId) is not null;
            }
            catch (SyscallException exception) when (exception.Error == Errno.ECHILD)
            {
                _collected = true; // Dead, and somebody else's wait for any child has had its status.
            }
            return !_collected;
        }
    }

    /// <summary>Starts a guardian of this process.</summary>
    /// <exception cref="SyscallException">A descriptor, memory or a process could not be had; nothing is left behind.</exception>
    internal static Guardian Start()
    {
        AnonymousMapping? block = null;
        SafeFileHandle? self = null;
        bool isMarked = false;
        try
        {
            block = BareProcess.Map(GuardianCode.Size);
            self = Descriptors.OpenProcess(Environment.ProcessId);
            nint data = BareProcess.DataOf(block);
            Marshal.WriteInt32(data + GuardianCode.PollDescriptor, (int)self.DangerousGetHandle());
            Marshal.WriteInt16(data + GuardianCode.PollEvents, GuardianCode.PollIn);
            Marshal.WriteInt64(data + GuardianCode.Interval, LookInterval);
            Marshal.WriteInt32(data + GuardianCode.Priority, 1);
            Marshal.WriteIntPtr(data + GuardianCode.Word, ThreadMark.Make(data + GuardianCode.Mark));
            isMarked = true;
            Marshal.Copy("uprobe-guard\0"u8.ToArray(), 0, data + GuardianCode.Name, "uprobe-guard\0".Length);
            return new Guardian(block, self, BareProcess.Start(block, sharesDescriptors: true, GuardianCode.EmitBody));
        }
        catch
        {
            if (isMarked)
                ThreadMark.Release(BareProcess.DataOf(block!) + GuardianCode.Mark);
            self?.Dispose();
            block?.Dispose();
            throw;
        }
    }

    /// <summary>Starts another process in the place of one that was killed; the journal is the same.</summary>
    /// <exception cref="SyscallException">A process could not be had; the entries are unguarded.</exception>
    internal void StartAgain()
    {
        ObjectDisposedException.ThrowIf(_block.IsClosed, this);
        if (IsAlive)
            throw new InvalidOperationException($"guardian {ProcessId} is alive");
        ProcessId = BareProcess.StartAgain(_block);
        _collected = false;
    }

    /// <summary>Enters a trap in the journal. Call it before the trap is written: an entry without a trap does nothing.</summary>
    /// <param name="memFileDescriptor">Our descriptor of the tracee's /proc/PID/mem, open for reading and writing.</param>
    /// <param name="address">Where the trap is about to be written in the tracee.</param>
    /// <param name="originalByte">The byte that it replaces.</param>
    /// <returns>The entry's index, for <see cref="Remove"/>; -1 where <see cref="MaximumEntries"/> are in use.</returns>
    internal unsafe int Add(int memFileDescriptor, ulong address, byte originalByte)
    {
        int index = Claim(memFileDescriptor, address);
        if (index < 0)
            return -1;
        EntryAt(index)[GuardianCode.EntryOriginal] = originalByte; // SAFETY: index is below _used.
        Activate(index, GuardianCode.Breakpoint);
        return index;
    }

    /// <summary>
    /// Enters a semaphore in the journal that is about to be counted up by one. Until <see cref="SettleSemaphore"/> the guardian
    /// counts it down only if it finds the value that was about to be written; and never where something else is mapped by then.
    /// </summary>
    /// <param name="memFileDescriptor">Our descriptor of the tracee's /proc/PID/mem, open for reading and writing.</param>
    /// <param name="mapsFileDescriptor">Our descriptor of its /proc/PID/maps, open for reading.</param>
    /// <param name="address">Of the counter of 16 bits in the tracee.</param>
    /// <param name="file">Which part of which file it has to be in a private copy of.</param>
    /// <param name="count">Its value now.</param>
    /// <returns>The entry's index, for <see cref="Remove"/>; -1 where <see cref="MaximumEntries"/> or <see cref="MaximumSemaphores"/> are in use.</returns>
    internal unsafe int AddSemaphore(int memFileDescriptor, int mapsFileDescriptor, ulong address, in SemaphoreFile file, ushort count)
    {
        bool isNew = !_freePlaces.TryPop(out int place);
        if (isNew && _usedPlaces == MaximumSemaphores)
            return -1;
        place = isNew ? _usedPlaces++ : place;
        int distance = GuardianCode.Places + (place * GuardianCode.PlaceSize);
        int index = Claim(memFileDescriptor, (ulong)distance);
        if (index < 0)
        {
            _freePlaces.Push(place);
            return -1;
        }

        byte* at = (byte*)BareProcess.DataOf(_block) + distance; // SAFETY: place is below MaximumSemaphores, index below _used.
        *(ulong*)(at + GuardianCode.PlaceAddress) = address;
        *(ulong*)(at + GuardianCode.PlaceDevice) = file.Device;
        *(ulong*)(at + GuardianCode.PlaceInode) = file.Inode;
        *(ulong*)(at + GuardianCode.PlaceOffset) = file.Offset.Value;
        *(int*)(at + GuardianCode.PlaceDescriptor) = mapsFileDescriptor;
        *(ushort*)(EntryAt(index) + GuardianCode.EntryCount) = count;
        Activate(index, GuardianCode.UnsettledSemaphore);
        return index;
    }

    /// <summary>The semaphore of an entry has been counted up: from now on the guardian counts it down, whatever its value.</summary>
    internal unsafe void SettleSemaphore(int index) =>
        Volatile.Write(ref EntryAt(index)[GuardianCode.EntryActive], GuardianCode.Semaphore); // SAFETY: an index that AddSemaphore gave.

    /// <summary>The semaphore of an entry is about to be counted down.</summary>
    /// <param name="index">The entry.</param>
    /// <param name="count">The value that is about to be written.</param>
    internal unsafe void UnsettleSemaphore(int index, ushort count)
    {
        byte* entry = EntryAt(index); // SAFETY: an index that AddSemaphore gave.
        Volatile.Write(ref *(ushort*)(entry + GuardianCode.EntryCount), count);
        Volatile.Write(ref entry[GuardianCode.EntryActive], GuardianCode.UnsettledSemaphore);
    }

    /// <summary>
    /// Takes an entry out of the journal. Call it after the text has been restored, and before the tracee's memory
    /// descriptor is closed. Its index is used again.
    /// </summary>
    internal unsafe void Remove(int index)
    {
        ObjectDisposedException.ThrowIf(_block.IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _used);
        ref byte active = ref EntryAt(index)[GuardianCode.EntryActive]; // SAFETY: index is below _used.
        if (active == 0)
            throw new ArgumentException($"entry {index} is not in use", nameof(index));
        bool isSemaphore = active != GuardianCode.Breakpoint;
        Volatile.Write(ref active, 0);
        _free.Push(index);
        if (isSemaphore)
            _freePlaces.Push((int)(*(ulong*)EntryAt(index) - GuardianCode.Places) / GuardianCode.PlaceSize);
    }

    /// <summary>
    /// To be told when the caller's own waitpid(-1, __WALL) has collected this guardian's status: it is dead, and its
    /// process id may already be another's.
    /// </summary>
    internal void NoteCollected() => _collected = true;

    /// <summary>Ends the guardian without restoring anything, and frees what it used. Idempotent.</summary>
    public void Dispose()
    {
        if (_block.IsClosed)
            return;
        if (IsAlive)
        {
            // Before its poll descriptor is closed, which it shares.
            ChildProcess.Kill(ProcessId);
            ChildProcess.Collect(ProcessId);
            _collected = true;
        }
        _self.Dispose();
        if (ThreadMark.Release(BareProcess.DataOf(_block) + GuardianCode.Mark))
            _block.Dispose();
        else
            _block.SetHandleAsInvalid(); // Not the thread that started it: that one's list of marks still leads there.
    }

    /// <summary>Finds an entry that is not in use, and says where in which memory it is about; -1 where there is none.</summary>
    private unsafe int Claim(int memFileDescriptor, ulong where)
    {
        ObjectDisposedException.ThrowIf(_block.IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(memFileDescriptor);
        if (!_free.TryPop(out int index))
        {
            if (_used == MaximumEntries)
                return -1;
            index = _used++;
        }

        // SAFETY: index < MaximumEntries, and the block lives until Dispose. The guardian reads only once we are dead,
        // so all that counts is that every state in which we can die makes sense: the entry is activated last.
        byte* entry = EntryAt(index);
        *(ulong*)entry = where;
        *(int*)(entry + GuardianCode.EntryDescriptor) = memFileDescriptor;
        return index;
    }

    private unsafe void Activate(int index, byte what)
    {
        // SAFETY: an index that Claim gave.
        Volatile.Write(ref EntryAt(index)[GuardianCode.EntryActive], what);
        Volatile.Write(ref *(int*)(BareProcess.DataOf(_block) + GuardianCode.HighWater), _used);
    }

    private unsafe byte* EntryAt(int index) =>
        (byte*)BareProcess.DataOf(_block) + GuardianCode.Entries + (nint)index * GuardianCode.EntrySize;
}
