using System.Buffers.Binary;
using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Processes;
using Uprobes.Processes.X64;
using Uprobes.Programs.X64;

namespace Uprobes.Arming.Inline;

/// <summary>Calls that are followed to their returns: return addresses are replaced by thunks of the call table.</summary>
internal sealed partial class InlineSpace
{
    private const int CallCapacity = 8192;
    private CallThunks? _thunks;
    private bool _mayNotFollow;

    /// <summary>The call table, made at first use; null where return addresses have to stay what they are.</summary>
    private CallThunks? EnsureCalls(TracedProcess process)
    {
        if (_thunks is not null || _mayNotFollow)
            return _thunks;
        Mapping[] images = [.. process.ReadMappings(out _).Where(m => m.IsExecutable && m.HasFile)];
        _mayNotFollow = images.Length == 0 || images.Any(m => services.Unwinders.Find(process, m) is { Kind: UnwinderKind.Unknown } or { Kind: UnwinderKind.LibGcc, Plan: null });
        if (_mayNotFollow)
            return null;
        ulong entries = 0, code = 0;
        RemoteCallResult result = services.WithStoppedThread(process, space, thread =>
        {
            RemoteCallResult data = services.Calls.MapData(thread, CallCapacity * (ulong)CallTable.EntrySize);
            if (!data.IsSuccess)
                return data;
            RemoteCallResult text = services.Calls.Map(thread, 0, (ulong)CallThunks.LengthFor(CallCapacity));
            if (!text.IsSuccess)
                _ = services.Calls.Unmap(thread, data.Value, CallCapacity * (ulong)CallTable.EntrySize);
            (entries, code) = (data.Value, text.Value);
            return text;
        });
        if (!result.IsSuccess)
            return null;
        CallThunks made = new(code, entries, CallCapacity);
        if (space.Memory.WriteAll(new RemoteAddress(code), made.Code) != 0)
            return null;
        _thunks = made;
        TellPrograms(made.Table);
        foreach (Mapping image in images)
        {
            if (TeachUnwinder(process, image))
                continue;
            _mayNotFollow = true; // No call has been followed yet: the table just stays unused.
            return null;
        }

        return made;
    }

    /// <summary>
    /// Programs that are at work already have to know the thunks from the first one on that is put on a stack. The number of bytes is written last:
    /// until then they do not look at the rest.
    /// </summary>
    private void TellPrograms(CallTable table)
    {
        if (_chunks.Count == 0)
            return; // The page is written when there is one.
        byte[] state = new byte[TrampolineChunk.FirstFlag];
        table.Describe(state);
        foreach ((int start, int end) in (ReadOnlySpan<(int, int)>)[(CodeEnvironment.ThunksOffset, state.Length), (CodeEnvironment.ThunkBytesOffset, CodeEnvironment.ThunksOffset)])
            _ = space.Memory.WriteAll(new RemoteAddress(_chunks[0].Start + (ulong)start), state.AsSpan(start..end)); // What cannot be written is gone.
    }

    /// <summary>Looks at an image that was just mapped, before it runs.</summary>
    /// <returns>False where calls can be followed no longer: <see cref="StopFollowing"/>.</returns>
    internal bool OnMapped(TracedProcess process, in Mapping mapping) =>
        _thunks is null || _mayNotFollow || !mapping.HasFile || TeachUnwinder(process, mapping);

    /// <summary>
    /// Has the unwinder of an image know the thunks. That is a patch like any other, which answers for their addresses.
    /// </summary>
    private bool TeachUnwinder(TracedProcess process, in Mapping mapping)
    {
        ImageUnwinder unwinder = services.Unwinders.Find(process, mapping);
        if (unwinder.Kind == UnwinderKind.None || unwinder.Offset < mapping.FileOffset || unwinder.Offset - mapping.FileOffset >= mapping.Length)
            return unwinder.Kind != UnwinderKind.Unknown;
        ulong address = mapping.Start + (unwinder.Offset - mapping.FileOffset);
        if (unwinder.Plan is not { } plan || mapping.IsShared)
            return false;
        if (_sites.TryGetValue(address, out InlineSite? known) && known.OwnProgram is not null && known.State == SiteState.Armed)
            return true;
        if (known is not null)
            Remove(process, [known]); // Its points are armed again with the next registration.
        InlineSite site = MakeSite(plan, address, UnwinderCode.Emit(_thunks!));
        if (!MatchesFile(site))
            return false;
        Keep(site);
        if (Install(process, mapping, [site]).Count == 0)
            return true;
        Forget(site);
        return false;
    }

    /// <summary>No call is followed from now on; those that are under way return where they came from. Returns the points that lost their place.</summary>
    internal List<ArmedPoint> StopFollowing(TracedProcess process)
    {
        _mayNotFollow = true;
        List<InlineSite> following = [.. _sites.Values.Where(s => s.Trampoline?.Stubs.Count > 0)];
        List<ArmedPoint> points = [.. following.SelectMany(s => s.Points.Values)];
        Remove(process, following);
        using SpaceStop stop = new(services.Tracer, space);
        RollOut(stop);
        RestoreReturnAddresses();
        return points;
    }

    /// <summary>Has the pending calls whose return programs are about to go return without them. All threads are stopped.</summary>
    private void ForgetReturnCode(IEnumerable<Trampoline> trampolines)
    {
        if (_thunks is not { } thunks)
            return;
        ReturnStub[] stubs = [.. trampolines.SelectMany(t => t.Stubs)];
        if (stubs.Length == 0)
            return;
        HashSet<ulong> gone = [.. stubs.Select(s => s.Start)];
        foreach ((ulong entry, byte[] content) in PendingCalls(thunks))
        {
            if (gone.Contains(BinaryPrimitives.ReadUInt64LittleEndian(content.AsSpan(CallTable.CodeOffset))))
                _ = space.Memory.WriteAll(new RemoteAddress(entry + CallTable.CodeOffset), BitConverter.GetBytes(thunks.Finish));
        }
    }

    /// <summary>
    /// Puts the real return addresses of pending calls back on the stacks, so that no thunk is needed any more. All threads are stopped,
    /// and none is in a thunk.
    /// </summary>
    private void RestoreReturnAddresses()
    {
        if (_thunks is not { } thunks)
            return;
        Dictionary<ulong, ulong> addresses = [];
        List<(ulong Place, ulong Thunk)> calls = [];
        foreach ((ulong entry, byte[] content) in PendingCalls(thunks))
        {
            ulong index = (entry - thunks.Table.Entries) / CallTable.EntrySize, thunk = thunks.Table.Thunks + (index * CallTable.ThunkSize);
            addresses[thunk] = BinaryPrimitives.ReadUInt64LittleEndian(content.AsSpan(CallTable.ReturnAddressOffset));
            calls.Add((BinaryPrimitives.ReadUInt64LittleEndian(content) & ((1ul << CallTable.ChainShift) - 1), thunk));
            _ = space.Memory.WriteAll(new RemoteAddress(entry), new byte[8]);
        }

        foreach ((ulong place, ulong thunk) in calls)
        {
            // What was left by longjmp or an exception does not have its thunk there any more, or will never return through it.
            if (!space.Memory.TryReadWord(new RemoteAddress(place), out ulong now) || now != thunk)
                continue;
            ulong real = thunk;
            for (int link = 0; link <= CallTable.LongestChain && addresses.TryGetValue(real, out ulong next); link++)
                real = next;
            _ = space.Memory.WriteAll(new RemoteAddress(place), BitConverter.GetBytes(real));
        }
    }

    /// <summary>The table of the calls that are followed, or null where none has been.</summary>
    internal CallTable? FollowedCallTable => _thunks?.Table;

    /// <summary>Where a call returns in the end: through a thunk, to what the call table says.</summary>
    internal ulong ResolveReturn(ulong address)
    {
        for (int link = 0; link <= CallTable.LongestChain && _thunks is { } thunks && address - thunks.Table.Thunks < (ulong)(thunks.Table.Capacity * CallTable.ThunkSize); link++)
        {
            ulong entry = thunks.Table.Entries + ((address - thunks.Table.Thunks) / CallTable.ThunkSize * CallTable.EntrySize);
            if (!space.Memory.TryReadWord(new RemoteAddress(entry + CallTable.ReturnAddressOffset), out address))
                return 0;
        }

        return address;
    }

    /// <summary>The entries of the call table that are in use.</summary>
    private List<(ulong Address, byte[] Content)> PendingCalls(CallThunks thunks)
    {
        List<(ulong, byte[])> found = [];
        byte[] table = new byte[thunks.Table.Capacity * CallTable.EntrySize];
        int read = space.Memory.Read(new RemoteAddress(thunks.Table.Entries), table);
        for (int at = 0; at + CallTable.EntrySize <= read; at += CallTable.EntrySize)
        {
            if (BinaryPrimitives.ReadUInt64LittleEndian(table.AsSpan(at)) != 0)
                found.Add((thunks.Table.Entries + (ulong)at, table[at..(at + CallTable.EntrySize)]));
        }

        return found;
    }
}
