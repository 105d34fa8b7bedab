namespace Uprobes.Script.Syntax;

/// <summary>Statements, a line each.</summary>
internal sealed partial class SyntaxPrinter
{
    private void WriteBlock(BlockSyntax block)
    {
        _text.Append('{');
        _indent++;
        foreach (StatementSyntax statement in block.Statements)
        {
            NewLine();
            Write(statement);
        }

        if (block.Result is { } result)
        {
            NewLine();
            Write(result);
        }

        _indent--;
        NewLine();
        _text.Append('}');
    }

    private void NewLine() => _text.Append('\n').Append(' ', _indent * 4);

    private void Write(StatementSyntax statement)
    {
        switch (statement)
        {
            case ExpressionStatementSyntax { Expression: IfSyntax or BlockSyntax } plain:
                Write(plain.Expression);
                return;
            case WhileSyntax loop:
                WriteLoop("while (", loop.Condition, ") ", loop.Body);
                return;
            case UnrollSyntax loop:
                WriteLoop("unroll (", loop.Count, ") ", loop.Body);
                return;
            case ForMapSyntax loop:
                WriteLoop($"for (${loop.Variable.Name} : ", loop.Map, ") ", loop.Body);
                return;
            case ForRangeSyntax loop:
                _text.Append("for ($").Append(loop.Variable.Name).Append(" : ");
                WriteOperand(loop.Start);
                WriteLoop("..", loop.End, ") ", loop.Body);
                return;
            case ExpressionStatementSyntax plain:
                Write(plain.Expression);
                break;
            case AssignmentSyntax assignment:
                Write(assignment.Target);
                _text.Append(' ').Append(assignment.Operator is { } operation ? Operators.Symbol(operation) : "").Append("= ");
                Write(assignment.Value);
                break;
            case DiscardSyntax discard:
                _text.Append("_ = ");
                Write(discard.Value);
                break;
            case LetSyntax let:
                _text.Append("let $").Append(let.Variable.Name);
                if (let.Type is { } type)
                {
                    _text.Append(" : ");
                    Write(type);
                }

                if (let.Value is { } value)
                {
                    _text.Append(" = ");
                    Write(value);
                }

                break;
            case JumpSyntax jump:
                _text.Append(jump.Kind switch { JumpKind.Break => "break", JumpKind.Continue => "continue", _ => "return" });
                if (jump.Value is { } returned)
                {
                    _text.Append(' ');
                    Write(returned);
                }

                break;
        }

        _text.Append(';');
    }

    private void WriteLoop(string before, ExpressionSyntax head, string after, BlockSyntax body)
    {
        _text.Append(before);
        WriteOperand(head);
        _text.Append(after);
        Write(body);
    }
}
