using System.Globalization;

namespace Uprobes.Script.Syntax;

/// <summary>Expressions, with a parenthesis around every operation that stands in another one.</summary>
internal sealed partial class SyntaxPrinter
{
    private void Write(ExpressionSyntax expression)
    {
        switch (expression)
        {
            case IntegerSyntax integer:
                _text.Append(integer.Value.ToString(CultureInfo.InvariantCulture));
                break;
            case BooleanSyntax boolean:
                _text.Append(boolean.Value ? "true" : "false");
                break;
            case TextSyntax text:
                WriteQuoted(text.Bytes.Span);
                break;
            case NamedExpressionSyntax name:
                _text.Append(name.Name);
                break;
            case VariableSyntax variable:
                _text.Append('$').Append(variable.Name);
                break;
            case MapSyntax map:
                _text.Append('@').Append(map.Name);
                if (map.Keys is { } keys)
                    WriteList("[", keys, "]");
                break;
            case PositionalSyntax positional:
                _text.Append('$').Append(positional.Number.ToString(CultureInfo.InvariantCulture));
                break;
            case PositionalCountSyntax:
                _text.Append("$#");
                break;
            case CallSyntax call:
                _text.Append(call.Name.Text);
                WriteList("(", call.Arguments, ")");
                break;
            case MemberSyntax member:
                WriteOperand(member.Target);
                _text.Append('.').Append(member.Name.Text);
                break;
            case ElementSyntax element:
                WriteOperand(element.Target);
                _text.Append('.').Append(element.Index.ToString(CultureInfo.InvariantCulture));
                break;
            case IndexSyntax index:
                WriteOperand(index.Target);
                WriteList("[", [index.Index], "]");
                break;
            case TupleSyntax tuple:
                WriteList("(", tuple.Elements, tuple.Elements.Count == 1 ? ",)" : ")");
                break;
            case RecordSyntax record:
                _text.Append('(');
                WriteList(record.Fields, field =>
                {
                    _text.Append(field.Name.Text).Append(" = ");
                    Write(field.Value);
                });
                _text.Append(')');
                break;
            default:
                WriteOperation(expression);
                break;
        }
    }

    private void WriteOperation(ExpressionSyntax expression)
    {
        switch (expression)
        {
            case UnarySyntax unary:
                _text.Append(Operators.Symbol(unary.Operator));
                WriteOperand(unary.Operand);
                break;
            case IncrementSyntax increment:
                string symbol = increment.IsIncrement ? "++" : "--";
                _text.Append(increment.IsPrefix ? symbol : "");
                WriteOperand(increment.Target);
                _text.Append(increment.IsPrefix ? "" : symbol);
                break;
            case AddressSyntax address:
                _text.Append('&');
                WriteOperand(address.Target);
                break;
            case BinarySyntax binary:
                WriteOperand(binary.Left);
                _text.Append(' ').Append(Operators.Symbol(binary.Operator)).Append(' ');
                WriteOperand(binary.Right);
                break;
            case ConditionalSyntax conditional:
                WriteOperand(conditional.Condition);
                _text.Append(" ? ");
                if (conditional.WhenTrue is { } whenTrue)
                    WriteOperand(whenTrue);
                _text.Append(" : ");
                WriteOperand(conditional.WhenFalse);
                break;
            case CastSyntax cast:
                _text.Append('(');
                Write(cast.Type);
                _text.Append(')');
                WriteOperand(cast.Operand);
                break;
            case ComptimeSyntax comptime:
                _text.Append("comptime ");
                WriteOperand(comptime.Operand);
                break;
            case SizeofSyntax size:
                _text.Append("sizeof(");
                WriteTypeOrExpression(size.Type, size.Expression);
                _text.Append(')');
                break;
            case OffsetofSyntax offset:
                _text.Append("offsetof(");
                WriteTypeOrExpression(offset.Type, offset.Expression);
                _text.Append(", ").AppendJoin('.', offset.Fields.Select(field => field.Text)).Append(')');
                break;
            case IfSyntax choice:
                _text.Append("if (");
                Write(choice.Condition);
                _text.Append(") ");
                Write(choice.Then);
                if (choice.Else is { } otherwise)
                {
                    _text.Append(" else ");
                    Write(otherwise);
                }

                break;
            case BlockSyntax block:
                WriteBlock(block);
                break;
        }
    }

    private void WriteTypeOrExpression(TypeSyntax? type, ExpressionSyntax? expression)
    {
        if (type is not null)
            Write(type);
        if (expression is not null)
            Write(expression);
    }

    /// <summary>An expression where another one is its neighbour.</summary>
    private void WriteOperand(ExpressionSyntax expression)
    {
        bool isOperation = expression is UnarySyntax or IncrementSyntax or AddressSyntax or BinarySyntax or ConditionalSyntax or CastSyntax or ComptimeSyntax or IfSyntax or BlockSyntax;
        if (isOperation)
            _text.Append('(');
        Write(expression);
        if (isOperation)
            _text.Append(')');
    }

    private void WriteList(string opening, IReadOnlyList<ExpressionSyntax> list, string closing)
    {
        _text.Append(opening);
        WriteList(list, Write);
        _text.Append(closing);
    }

    /// <summary>A string literal, all but plain characters as escapes.</summary>
    private void WriteQuoted(ReadOnlySpan<byte> bytes)
    {
        _text.Append('"');
        foreach (byte value in bytes)
        {
            switch (value)
            {
                case (byte)'\n':
                    _text.Append("\\n");
                    break;
                case (byte)'\t':
                    _text.Append("\\t");
                    break;
                case (byte)'"' or (byte)'\\':
                    _text.Append('\\').Append((char)value);
                    break;
                case >= 32 and < 127:
                    _text.Append((char)value);
                    break;
                default:
                    _text.Append(CultureInfo.InvariantCulture, $@"\x{value:x2}");
                    break;
            }
        }

        _text.Append('"');
    }
}
