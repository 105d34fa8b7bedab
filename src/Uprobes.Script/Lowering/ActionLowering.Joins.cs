using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Script.Running;
using Uprobes.Script.Semantics;

namespace Uprobes.Script.Lowering;

/// <summary>Arrays of texts.</summary>
internal sealed partial class ActionLowering
{
    /// <summary>Sends all texts of an array that ends with a null pointer, at most <see cref="ScriptInterpreter.MostJoined"/>.</summary>
    private void SendJoined(CallExpression join)
    {
        TextType type = new(script.Options.MaxStringLength);
        Expression array = InLocal(Integer(join.Arguments[0]));
        int count = NewLocal(DataType.U64);
        int[] pointers = [.. Enumerable.Range(0, ScriptInterpreter.MostJoined).Select(_ => NewLocal(DataType.U64))];
        foreach (int local in (int[])[count, .. pointers])
            Set(local, new Constant(0, DataType.U64));
        for (int i = 0; i < pointers.Length; i++)
        {
            int index = i;
            List<Statement> read = Within(() =>
            {
                Set(pointers[index], new Load(new Binary(BinaryOperator.Add, array, new Constant(8 * index, array.Type)), DataType.U64));
                _statements.Add(new If(new LocalValue(pointers[index], DataType.U64), Within(() => Set(count, new Constant(index + 1, DataType.U64))), []));
            });
            if (i == 0)
                _statements.AddRange(read);
            else
                _statements.Add(new If(new LocalValue(pointers[i - 1], DataType.U64), read, []));
        }

        TypedExpression separator = join.Arguments.Count > 1 ? join.Arguments[1] : new TextConstantExpression(" "u8.ToArray(), join.Span);
        TypedExpression[] texts = [.. pointers.Select(pointer => new LocalExpression(new LocalValue(pointer, DataType.U64), type, join.Span))];
        Send(new ExpressionStatement(join with { Function = ScriptFunction.JoinOf, Arguments = [separator, new LocalExpression(new LocalValue(count, DataType.U64), ScriptType.U64, join.Span), .. texts] }, join.Span));
    }

    /// <summary>What a local of the program holds or, of a text, points to: none where it points nowhere.</summary>
    private sealed record LocalExpression(LocalValue Local, ScriptType Type, Syntax.SourceSpan Span) : TypedExpression(Type, Span);

    private static FieldExpression LocalField(LocalExpression expression, List<Expression> values, List<LoweredField> fields) => expression.Type is TextType text
        ? Field(expression, new Conditional(expression.Local, new LoadText(expression.Local, StoredTypes.Text(text).Capacity), new TextConstant(default, StoredTypes.Text(text).Capacity)), StoredTypes.MostBytes(text), values, fields)
        : Field(expression, expression.Local, 0, values, fields);
}
