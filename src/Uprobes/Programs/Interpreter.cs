namespace Uprobes.Programs;

/// <summary>
/// Runs programs that <see cref="ProgramChecker"/> found good. It does exactly what the comments of <see cref="Expression"/> and
/// <see cref="Statement"/> say, and is what other back ends are compared with. It can be used again and again, but for one run
/// at a time; nothing is allocated for a run. It throws only what its context and output throw.
/// </summary>
internal sealed partial class Interpreter
{
    /// <summary>Words of keys and fields under construction: the largest event's, and what <see cref="ProgramLimits.Scratch"/> allows besides.</summary>
    private const int Room = (Channels.ChannelLayout.LargestRecord + ProgramLimits.Scratch) / 8;

    private readonly long[] _locals = new long[ProgramLimits.Locals];
    private readonly ulong[] _words = new ulong[Room];
    private int _used, _rounds;
    private IProgramContext _context = null!;
    private IProgramOutput _output = null!;

    /// <summary>Where a program goes on behind a statement.</summary>
    private enum Flow
    {
        Next,
        Break,
        Continue,
        Stop,
    }

    /// <summary>Runs a program of a checked group to its end.</summary>
    /// <param name="program">The group's entry program or its return program.</param>
    /// <param name="context">What it sees.</param>
    /// <param name="output">Where its effects go.</param>
    internal void Run(ProbeProgram program, IProgramContext context, IProgramOutput output)
    {
        (_context, _output, _used, _rounds) = (context, output, 0, 0);
        Array.Clear(_locals);
        _ = RunAll(program.Body);
    }

    /// <summary>Runs statements up to one that goes elsewhere.</summary>
    private Flow RunAll(IReadOnlyList<Statement> statements)
    {
        for (int i = 0; i < statements.Count; i++)
        {
            Flow flow = RunOne(statements[i]);
            if (flow != Flow.Next)
                return flow;
        }

        return Flow.Next;
    }

    private Flow RunOne(Statement statement)
    {
        switch (statement)
        {
            case SetLocal set:
                _locals[set.Index] = Integer(set.Value);
                return Flow.Next;
            case If choice:
                return RunAll(Integer(choice.Condition) != 0 ? choice.Then : choice.Else);
            case Repeat loop:
                return RunRepeat(loop);
            case Loop loop:
                return RunLoop(loop);
            case Break:
                return Flow.Break;
            case Continue:
                return Flow.Continue;
            case Stop:
                return Flow.Stop;
            case Aggregate aggregate:
                RunAggregate(aggregate);
                return Flow.Next;
            case DeleteKey delete:
                _output.DeleteKey(delete.Map, Store(delete.Key));
                _used = 0;
                return Flow.Next;
            case Emit emit:
                _output.Emit(emit.Event, Store(emit.Fields));
                _used = 0;
                return Flow.Next;
            case FollowCall follow:
                _output.FollowCall(Store(follow.Words));
                _used = 0;
                return Flow.Next;
            default:
                throw new ArgumentException($"not a statement of a checked program: {statement.GetType().Name}", nameof(statement));
        }
    }

    private Flow RunRepeat(Repeat loop)
    {
        for (int i = 0; i < loop.Times; i++)
        {
            _locals[loop.Counter] = i;
            switch (RunAll(loop.Body))
            {
                case Flow.Break:
                    return Flow.Next;
                case Flow.Stop:
                    return Flow.Stop;
            }
        }

        _locals[loop.Counter] = loop.Times;
        return Flow.Next;
    }

    private Flow RunLoop(Loop loop)
    {
        while (_rounds < ProgramLimits.Rounds)
        {
            _rounds++;
            switch (RunAll(loop.Body))
            {
                case Flow.Break:
                    return Flow.Next;
                case Flow.Stop:
                    return Flow.Stop;
            }
        }

        _ = RunAll(loop.Spent);
        return Flow.Stop;
    }

    private void RunAggregate(Aggregate aggregate)
    {
        ReadOnlySpan<ulong> key = Store(aggregate.Key);
        long value = aggregate.Value is null ? 0 : Integer(aggregate.Value);
        _output.Aggregate(aggregate.Map, key, value);
        _used = 0;
    }

    /// <summary>Puts values one behind the other, as keys and events hold them. The room is used until <c>_used</c> is set back.</summary>
    private ReadOnlySpan<ulong> Store(IReadOnlyList<Expression> parts)
    {
        int size = 0;
        for (int i = 0; i < parts.Count; i++)
            size += parts[i].Type.StoredSize / 8;

        Span<ulong> stored = Take(size);
        int at = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            int words = parts[i].Type.StoredSize / 8;
            if (parts[i].Type.IsText)
                StoreText(parts[i], stored.Slice(at, words));
            else
                stored[at] = (ulong)Integer(parts[i]);

            at += words;
        }

        return stored;
    }

    private Span<ulong> Take(int words)
    {
        Span<ulong> taken = _words.AsSpan(_used, words);
        _used += words;
        return taken;
    }
}
