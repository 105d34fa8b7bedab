using Iced.Intel;
using Uprobes.Channels;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>Statements.</summary>
internal sealed partial class ProgramEmitter
{
    private const int FirstFrameLocal = 12, FrameLocalRegisters = 4;

    /// <summary>Locals are in registers as long as there are some, otherwise in the frame; all are 0 at first.</summary>
    private void EmitLocals()
    {
        for (int i = 0; i < _locals.Length; i++)
        {
            if (!_plan.UsesFrame)
            {
                _locals[i] = Operand.InPlace(_registers.Take());
            }
            else if (i < FrameLocalRegisters)
            {
                Gpr register = new(FirstFrameLocal + i);
                Touch(register);
                _locals[i] = Operand.InPlace(register);
            }
            else
            {
                _locals[i] = Operand.Word(Gpr.Rbx, TakeRoom(8));
            }

            if (_locals[i].IsRegister)
                A.xor(_locals[i].Register.D, _locals[i].Register.D);
            else
                A.mov(_locals[i].Memory, 0);
        }

        if (!ProgramNeeds.Rounds(_program))
            return;
        _rounds = Operand.Word(Gpr.Rbx, TakeRoom(8));
        A.mov(_rounds.Memory, ProgramLimits.Rounds);
    }

    /// <summary>Statements in order. The thread's record is looked up where it is first needed, within a branch if only that needs it.</summary>
    private void EmitAll(IReadOnlyList<Statement> statements, bool isRecordWantedBehind)
    {
        for (int i = 0; i < statements.Count; i++)
        {
            bool isWantedBehind = isRecordWantedBehind || WantsRecord(statements, i + 1);
            if (!_hasRecord && ProgramNeeds.Record(statements[i]) && (isWantedBehind || !CanWait(statements[i])))
                EmitLookup();
            Emit(statements[i], isWantedBehind);
        }
    }

    private static bool WantsRecord(IReadOnlyList<Statement> statements, int from)
    {
        for (int i = from; i < statements.Count; i++)
        {
            if (ProgramNeeds.Record(statements[i]))
                return true;
        }

        return false;
    }

    /// <summary>Whether the lookup of the record can be left to one of a statement's branches.</summary>
    private static bool CanWait(Statement statement) =>
        statement is If choice && !ProgramNeeds.Record(choice.Condition) && !(WantsRecord(choice.Then, 0) && WantsRecord(choice.Else, 0));

    private void Emit(Statement statement, bool isRecordWantedBehind)
    {
        switch (statement)
        {
            case SetLocal set:
                Operand value = Evaluate(set.Value);
                Store(_locals[set.Index], value);
                _registers.Give(value);
                break;
            case If choice:
                EmitIf(choice, isRecordWantedBehind);
                break;
            case Repeat loop:
                EmitRepeat(loop);
                break;
            case Loop loop:
                EmitLoop(loop);
                break;
            case Break:
                A.jmp(_loops.Peek().End);
                break;
            case Continue:
                A.jmp(_loops.Peek().Next);
                break;
            case Stop:
                A.jmp(_leave);
                break;
            case Aggregate aggregate:
                EmitAggregate(aggregate);
                break;
            case DeleteKey delete:
                EmitDelete(delete);
                break;
            case Emit emit:
                EmitEvent(emit);
                break;
            case FollowCall follow:
                EmitFollow(follow);
                break;
            default:
                throw new ArgumentException($"not a statement of a checked program: {statement.GetType().Name}", nameof(statement));
        }
    }

    private void EmitIf(If choice, bool isRecordWantedBehind)
    {
        Label otherwise = _code.NewLabel(), end = _code.NewLabel();
        Branch(choice.Condition, otherwise, when: false);
        EmitBranch(choice.Then, isRecordWantedBehind);
        if (choice.Else.Count > 0)
            A.jmp(end);
        _code.Mark(otherwise);
        EmitBranch(choice.Else, isRecordWantedBehind);
        _code.Mark(end);
    }

    /// <summary>What is looked up within a branch is not known behind it.</summary>
    private void EmitBranch(IReadOnlyList<Statement> statements, bool isRecordWantedBehind)
    {
        bool hadRecord = _hasRecord;
        EmitAll(statements, isRecordWantedBehind);
        if (hadRecord || !_hasRecord)
            return;
        _hasRecord = false;
        if (_needsThreadId)
            _registers.Give(_threadId.Register);
    }
}
