using Iced.Intel;

namespace Uprobes.Programs.X64;

/// <summary>
/// Loops. Whatever a round looks up is looked up before the first one (<see cref="EmitAll"/>), so that the same is known wherever a round is left.
/// </summary>
internal sealed partial class ProgramEmitter
{
    /// <summary>The loops around the present statement: where the next round is prepared, and what is behind.</summary>
    private readonly Stack<(Label Next, Label End)> _loops = new();

    /// <summary>How many rounds the program's loops may still do; in the frame.</summary>
    private Operand _rounds;

    /// <summary>
    /// <code>
    ///     counter = 0
    /// round:
    ///     ...
    /// next:
    ///     inc   counter
    ///     cmp   counter, times
    ///     jne   round
    /// end:
    /// </code>
    /// </summary>
    private void EmitRepeat(Repeat loop)
    {
        Label round = _code.NewLabel(), next = _code.NewLabel(), end = _code.NewLabel();
        Operand counter = _locals[loop.Counter];
        Store(counter, Operand.Constant(0));
        _code.Mark(round);
        EmitBody(loop.Body, next, end);
        _code.Mark(next);
        if (counter.IsRegister)
        {
            A.inc(counter.Register.Q);
            A.cmp(counter.Register.Q, loop.Times);
        }
        else
        {
            A.inc(counter.Memory);
            A.cmp(counter.Memory, loop.Times);
        }

        A.jne(round);
        _code.Mark(end);
    }

    /// <summary>
    /// <code>
    /// next:
    ///     dec   qword [rbx + rounds]
    ///     js    spent
    ///     ...
    ///     jmp   next
    /// end:
    ///     ...
    /// spent:                              ; behind the rest of the code
    ///     ...
    ///     jmp   leave
    /// </code>
    /// </summary>
    private void EmitLoop(Loop loop)
    {
        Label next = _code.NewLabel(), end = _code.NewLabel(), spent = _code.NewLabel();
        _code.Mark(next);
        A.dec(_rounds.Memory);
        A.js(spent);
        EmitBody(loop.Body, next, end);
        A.jmp(next);
        _code.Mark(end);
        Cold(() =>
        {
            _code.Mark(spent);
            EmitAll(loop.Spent, isRecordWantedBehind: true);
            A.jmp(_leave);
        });
    }

    private void EmitBody(IReadOnlyList<Statement> body, Label next, Label end)
    {
        _loops.Push((next, end));
        EmitAll(body, isRecordWantedBehind: true);
        _loops.Pop();
    }
}
