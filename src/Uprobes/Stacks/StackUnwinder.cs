using Uprobes.Images.CallFrames;
using Uprobes.Stacks.X64;

namespace Uprobes.Stacks;

/// <summary>
/// Finds the calls that a thread was in, from what was captured of its stack. It keeps no state of its own: what is known of code is
/// kept with the <see cref="MappedImages"/>. Whatever the bytes are, it ends: every frame but one that a signal interrupted is above
/// the one before, and their number is bounded.
/// </summary>
internal static class StackUnwinder
{
    /// <summary>As many frames as the kernel keeps of a stack (perf_event_max_stack).</summary>
    internal const int MostFrames = 127;

    /// <summary>Unwinds a stack.</summary>
    /// <param name="stack">What was captured.</param>
    /// <param name="images">What the process had mapped then.</param>
    /// <param name="frames">Takes addresses, innermost first: that of the instruction, then return addresses, except that above a signal's
    /// frame comes the interrupted instruction itself. At most <see cref="MostFrames"/>.</param>
    /// <param name="thunks">Knows replaced return addresses, or null.</param>
    internal static StackUnwinding Unwind(scoped in CapturedStack stack, MappedImages images, Span<ulong> frames, IReturnThunks? thunks = null)
    {
        StackRegisters registers = stack.Registers;
        int most = Math.Min(frames.Length, MostFrames), count = 0;
        if (!registers.TryGet(StackRegisters.Rip, out ulong address) || !registers.Knows(StackRegisters.Rsp))
            return new StackUnwinding(0, StackEnd.Broken);
        // A return address may be that behind the end of its function, if the call was to one that never returns.
        for (bool isExact = true; ; count++)
        {
            if (count == most)
                return new StackUnwinding(count, StackEnd.TooDeep);
            frames[count] = address;
            FrameStep step = images.StepAt(isExact ? address : address - 1);
            if (step.Kind == FrameStepKind.FramePointer && !isExact && images.IsTrampoline(address))
                step = FrameStep.Trampoline;
            bool isAtEntry = count == 0 && stack.IsAtEntry && step.Kind == FrameStepKind.FramePointer;
            ulong before = registers[StackRegisters.Rsp];
            StackEnd? end = isAtEntry ? PopReturn(ref registers, stack, 0, thunks) : Step(step, ref registers, stack, images, thunks);
            if (end is { } reason)
                return new StackUnwinding(count + 1, reason);
            address = registers[StackRegisters.Rip];
            if (address == 0)
                return new StackUnwinding(count + 1, StackEnd.Outermost);
            isExact = step.IsSignalFrame && !isAtEntry;
            // A handler may run on a stack of its own, anywhere. A leaf of hand-written code may have nothing on the stack but that.
            if (!isExact && registers[StackRegisters.Rsp] <= before)
                return new StackUnwinding(count + 1, StackEnd.Broken);
        }
    }

    private static StackEnd? Step(FrameStep step, ref StackRegisters registers, scoped in CapturedStack stack, MappedImages images, IReturnThunks? thunks)
    {
        switch (step.Kind)
        {
            case FrameStepKind.Row:
                return Apply(step.Row!, step.Bias, ref registers, stack, thunks);
            case FrameStepKind.Trampoline:
                return SignalFrame.TryRestore(ref registers, stack) ? null : StackEnd.Truncated;
            case FrameStepKind.Stub:
                return PopReturn(ref registers, stack, step.Pushed, thunks);
            case FrameStepKind.FramePointer:
                return FollowFramePointer(step, ref registers, stack, images, thunks);
            default:
                return StackEnd.Unmapped;
        }
    }

    private static StackEnd? Apply(FrameRow row, ulong bias, ref StackRegisters registers, scoped in CapturedStack stack, IReturnThunks? thunks)
    {
        ulong cfa;
        if (row.Cfa.Kind == FrameRuleKind.Register)
        {
            if (!registers.TryGet((int)row.Cfa.Value, out ulong start))
                return StackEnd.Broken;
            cfa = unchecked(start + (ulong)row.CfaOffset);
        }
        else if (!FrameExpression.TryEvaluate(row.ExpressionOf(row.Cfa), registers, stack, bias, null, out cfa))
        {
            return Missing(registers, stack);
        }

        // What a call does not keep is only known in code that a signal interrupted, and there a rule says so.
        StackRegisters caller = registers;
        caller.ForgetScratch();
        caller.Set(StackRegisters.Rsp, cfa);
        foreach (FrameRule rule in row.Rules)
        {
            if (rule.Kind == FrameRuleKind.Undefined)
            {
                if (rule.Register == row.ReturnRegister)
                    return StackEnd.Outermost;
                caller.Forget(rule.Register);
            }
            else if (TryValue(rule, row, cfa, bias, registers, stack, thunks, out ulong value))
            {
                caller.Set(rule.Register, value);
            }
            else if (rule.Register == row.ReturnRegister || rule.Register == StackRegisters.Rsp)
            {
                return stack.EndsBefore(unchecked(cfa - 8)) ? StackEnd.Truncated : StackEnd.Broken;
            }
            else
            {
                caller.Forget(rule.Register);
            }
        }

        if (!caller.TryGet(row.ReturnRegister, out ulong address))
            return StackEnd.Broken;
        caller.Set(StackRegisters.Rip, address);
        registers = caller;
        return null;
    }

    private static bool TryValue(
        in FrameRule rule, FrameRow row, ulong cfa, ulong bias, scoped in StackRegisters registers, scoped in CapturedStack stack, IReturnThunks? thunks, out ulong value)
    {
        ulong place;
        switch (rule.Kind)
        {
            case FrameRuleKind.Offset:
                place = unchecked(cfa + (ulong)rule.Value);
                break;
            case FrameRuleKind.Expression:
                if (FrameExpression.TryEvaluate(row.ExpressionOf(rule), registers, stack, bias, cfa, out place))
                    break;
                value = 0;
                return false;
            case FrameRuleKind.ValueOffset:
                value = unchecked(cfa + (ulong)rule.Value);
                return true;
            case FrameRuleKind.ValueExpression:
                return FrameExpression.TryEvaluate(row.ExpressionOf(rule), registers, stack, bias, cfa, out value);
            case FrameRuleKind.Register:
                return registers.TryGet((int)rule.Value, out value);
            default:
                return registers.TryGet(rule.Register, out value);
        }

        if (!stack.TryReadWord(place, out value))
            return false;
        if (rule.Register == row.ReturnRegister)
            value = thunks?.Original(value, place) ?? value;
        return true;
    }

    // The return address is a number of bytes above the stack pointer; nothing else has changed.
    private static StackEnd? PopReturn(ref StackRegisters registers, scoped in CapturedStack stack, ulong pushed, IReturnThunks? thunks)
    {
        ulong place = unchecked(registers[StackRegisters.Rsp] + pushed);
        if (!stack.TryReadWord(place, out ulong address))
            return StackEnd.Truncated;
        registers.Set(StackRegisters.Rip, thunks?.Original(address, place) ?? address);
        registers.Set(StackRegisters.Rsp, unchecked(place + 8));
        return null;
    }

    // push rbp; mov rbp, rsp. The register may as well hold anything else, so what it leads to has to look like that.
    private static StackEnd? FollowFramePointer(FrameStep step, ref StackRegisters registers, scoped in CapturedStack stack, MappedImages images, IReturnThunks? thunks)
    {
        ulong stackPointer = registers[StackRegisters.Rsp];
        if (!registers.TryGet(StackRegisters.Rbp, out ulong frame))
            return StackEnd.Broken;
        if (frame == 0 && step.MayBeStart)
            return StackEnd.Outermost;
        if (frame < stackPointer || (frame & 7) != 0)
            return StackEnd.Broken;
        if (!stack.TryReadWord(frame, out ulong saved) || !stack.TryReadWord(frame + 8, out ulong address))
            return StackEnd.Truncated;
        address = thunks?.Original(address, frame + 8) ?? address;
        if (address != 0 && !images.IsCode(address - 1))
            return StackEnd.Broken;
        StackRegisters caller = default;
        caller.Set(StackRegisters.Rip, address);
        caller.Set(StackRegisters.Rsp, frame + 16);
        caller.Set(StackRegisters.Rbp, saved);
        registers = caller;
        return null;
    }

    // An expression that could not read its memory: that of a handler's frame, for example, which is large.
    private static StackEnd Missing(in StackRegisters registers, scoped in CapturedStack stack) =>
        stack.EndsBefore(unchecked(registers[StackRegisters.Rsp] + 256)) ? StackEnd.Truncated : StackEnd.Broken;
}
