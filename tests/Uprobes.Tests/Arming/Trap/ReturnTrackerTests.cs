using CsCheck;
using Uprobes.Arming;
using Uprobes.Arming.Trap;
using Uprobes.Registry;

namespace Uprobes.Tests.Arming.Trap;

public sealed class ReturnTrackerTests
{
    private const int Process = 10, Thread = 11;
    private const ulong Caller = 0x401000, Function = 0x402000, Stack = 0x7ffd_0000_0000;
    private readonly ReturnTracker _tracker = new();
    private readonly LostReturns _sink = new();
    private readonly List<PendingReturn> _taken = [];

    [Fact]
    public void A_return_is_known_by_stack_pointer_and_address()
    {
        Push(Call(Stack));
        Assert.False(_tracker.TryTake(Process, Stack + 8, Caller, _taken));
        Assert.False(_tracker.TryTake(Process, Stack, Caller + 1, _taken));
        Assert.False(_tracker.TryTake(Process + 1, Stack, Caller, _taken));
        Assert.True(_tracker.TryTake(Process, Stack, Caller, _taken));
        Assert.Single(_taken);
        Assert.Equal(0, _tracker.Count);
        Assert.False(_tracker.TryTake(Process, Stack, Caller, _taken));
    }

    [Fact]
    public void A_chain_of_tail_calls_returns_at_once_the_innermost_first()
    {
        for (ulong i = 0; i < 100; i++)
            Push(Call(Stack) with { Function = Function + i });
        Assert.True(_tracker.TryTake(Process, Stack, Caller, _taken));
        Assert.Equal(Enumerable.Range(0, 100).Reverse().Select(i => Function + (ulong)i), _taken.Select(p => p.Function));
    }

    [Fact]
    public void A_call_with_another_return_address_ends_what_was_pending_at_its_place()
    {
        Push(Call(Stack));
        _tracker.Push([Call(Stack) with { ReturnAddress = Caller + 5 }], _ => throw new InvalidOperationException("there is nothing to judge"));
        Assert.Equal(1, _tracker.Count);
        Assert.False(_tracker.TryTake(Process, Stack, Caller, _taken));
        Assert.True(_tracker.TryTake(Process, Stack, Caller + 5, _taken));
    }

    [Fact]
    public void A_new_call_with_the_same_return_address_ends_what_was_pending_at_its_place()
    {
        Push(Call(Stack));
        _tracker.Push([Call(Stack) with { State = "new" }], _ => true);
        Assert.True(_tracker.TryTake(Process, Stack, Caller, _taken));
        Assert.Equal("new", Assert.Single(_taken).State);
    }

    [Fact]
    public void A_vfork_child_and_its_parent_return_from_the_same_call()
    {
        Push(Call(Stack));
        _tracker.ShareWithChild(Thread, 20);
        Assert.True(_tracker.TryTake(20, Stack, Caller, _taken));
        Assert.Equal(20, _taken[0].ThreadId);
        // What the child calls next, at the same place, is nothing to the parent.
        _tracker.Push([Call(Stack) with { ProcessId = 20, ThreadId = 20, ReturnAddress = Caller + 9 }], _ => true);
        _tracker.DropProcess(20);
        Assert.True(_tracker.TryTake(Process, Stack, Caller, _taken));
        Assert.Equal(0, _tracker.Count);
    }

    [Fact]
    public void A_forked_child_gets_the_calls_that_it_can_come_back_to()
    {
        Push(Call(Stack));
        Push(Call(Stack + 64) with { ThreadId = 12 });
        ReturnTracker child = _tracker.CopyForChild(p => p.ThreadId == Thread, 30);
        Assert.Equal((2, 1), (_tracker.Count, child.Count));
        Assert.True(child.TryTake(30, Stack, Caller, _taken));
        Assert.False(child.TryTake(30, Stack + 64, Caller, _taken));
    }

    [Fact]
    public void A_jump_drops_what_it_leaves_and_nothing_else()
    {
        for (ulong i = 0; i < 10; i++)
            Push(Call(Stack + (i * 16)));
        _tracker.DropFrames(Process, Stack + 16, Stack + 80);
        Assert.Equal(6, _tracker.Count);
        Assert.True(_tracker.TryTake(Process, Stack + 16, Caller, _taken));
        Assert.False(_tracker.TryTake(Process, Stack + 32, Caller, _taken));
        Assert.False(_tracker.TryTake(Process, Stack + 80, Caller, _taken));
        Assert.True(_tracker.TryTake(Process, Stack + 96, Caller, _taken));
    }

    [Fact]
    public void A_thread_that_ends_leaves_only_what_others_may_return_from()
    {
        Push(Call(Stack));
        Push(Call(Stack + 16));
        Push(Call(Stack + 32) with { ThreadId = 12 });
        _tracker.DropThread(Thread, place => place == Stack + 16);
        Assert.Equal(2, _tracker.Count);
        _tracker.DropThread(Thread);
        Assert.Equal(1, _tracker.Count);
        Assert.False(_tracker.HasCallsOf(Thread));
        Assert.True(_tracker.HasCallsOf(12));
    }

    [Fact]
    public void A_chain_that_is_too_long_loses_its_newest_calls_and_counts_them()
    {
        for (int i = 0; i < ReturnTracker.LongestChain + 5; i++)
            Push(Call(Stack));
        Assert.Equal(5, _sink.Lost);
        Assert.True(_tracker.TryTake(Process, Stack, Caller, _taken));
        Assert.Equal(ReturnTracker.LongestChain, _taken.Count);
    }

    [Fact]
    public void A_hundred_thousand_threads_end_in_time_proportional_to_what_each_left()
    {
        const int Threads = 100_000;
        for (int i = 0; i < Threads; i++)
            Push(Call(Stack + ((ulong)i * 64)) with { ThreadId = 1000 + i });
        // Looking at all calls for each would be ten thousand million steps.
        for (int i = 0; i < Threads; i++)
            _tracker.DropThread(1000 + i);
        Assert.Equal(0, _tracker.Count);
    }

    /// <summary>Random calls, tail calls, returns and jumps of one thread against a plain stack.</summary>
    [Fact]
    public void Whatever_a_thread_does_its_returns_are_those_of_its_stack() =>
        Gen.Select(Gen.Int[0, 5], Gen.Int[1, 6]).Array[1, 300].Sample(steps =>
        {
            ReturnTracker tracker = new();
            Stack<(ulong ReturnAddress, List<int> Calls)> model = new(); // The calls of one frame return together.
            List<PendingReturn> taken = [];
            int next = 0;
            foreach ((int what, int count) in steps)
            {
                ulong place = Stack - ((ulong)model.Count * 16);
                if (what <= 2 || model.Count == 0)
                {
                    ulong returnAddress = Caller + (ulong)(count & 1);
                    tracker.Push([Call(place - 16) with { ReturnAddress = returnAddress, State = next }], _ => false);
                    model.Push((returnAddress, [next++]));
                }
                else if (what == 3)
                {
                    tracker.Push([Call(place) with { ReturnAddress = model.Peek().ReturnAddress, State = next }], _ => false);
                    model.Peek().Calls.Add(next++);
                }
                else if (what == 4)
                {
                    (ulong returnAddress, List<int> calls) = model.Pop();
                    Assert.False(tracker.TryTake(Process, place, returnAddress ^ 1, taken));
                    Assert.True(tracker.TryTake(Process, place, returnAddress, taken));
                    Assert.Equal(Enumerable.Reverse(calls), taken.Select(p => (int)p.State!));
                }
                else
                {
                    int frames = Math.Min(count, model.Count);
                    tracker.DropFrames(Process, place - 1, place + ((ulong)frames * 16) - 16);
                    for (int i = 0; i < frames; i++)
                        model.Pop();
                }

                Assert.Equal(model.Sum(f => f.Calls.Count), tracker.Count);
            }
        });

    private void Push(PendingReturn call) => _tracker.Push([call with { Sink = _sink }], _ => false);

    private static PendingReturn Call(ulong place) => new(Caller, place, Function, Process, Thread, 0, new LostReturns(), null);

    private sealed class LostReturns : IReturnSink
    {
        internal int Lost { get; private set; }

        public void OnReturn(ReturnContext context) => throw new InvalidOperationException("the tracker calls nobody");

        public void OnReturnLost(string reason, int processId) => Lost++;
    }
}
