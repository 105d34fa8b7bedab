using System.Buffers.Binary;
using Uprobes.Arming.Inline.X64;
using Uprobes.Arming.Trap;
using Uprobes.Images;
using Uprobes.Linux;
using Uprobes.Processes;

namespace Uprobes.Arming.Inline;

/// <summary>What a tracer that was killed has left in this address space: patches, and the trampolines that they jump to.</summary>
internal sealed partial class InlineSpace
{
    private const int MostWaits = 50;
    private const byte Jump = 0xE9, ShortJump = 0xEB, Call = 0xE8, TwoByteOpcode = 0x0F;
    private bool _hasLooked;

    /// <summary>
    /// Puts the text back that a killed tracer has left patched; once. Its trampolines stay: threads run out of them by themselves. So does what it has
    /// taught unwinders, since calls that it followed may still be under way.
    /// </summary>
    internal void ClearLeftovers(TracedProcess process)
    {
        if (_hasLooked)
            return;
        _hasLooked = true;
        if (_chunks.Count > 0)
            return; // A forked copy, known to us.
        Mapping[] mappings = [.. process.ReadMappings(out _)];
        (ulong Start, ulong End)[] chunks = FindLeftChunks(mappings);
        if (chunks.Length == 0)
            return;
        LeftPatches patches = new();
        foreach (Mapping mapping in mappings.Where(m => m.IsExecutable && m.HasFile && !m.IsShared))
            FindLeftPatches(process, mapping, chunks, patches);
        using (SpaceStop stop = new(services.Tracer, space))
        {
            _hasLooked = stop.Unstoppable.Count == 0;
            if (!_hasLooked || stop.IsGone)
                return;
            Restore(stop, patches);
            services.NotePause(stop.Elapsed);
        }

        if (patches.Jumps.Count > 0)
            services.Notice($"process {process.ProcessId}: {patches.Jumps.Count} patches of a tracer that was killed were taken out");
        for (int wait = 0; wait < MostWaits; wait++)
        {
            // A thread comes back behind the former patch, which may be in the middle of another one.
            using SpaceStop stop = new(services.Tracer, space);
            if (!stop.Threads.Any(t => Ptrace.GetRegisters(t.ThreadId, out UserRegisters registers) == 0 && IsLeft(registers.Rip))
                && !ReturnsOfHandlers(stop.Threads, IsLeft).Any())
                return;
        }

        _obstacle = "a thread waits in what a killed tracer has left";

        bool IsLeft(ulong place) => chunks.Any(c => place >= c.Start && place < c.End);
    }

    /// <summary>The chunks of another tracer, each a page of flags and the code behind it.</summary>
    private (ulong Start, ulong End)[] FindLeftChunks(Mapping[] mappings)
    {
        List<(ulong, ulong)> found = [];
        byte[] name = new byte["uprobe\0"u8.Length];
        for (int i = 0; i + 1 < mappings.Length; i++)
        {
            if (IsOurKind(mappings[i]) && mappings[i].Length == TrampolineChunk.FlagsSize && IsOurKind(mappings[i + 1]) && mappings[i + 1].Start == mappings[i].End
                && space.Memory.Read(new RemoteAddress(mappings[i].Start + NameOffset), name) == name.Length && name.AsSpan().SequenceEqual("uprobe\0"u8))
                found.Add((mappings[i].Start, mappings[i + 1].End));
        }

        return [.. found];

        static bool IsOurKind(in Mapping mapping) => mapping is { HasFile: false, Path: "", Permissions: MappingPermissions.Read | MappingPermissions.Execute };
    }

    /// <summary>Looks for places where memory differs from the file and is a jump into a chunk.</summary>
    private void FindLeftPatches(TracedProcess process, in Mapping mapping, (ulong Start, ulong End)[] chunks, LeftPatches patches)
    {
        const int Window = 64 * 4096; // No patch crosses into another page.
        using ElfImage? image = ExitHooks.OpenFile(process.LiveThread()?.ThreadId ?? process.ProcessId, mapping);
        if (image is null)
            return;
        ImageUnwinder unwinder = services.Unwinders.Find(process, mapping);
        ulong taught = unwinder.Kind == UnwinderKind.LibGcc ? mapping.Start + (unwinder.Offset - mapping.FileOffset) : 0;
        byte[] memory = new byte[Window], file = new byte[Window];
        for (ulong at = 0; at < mapping.Length; at += Window)
        {
            int wanted = (int)Math.Min(Window, mapping.Length - at);
            int length = Math.Min(space.Memory.Read(new RemoteAddress(mapping.Start + at), memory.AsSpan(0, wanted)),
                RandomAccess.Read(image.Handle, file.AsSpan(0, wanted), (long)(mapping.FileOffset + at)));
            for (int i = 0; i < length; i++)
            {
                i += memory.AsSpan(i, length - i).CommonPrefixLength(file.AsSpan(i, length - i));
                if (i < length)
                    i = patches.Note(memory.AsSpan(0, length), file, i, mapping.Start + at, chunks, taught);
            }
        }
    }

    private void Restore(SpaceStop stop, LeftPatches patches)
    {
        Dictionary<ulong, ulong> springboards = [];
        foreach ((ulong address, (byte[] original, ulong target)) in patches.ShortJumps.Where(s => patches.Jumps.ContainsKey(s.Value.Target)))
        {
            _ = space.Memory.WriteAll(new RemoteAddress(address), original); // What cannot be written is gone.
            springboards[target] = address;
        }

        services.Step?.Invoke("left short jumps taken out");
        foreach (TracedThread thread in stop.Threads)
        {
            if (Ptrace.GetRegisters(thread.ThreadId, out UserRegisters registers) == 0 && springboards.TryGetValue(registers.Rip, out ulong site))
                _ = Ptrace.SetInstructionPointer(thread.ThreadId, site); // ESRCH: killed meanwhile.
        }

        foreach ((ulong address, byte[] original) in patches.Jumps)
            _ = space.Memory.WriteAll(new RemoteAddress(address), original);
        services.Step?.Invoke("left patches taken out");
    }

    /// <summary>Original bytes by address.</summary>
    private sealed class LeftPatches
    {
        internal Dictionary<ulong, byte[]> Jumps { get; } = [];

        internal Dictionary<ulong, (byte[] Original, ulong Target)> ShortJumps { get; } = [];

        /// <summary>Looks at a difference. Returns the last byte that was looked at.</summary>
        internal int Note(ReadOnlySpan<byte> memory, ReadOnlySpan<byte> file, int difference, ulong start, (ulong Start, ulong End)[] chunks, ulong taught)
        {
            // The first bytes of a patch may be as they were.
            for (int at = Math.Max(0, difference - PatchPlan.JumpLength + 1); at <= difference && at + PatchPlan.JumpLength <= memory.Length; at++)
            {
                ulong address = start + (ulong)at;
                if (memory[at] != Jump || address == taught)
                    continue;
                ulong target = address + PatchPlan.JumpLength + (ulong)BinaryPrimitives.ReadInt32LittleEndian(memory[(at + 1)..]);
                if (!chunks.Any(c => target >= c.Start && target < c.End))
                    continue;
                Jumps[address] = file.Slice(at, PatchPlan.JumpLength).ToArray();
                return at + PatchPlan.JumpLength - 1;
            }

            // A branch that was led elsewhere differs in its distance alone. (A jump of that kind is found above.)
            for (int at = Math.Max(0, difference - Redirect.MostBytes + 1); at <= difference; at++)
            {
                int length = memory[at] == Call ? PatchPlan.JumpLength : memory[at] == TwoByteOpcode ? Redirect.MostBytes : 0;
                if (difference >= at + length || at + length > memory.Length || !memory.Slice(at, length - sizeof(int)).SequenceEqual(file.Slice(at, length - sizeof(int))))
                    continue;
                ulong end = start + (ulong)(at + length);
                ulong target = end + (ulong)(long)BinaryPrimitives.ReadInt32LittleEndian(memory[(at + length - sizeof(int))..]);
                if (!chunks.Any(c => target >= c.Start && target < c.End))
                    continue;
                Jumps[start + (ulong)at] = file.Slice(at, length).ToArray();
                return at + length - 1;
            }

            for (int at = Math.Max(0, difference - 1); at <= difference && at + PatchPlan.ShortJumpLength <= memory.Length; at++)
            {
                if (memory[at] == ShortJump)
                    ShortJumps[start + (ulong)at] = (file.Slice(at, PatchPlan.ShortJumpLength).ToArray(), start + (ulong)(at + PatchPlan.ShortJumpLength + (sbyte)memory[at + 1]));
            }

            return difference;
        }
    }
}
