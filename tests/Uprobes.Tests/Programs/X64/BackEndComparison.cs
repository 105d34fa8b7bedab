using System.Buffers.Binary;
using Uprobes.Channels;
using Uprobes.Linux;
using Uprobes.Processes;
using Uprobes.Programs;
using Uprobes.Programs.X64;

namespace Uprobes.Tests.Programs.X64;

/// <summary>
/// Runs a group's programs as machine code and in the interpreter, and compares what they did. The synthetic memory's pages are
/// mapped where they belong for as long as this lives, so that only one can at a time.
/// </summary>
internal sealed class BackEndComparison : IDisposable
{
    private const int RedZone = 128, ThunkIndex = 8, MostPushed = 64;

    /// <summary>CF PF AF ZF SF DF OF, and 1, which is always set.</summary>
    private const ulong Always = 0x202, Choosable = 0xcd5;

    private readonly MachineMemory[] _areas =
    [
        new(SyntheticMemory.DataBase, 2 * SyntheticMemory.PageSize),
        new(SyntheticMemory.DataBase + (3 * SyntheticMemory.PageSize), SyntheticMemory.PageSize),
        new(SyntheticMemory.StackBase, SyntheticMemory.StackPages * SyntheticMemory.PageSize),
    ];

    private readonly Interpreter _interpreter = new();
    private int _flags;

    /// <summary>Hits that have been compared.</summary>
    internal long Hits { get; private set; }

    /// <summary>Runs a case's entry program, and its return program if the call is followed, with each of some hits.</summary>
    internal void Compare(ProgramGroup group, IEnumerable<(SyntheticContext Entry, SyntheticContext Return)> hits)
    {
        using Machine machine = new(group, ProgramCase.Probes);
        ProgramCode entry = ProgramCompiler.CompileEntry(group, machine.CodeEnvironment);
        ProgramCode? back = group.Return is null ? null : ProgramCompiler.CompileReturn(group, machine.CodeEnvironment);
        foreach ((SyntheticContext entryHit, SyntheticContext returnHit) in hits)
        {
            if (Compare(group, machine, entry, back, WithOwn(entryHit), WithOwn(returnHit)))
                Hits++;
        }
    }

    public void Dispose()
    {
        foreach (MachineMemory area in _areas)
            area.Dispose();
    }

    /// <summary>What cannot be chosen is this process's own.</summary>
    private static SyntheticContext WithOwn(SyntheticContext hit) => hit with
    {
        ProcessId = Environment.ProcessId,
        ThreadId = Tasks.CurrentThreadId,
        UserId = ThreadStatus.TryRead(Environment.ProcessId)!.UserId,
        GroupId = ThreadStatus.TryRead(Environment.ProcessId)!.GroupId,
        ParentId = ThreadStatus.TryRead(Environment.ProcessId)!.ParentId,
        DurationNanoseconds = 0,
    };

    /// <returns>False if the hit is none that can be compared.</returns>
    private bool Compare(ProgramGroup group, Machine machine, ProgramCode entry, ProgramCode? back, SyntheticContext entryHit, SyntheticContext returnHit)
    {
        returnHit = returnHit with { ProbeIndex = entryHit.ProbeIndex, SiteAddress = entryHit.SiteAddress, TimestampNanoseconds = entryHit.TimestampNanoseconds, ReturnsTo = ReturnAddressOf(entryHit) };
        RecordingOutput expected = new(group), actual = new(group);
        Fill(entryHit.Memory);
        machine.Process[CodeEnvironment.NanosecondsOffset] = (ulong)entryHit.TimestampNanoseconds;
        bool isComparable = true;
        WatchedContext watched = new(entryHit);
        _interpreter.Run(group.Entry, watched, expected);
        if (watched.HasReadOwnMemory || (expected.Followed is not null && watched.HasReadReturnAddress))
            return false;
        Run(machine, machine.Install(entry, isReturn: false, entryHit.ProbeIndex, entryHit.SiteAddress), entryHit, expected.Followed is not null, isReturn: false);
        if (expected.Followed is { } words)
        {
            int thunk = machine.Followed(entryHit.Registers[4], entryHit.ProbeIndex, entryHit.SiteAddress, out ulong[] kept);
            Assert.Equal(words, kept[..words.Length]);
            actual.FollowCall(kept.AsSpan(0, words.Length));
            Fill(returnHit.Memory);
            WatchedContext watchedReturn = new(returnHit with { EntryWords = kept });
            _interpreter.Run(group.Return!, watchedReturn, expected);
            Run(machine, machine.Install(back!, isReturn: true, entryHit.ProbeIndex, entryHit.SiteAddress, thunk), returnHit, isFollowing: false, isReturn: true);
            isComparable = !watchedReturn.HasReadOwnMemory;
        }

        machine.Forget();
        ChannelContents.Take(machine, group, entryHit.ProbeIndex, entryHit.ThreadId, actual);
        if (isComparable)
            Assert.Equal(expected.Describe(), actual.Describe());
        return isComparable;
    }

    private static ulong ReturnAddressOf(SyntheticContext entry)
    {
        Span<byte> word = stackalloc byte[8];
        entry.TryRead(entry.Registers[4], word);
        return BinaryPrimitives.ReadUInt64LittleEndian(word);
    }

    private void Fill(SyntheticMemory memory)
    {
        for (int i = 0; i < _areas.Length; i++)
            memory.Areas[i].Bytes.CopyTo(_areas[i].Bytes(0, memory.Areas[i].Bytes.Length));
    }

    private void Run(Machine machine, MachineProgram program, SyntheticContext hit, bool isFollowing, bool isReturn)
    {
        _flags = (_flags * 0x6255) + 0x3619;
        ulong[] words = [.. hit.Registers, Always | ((ulong)(_flags >> 4) & Choosable)];
        MachineState before = new([.. words]);
        MachineMemory stack = _areas[2];
        int stackPointer = (int)(hit.Registers[4] - stack.Address);
        byte[] old = stack.Bytes(0, (int)stack.Length).ToArray();
        MachineState after = program.Run(before);
        Assert.Equal(before.ToString(), after.ToString());
        if (isFollowing)
            stack.Bytes(stackPointer, 8).CopyTo(old.AsSpan(stackPointer));
        int kept = stackPointer - RedZone;
        Assert.True(old.AsSpan(kept).SequenceEqual(stack.Bytes(kept, old.Length - kept)), "the stack has changed");
        int least = kept - (isReturn ? ThunkIndex : 0) - MostPushed;
        Assert.True(old.AsSpan(0, least).SequenceEqual(stack.Bytes(0, least)), "the stack was used too far down");
    }
}
