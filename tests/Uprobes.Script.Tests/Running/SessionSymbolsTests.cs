using System.Runtime.InteropServices;
using Uprobes.Script.Output;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;
using Uprobes.Stacks;

namespace Uprobes.Script.Tests.Running;

/// <summary>When names of code are looked for. The process is the one that runs the tests; where its threads wait is made up.</summary>
public sealed class SessionSymbolsTests : IDisposable
{
    private static readonly TimeSpan Slowest = TimeSpan.FromSeconds(60);
    private static readonly StackType Type = new(StackMode.Bpftrace, 8);
    private readonly List<Action> _later = [];
    private readonly SessionSymbols _symbols;

    public SessionSymbolsTests() => _symbols = new SessionSymbols(new ScriptConfig(), _later.Add);

    public void Dispose() => _symbols.Dispose();

    [Fact]
    public void The_stack_of_a_thread_that_waits_is_named_when_the_thread_has_gone_on()
    {
        ScriptStack first = StackAt("getppid"), again = StackAt("getppid"), other = StackAt("getpid");
        DeferredFrames frames = Assert.IsAssignableFrom<DeferredFrames>(first.Frames);
        // As keys of a map and in its order they need no names.
        Assert.Equal(first, again);
        Assert.Equal(first.GetHashCode(), again.GetHashCode());
        Assert.NotEqual(first, other);
        Assert.Equal(Address("getppid").CompareTo(Address("getpid")), Math.Sign(first.CompareTo(other)));
        Assert.Equal(frames.Depth, first.Depth);
        Assert.False(frames.AreNamed);
        // The same stack is named once.
        Assert.Equal(2, _later.Count);
        _later[0]();
        Assert.True(frames.AreNamed);
        Assert.Contains("getppid", first.Frames[0].Function, StringComparison.Ordinal);
        Assert.True(((DeferredFrames)again.Frames).AreNamed);
        Assert.False(((DeferredFrames)other.Frames).AreNamed);
    }

    [Fact]
    public void The_function_of_an_address_is_looked_for_when_it_is_shown()
    {
        Lazy<string?> name = _symbols.NameOf(Environment.ProcessId, StackReader.Now, Address("getppid"));
        Assert.False(name.IsValueCreated);
        Assert.Contains("getppid", name.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_not_named_when_all_is_over_is_shown_by_its_address()
    {
        ScriptStack stack = StackAt("getppid");
        Lazy<string?> name = _symbols.NameOf(Environment.ProcessId, StackReader.Now, Address("getppid"));
        _symbols.Dispose();
        Assert.Equal(new ScriptFrame(Address("getppid")), stack.Frames[0] with { FileOffset = 0, BuildId = null });
        Assert.Null(name.Value);
    }

    [Fact]
    public async Task Names_are_found_while_stacks_are_unwound()
    {
        using SessionStacks stacks = new(null);
        FramePlace place = stacks.Locate(Environment.ProcessId, StackReader.Now, Address("getppid"));
        TaskCompletionSource held = new(), named = new();
        Task unwinding = Task.Factory.StartNew(() =>
        {
            using Lock.Scope scope = stacks.Hold();
            held.SetResult();
            Assert.True(named.Task.Wait(Slowest));
        }, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await held.Task.WaitAsync(Slowest, TestContext.Current.CancellationToken);
        List<StackFrame> frames = [];
        stacks.Name([place], frames, isExpanded: true);
        named.SetResult();
        await unwinding;
        Assert.Contains("getppid", frames[^1].Function, StringComparison.Ordinal);
    }

    private static ulong Address(string function) => (ulong)NativeLibrary.GetExport(NativeLibrary.Load("libc.so.6"), function);

    private ScriptStack StackAt(string function)
    {
        FakeHit hit = new() { ProcessId = Environment.ProcessId, SiteAddress = Address(function) };
        return _symbols.StackOf(new ActionOccasion { Probe = "", ProbeType = "", Hit = hit, Thread = hit }, Type);
    }
}
