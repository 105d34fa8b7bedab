namespace Uprobes.Images.SourceLines;

/// <summary>One row of a line table.</summary>
/// <param name="Address">The link-time address that it begins at; it goes up to the next row's.</param>
/// <param name="File">The file's number.</param>
/// <param name="Line">The line, 0 for code that no line stands for.</param>
/// <param name="IsEnd">Whether it only ends the sequence.</param>
internal readonly record struct LineRow(ulong Address, ulong File, uint Line, bool IsEnd)
{
    /// <summary>The column of the line, from 1; 0 where the compiler does not say.</summary>
    internal uint Column { get; init; }

    /// <summary>Whether it is a place to stop at for the line: the beginning of a statement.</summary>
    internal bool IsStatement { get; init; }
}

/// <summary>Runs the program of a unit (DWARF 5, 6.2.5).</summary>
internal ref struct LineProgram
{
    private readonly LineUnit _unit;
    private SpanReader _reader;
    private LineRow _row;

    /// <summary>Stands before the first row.</summary>
    /// <param name="section">The section.</param>
    /// <param name="unit">One of its units.</param>
    /// <param name="start">Where to begin: at the unit's program or behind the end of a sequence.</param>
    internal LineProgram(LineSection section, LineUnit unit, int start)
    {
        _unit = unit;
        _reader = new SpanReader(section.Lines.AsSpan(0, unit.End));
        _reader.TrySeek(start);
        _row = First;
    }

    private readonly LineRow First => new(0, 1, 1, false) { IsStatement = _unit.BeginsWithStatements };

    /// <summary>Where the next instruction is.</summary>
    internal readonly int Position => _reader.Position;

    /// <summary>Runs up to the next row.</summary>
    /// <returns>False at the end, or where the program is not valid.</returns>
    internal bool TryNext(out LineRow row)
    {
        if (_row.IsEnd)
            _row = First;
        while (_reader.TryReadByte(out byte code))
        {
            bool isRow = false;
            if (code >= _unit.OpcodeBase)
                isRow = Special(code);
            else if (!(code == 0 ? TryExtended(ref isRow) : TryStandard(code, ref isRow)))
                break;
            if (!isRow)
                continue;
            row = _row;
            return true;
        }

        row = default;
        return false;
    }

    private bool Special(byte code)
    {
        int adjusted = code - _unit.OpcodeBase;
        Advance((ulong)(adjusted / _unit.LineRange));
        MoveLine(_unit.LineBase + (adjusted % _unit.LineRange));
        return true;
    }

    private void Advance(ulong operations) => _row = _row with { Address = unchecked(_row.Address + (operations * _unit.MinimumInstruction)) };

    private void MoveLine(long lines) => _row = _row with { Line = unchecked((uint)(_row.Line + lines)) };

    private bool TryExtended(ref bool isRow)
    {
        if (!_reader.TryReadUleb(out ulong length) || length == 0 || length > (ulong)_reader.Remaining)
            return false;
        int end = _reader.Position + (int)length;
        _reader.TryReadByte(out byte code);
        switch (code)
        {
            case 1: // DW_LNE_end_sequence
                _row = _row with { IsEnd = true };
                isRow = true;
                break;
            case 2: // DW_LNE_set_address
                if (length != 9 || !_reader.TryReadUInt64(out ulong address))
                    return false;
                _row = _row with { Address = address };
                break;
        }

        return _reader.TrySeek(end);
    }

    private bool TryStandard(byte code, ref bool isRow)
    {
        switch (code)
        {
            case 1: // DW_LNS_copy
                return isRow = true;
            case 2: // DW_LNS_advance_pc
                if (!_reader.TryReadUleb(out ulong operations))
                    return false;
                Advance(operations);
                return true;
            case 3: // DW_LNS_advance_line
                if (!_reader.TryReadSleb(out long lines))
                    return false;
                MoveLine(lines);
                return true;
            case 4: // DW_LNS_set_file
                if (!_reader.TryReadUleb(out ulong file))
                    return false;
                _row = _row with { File = file };
                return true;
            case 5: // DW_LNS_set_column
                if (!_reader.TryReadUleb(out ulong column))
                    return false;
                _row = _row with { Column = (uint)Math.Min(column, uint.MaxValue) };
                return true;
            case 6: // DW_LNS_negate_stmt
                _row = _row with { IsStatement = !_row.IsStatement };
                return true;
            case 8: // DW_LNS_const_add_pc
                Advance((ulong)((255 - _unit.OpcodeBase) / _unit.LineRange));
                return true;
            case 9: // DW_LNS_fixed_advance_pc
                if (!_reader.TryReadUInt16(out ushort bytes))
                    return false;
                _row = _row with { Address = unchecked(_row.Address + bytes) };
                return true;
            default: // What else there is says nothing of lines.
                for (int i = 0; i < _unit.Operands[code - 1]; i++)
                {
                    if (!_reader.TryReadUleb(out _))
                        return false;
                }

                return true;
        }
    }
}
