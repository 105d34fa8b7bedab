namespace Uprobes.Images.CallFrames;

/// <summary>Runs the instructions of call frame information up to a place of the code (DWARF 5, 6.4.2 and 7.24; LSB for those of GNU).</summary>
internal ref struct FrameProgram
{
    /// <summary>The registers that rules are kept of: the sixteen general ones of x86-64 and the return address.</summary>
    internal const int Registers = 17;

    private const int MostBytes = 1 << 20, MostRemembered = 64;
    private readonly FrameSection _section;
    private readonly FrameEntry _entry;
    private readonly ulong _address;
    private ulong _location;
    private State _state;
    private State? _initial;
    private Stack<State>? _remembered;

    private FrameProgram(FrameSection section, FrameEntry entry, ulong address)
    {
        (_section, _entry, _address, _location) = (section, entry, address, entry.Start);
        _state = new State();
    }

    /// <summary>The row of an address.</summary>
    /// <param name="section">The section that the entry is of.</param>
    /// <param name="entry">An entry.</param>
    /// <param name="address">A link-time address in its range.</param>
    /// <returns>Null where the instructions up to there are not valid, or define no CFA.</returns>
    internal static FrameRow? Run(FrameSection section, in FrameEntry entry, ulong address)
    {
        CommonFrame common = entry.Common;
        if (entry.InstructionsEnd - entry.Instructions > MostBytes || common.InstructionsEnd - common.Instructions > MostBytes || common.ReturnRegister >= Registers)
            return null;
        var program = new FrameProgram(section, entry, address);
        // The common instructions are those of the range's start; what they say is what restoring goes back to.
        if (!program.TryRun(common.Instructions, common.InstructionsEnd))
            return null;
        program._initial = program._state.Copy();
        program._remembered?.Clear();
        if (program._location > address || !program.TryRun(entry.Instructions, entry.InstructionsEnd) || program._state.Cfa.Kind == FrameRuleKind.Unspecified)
            return null;
        return program.ToRow();
    }

    private readonly FrameRow ToRow() => new()
    {
        Section = _section,
        Cfa = _state.Cfa,
        CfaOffset = _state.CfaOffset,
        Rules = Array.FindAll(_state.Rules, rule => rule.Kind != FrameRuleKind.Unspecified),
        ReturnRegister = (int)_entry.Common.ReturnRegister,
        IsSignalFrame = _entry.Common.IsSignalFrame,
        Start = _location,
    };

    /// <summary>The rules at one place.</summary>
    private sealed class State
    {
        internal FrameRule Cfa;
        internal long CfaOffset;
        internal FrameRule[] Rules = new FrameRule[Registers];

        internal State Copy() => new() { Cfa = Cfa, CfaOffset = CfaOffset, Rules = (FrameRule[])Rules.Clone() };
    }

    private bool TryRun(int start, int end)
    {
        var reader = new SpanReader(_section.Bytes[..end]);
        reader.TrySeek(start);
        while (reader.TryReadByte(out byte code))
        {
            int low = code & 0x3f;
            bool valid = (code >> 6) switch
            {
                1 => TryAdvance((ulong)low, ref reader),
                2 => reader.TryReadUleb(out ulong factor) && SetOffset((ulong)low, (long)factor),
                3 => Restore((ulong)low),
                _ => TryExtended(code, ref reader),
            };
            if (!valid)
                return false;
        }

        return true;
    }

    // Instructions behind the address are of no interest: the reader goes to its end.
    private bool TryAdvance(ulong factor, ref SpanReader reader)
    {
        ulong delta = unchecked(factor * _entry.Common.CodeAlignment);
        return MoveTo(unchecked(_location + delta), ref reader);
    }

    private bool MoveTo(ulong location, ref SpanReader reader)
    {
        if (location < _location)
            return false;
        if (location > _address)
            return reader.TrySkip((ulong)reader.Remaining);
        _location = location;
        return true;
    }

    private bool TryExtended(byte code, ref SpanReader reader)
    {
        switch (code)
        {
            case 0x00: // DW_CFA_nop
                return true;
            case 0x01: // DW_CFA_set_loc
                return FrameReader.TryReadPointer(ref reader, _entry.Common.Encoding, _section.Address, out ulong location) && MoveTo(location, ref reader);
            case 0x02: // DW_CFA_advance_loc1
                return reader.TryReadByte(out byte one) && TryAdvance(one, ref reader);
            case 0x03: // DW_CFA_advance_loc2
                return reader.TryReadUInt16(out ushort two) && TryAdvance(two, ref reader);
            case 0x04: // DW_CFA_advance_loc4
                return reader.TryReadUInt32(out uint four) && TryAdvance(four, ref reader);
            case 0x1d: // DW_CFA_MIPS_advance_loc8
                return reader.TryReadUInt64(out ulong eight) && TryAdvance(eight, ref reader);
            case 0x0a: // DW_CFA_remember_state
                _remembered ??= new Stack<State>();
                _remembered.Push(_state.Copy());
                return _remembered.Count <= MostRemembered;
            case 0x0b: // DW_CFA_restore_state
                if (_remembered is null || !_remembered.TryPop(out State? remembered))
                    return false;
                _state = remembered;
                return true;
            case 0x2e: // DW_CFA_GNU_args_size: bytes of arguments that only catching an exception has to know
                return reader.TryReadUleb(out _);
            case 0x0c or 0x0d or 0x0e or 0x0f or 0x12 or 0x13:
                return TryCfa(code, ref reader);
            default:
                return reader.TryReadUleb(out ulong register) && TryRule(code, register, ref reader);
        }
    }

    private readonly bool TryCfa(byte code, ref SpanReader reader)
    {
        ulong register, offset;
        long signed;
        switch (code)
        {
            case 0x0c: // DW_CFA_def_cfa
                return reader.TryReadUleb(out register) && reader.TryReadUleb(out offset) && SetCfa(register, (long)offset);
            case 0x12: // DW_CFA_def_cfa_sf
                return reader.TryReadUleb(out register) && reader.TryReadSleb(out signed) && SetCfa(register, Scaled(signed));
            case 0x0d: // DW_CFA_def_cfa_register
                return reader.TryReadUleb(out register) && _state.Cfa.Kind == FrameRuleKind.Register && SetCfa(register, _state.CfaOffset);
            case 0x0e: // DW_CFA_def_cfa_offset
                return reader.TryReadUleb(out offset) && _state.Cfa.Kind == FrameRuleKind.Register && SetCfa((ulong)_state.Cfa.Value, (long)offset);
            case 0x13: // DW_CFA_def_cfa_offset_sf
                return reader.TryReadSleb(out signed) && _state.Cfa.Kind == FrameRuleKind.Register && SetCfa((ulong)_state.Cfa.Value, Scaled(signed));
            default: // DW_CFA_def_cfa_expression
                if (!TryReadExpression(ref reader, out int start, out int length))
                    return false;
                (_state.Cfa, _state.CfaOffset) = (new FrameRule(FrameRuleKind.Expression, 0, start, length), 0);
                return true;
        }
    }

    private readonly bool TryRule(byte code, ulong register, ref SpanReader reader)
    {
        ulong number;
        long signed;
        switch (code)
        {
            case 0x05: // DW_CFA_offset_extended
                return reader.TryReadUleb(out number) && SetOffset(register, (long)number);
            case 0x06: // DW_CFA_restore_extended
                return Restore(register);
            case 0x07: // DW_CFA_undefined
                return Set(register, FrameRuleKind.Undefined);
            case 0x08: // DW_CFA_same_value
                return Set(register, FrameRuleKind.SameValue);
            case 0x09: // DW_CFA_register
                return reader.TryReadUleb(out number) && number <= byte.MaxValue && Set(register, FrameRuleKind.Register, (long)number);
            case 0x10 or 0x16: // DW_CFA_expression, DW_CFA_val_expression
                return TryReadExpression(ref reader, out int start, out int length)
                    && Set(register, code == 0x10 ? FrameRuleKind.Expression : FrameRuleKind.ValueExpression, start, length);
            case 0x11: // DW_CFA_offset_extended_sf
                return reader.TryReadSleb(out signed) && SetOffset(register, signed);
            case 0x14: // DW_CFA_val_offset
                return reader.TryReadUleb(out number) && Set(register, FrameRuleKind.ValueOffset, Scaled((long)number));
            case 0x15: // DW_CFA_val_offset_sf
                return reader.TryReadSleb(out signed) && Set(register, FrameRuleKind.ValueOffset, Scaled(signed));
            case 0x2f: // DW_CFA_GNU_negative_offset_extended
                return reader.TryReadUleb(out number) && SetOffset(register, unchecked(-(long)number));
            default:
                return false;
        }
    }

    private static bool TryReadExpression(ref SpanReader reader, out int start, out int length)
    {
        (start, length) = (0, 0);
        if (!reader.TryReadUleb(out ulong size))
            return false;
        start = reader.Position;
        if (!reader.TrySkip(size))
            return false;
        length = (int)size;
        return true;
    }

    private readonly long Scaled(long factor) => unchecked(factor * _entry.Common.DataAlignment);

    private readonly bool SetCfa(ulong register, long offset)
    {
        if (register >= Registers)
            return false;
        (_state.Cfa, _state.CfaOffset) = (new FrameRule(FrameRuleKind.Register, 0, (long)register, 0), offset);
        return true;
    }

    private readonly bool SetOffset(ulong register, long factor) => Set(register, FrameRuleKind.Offset, Scaled(factor));

    private readonly bool Set(ulong register, FrameRuleKind kind, long value = 0, int length = 0)
    {
        // Others, of vectors for example, may have rules too; nobody asks for them.
        if (register < Registers)
            _state.Rules[register] = new FrameRule(kind, (byte)register, value, length);
        return true;
    }

    private readonly bool Restore(ulong register)
    {
        if (_initial is null)
            return false;
        if (register < Registers)
            _state.Rules[register] = _initial.Rules[register];
        return true;
    }
}
