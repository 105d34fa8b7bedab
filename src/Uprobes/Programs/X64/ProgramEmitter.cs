using Iced.Intel;
using Uprobes.Channels;
using static Iced.Intel.AssemblerRegisters;

namespace Uprobes.Programs.X64;

/// <summary>
/// Makes the code of one program once. Values of expressions are in registers that <see cref="RegisterFile"/> gives out; rax, rcx and
/// rdx are free between any two steps (but rax has the flags where these are not pushed), and nothing is kept in them.
/// Everything the code writes that belongs to a thread alone is written by single instructions that read and write or by
/// loops around cmpxchg, so that a signal handler that hits a probe at any instruction finds and leaves things in order.
/// </summary>
internal sealed partial class ProgramEmitter
{
    private readonly ProgramGroup _group;
    private readonly ProbeProgram _program;
    private readonly CodeEnvironment _environment;
    private readonly bool _isReturn;
    private readonly CodePlan _plan;
    private readonly CodeBuffer _code = new();
    private readonly RegisterFile _registers;
    private readonly bool _needsThreadId;
    private readonly List<Action> _cold = [];
    private readonly Operand[] _locals;
    private readonly Label _leave, _leaveWithoutFrame, _end;

    /// <summary>Words on the stack above what the code found there.</summary>
    private readonly int _pushed;

    private Operand _threadId;
    private bool _hasRecord;

    internal ProgramEmitter(ProgramGroup group, ProbeProgram program, CodeEnvironment environment, bool isReturn, CodePlan plan)
    {
        (_group, _program, _environment, _isReturn, _plan) = (group, program, environment, isReturn, plan);
        RegisterSet read = ProgramNeeds.ReadRegisters(program);
        _registers = plan.UsesFrame
            ? new(read, Gpr.Rsi, Gpr.Rdi, Gpr.R8, Gpr.R9, Gpr.R10, Gpr.R11)
            : new(read, Gpr.Rsi, Gpr.Rdi, Gpr.R8, Gpr.R9, Gpr.R10);
        _needsThreadId = ProgramNeeds.ThreadId(program);
        _locals = new Operand[program.Locals.Count];
        _pushed = plan.UsesFrame ? CodePlan.MostPushed : plan.SmallPushed;
        (_leave, _leaveWithoutFrame, _end) = (_code.NewLabel(), _code.NewLabel(), _code.NewLabel());
    }

    private Assembler A => _code.Assembler;

    private ChannelLayout Layout => _environment.Layout;

    /// <summary>The register that has the address of the thread's record, once there is one.</summary>
    private Gpr Record => _plan.UsesFrame ? Gpr.Rbp : Gpr.R11;

    private int OriginalStack => (8 * _pushed) + (_isReturn ? ProgramCode.OriginalStackAtReturn : ProgramCode.OriginalStackAtEntry);

    /// <summary>Makes the code.</summary>
    /// <returns>The plan that it turned out to need. The code is good if that is the plan that it was made with.</returns>
    internal CodePlan Emit()
    {
        if (_program.Body.Count == 0)
            return _plan;

        EmitPrologue();
        if (_plan.UsesFrame)
        {
            EmitLookup();
            EmitFrame();
        }

        EmitLocals();
        EmitAll(_program.Body, isRecordWantedBehind: false);
        EmitEpilogue();
        if (_cold.Count > 0)
        {
            A.jmp(_end);

            // A cold part may bring others along.
            for (int i = 0; i < _cold.Count; i++)
                _cold[i]();
        }

        _code.Mark(_end);
        CodePlan outcome = _plan with { Touched = _plan.Touched | _registers.Touched };
        bool isTooLarge = _registers.HasOverflowed || outcome.SmallPushed > CodePlan.MostPushed - (outcome.PushesFlags ? 0 : 1);
        if (_plan.UsesFrame && _registers.HasOverflowed)
            throw new InvalidOperationException("The program's code needs more registers than there are.");
        return !_plan.UsesFrame && isTooLarge ? new(UsesFrame: true, default) : outcome;
    }

    internal ProgramCode Build() => _code.Build();

    /// <summary>
    /// Without a frame:
    /// <code>
    ///     push  rax
    ///     lahf                            ; SF ZF AF PF CF
    ///     seto  al                        ; OF
    ///     push  rax                       ; only if rax is needed
    ///     push  rdx                       ; and whatever else is changed
    /// </code>
    /// With one, rdx, r11, rbx and rbp are pushed here; the others are saved in the frame.
    /// </summary>
    private void EmitPrologue()
    {
        A.push(rax);
        A.lahf();
        A.seto(al);
        if (_plan.PushesFlags)
            A.push(rax);
        foreach (Gpr register in PushedRegisters())
            A.push(register.Q);
    }

    /// <summary>
    /// <code>
    /// leave:
    ///     ...                             ; with a frame: gives it back
    ///     pop   rdx                       ; and so on
    ///     pop   rax                       ; only if the flags were pushed
    ///     add   al, 0x7f                  ; OF
    ///     sahf
    ///     pop   rax
    /// </code>
    /// </summary>
    private void EmitEpilogue()
    {
        if (_plan.UsesFrame)
            EmitFrameEnd();
        else
            _code.Mark(_leave);
        foreach (Gpr register in PushedRegisters().Reverse())
            A.pop(register.Q);
        if (_plan.PushesFlags)
            A.pop(rax);
        A.add(al, 0x7F);
        A.sahf();
        A.pop(rax);
    }

    /// <summary>What is pushed after the flags, in order.</summary>
    private IEnumerable<Gpr> PushedRegisters() => _plan.UsesFrame
        ? [Gpr.Rdx, Gpr.R11, Gpr.Rbx, Gpr.Rbp]
        : _plan.Touched.Without(Gpr.Rax).Without(Gpr.Rcx).All();

    /// <summary>A register of the target, as it is at the site: where it still is, or where it is saved.</summary>
    private Operand Original(Gpr register)
    {
        if (register == Gpr.Rcx)
            return Operand.Word(Gpr.Rsp, 8 * _pushed);
        if (register == Gpr.Rax)
            return Operand.Word(Gpr.Rsp, 8 * (_pushed - 1));

        int place = _plan.PushesFlags ? 2 : 1;
        foreach (Gpr pushed in PushedRegisters())
        {
            place++;
            if (pushed == register)
                return Operand.Word(Gpr.Rsp, 8 * (_pushed - place));
        }

        return _plan.UsesFrame && _plan.Touched.Contains(register) ? SavedInFrame(register) : Operand.InPlace(register);
    }

    /// <summary>A change of a register that belongs to no value.</summary>
    private void Touch(Gpr register) => _registers.Touch(register);

    /// <summary>Code that is seldom run, put behind the rest.</summary>
    private void Cold(Action emit) => _cold.Add(emit);
}
