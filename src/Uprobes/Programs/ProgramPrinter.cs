using System.Globalization;
using System.Text;

namespace Uprobes.Programs;

/// <summary>
/// Programs as text, a statement a line, for messages and failing tests. Any program can be printed, a wrong one too: what is beyond
/// the limits of programs is shown as three dots.
/// </summary>
internal sealed class ProgramPrinter
{
    private readonly StringBuilder _text;
    private readonly ExpressionPrinter _expressions;
    private int _statements = ProgramLimits.Nodes;

    private ProgramPrinter(StringBuilder text) => (_text, _expressions) = (text, new(text, ProgramLimits.Nodes));

    /// <summary>A group: its maps and events, then its programs.</summary>
    internal static string Print(ProgramGroup group)
    {
        StringBuilder text = new();
        for (int i = 0; i < group.Maps.Count; i++)
        {
            Channels.MapDefinition map = group.Maps[i];
            text.Append(CultureInfo.InvariantCulture, $"map @{i} {map.Name}: {map.Kind} of {map.ValueType} [{string.Join(", ", map.Keys)}] at most {map.Capacity}");
            if (map.Kind == Channels.AggregateKind.LinearHistogram)
                text.Append(CultureInfo.InvariantCulture, $", {map.Steps.Least} to {map.Steps.Limit} by {map.Steps.Width}");

            if (map.Bits > 0)
                text.Append(CultureInfo.InvariantCulture, $", powers of two in {1 << map.Bits}");

            text.Append('\n');
        }

        for (int i = 0; i < group.Events.Count; i++)
            text.Append(CultureInfo.InvariantCulture, $"event !{i} {group.Events[i].Name}({string.Join(", ", group.Events[i].Fields)})\n");

        IEnumerable<ProbePrograms> parts = group.OfProbes.Count == 0 ? [new(group.Entry, group.Return)]
            : group.OfProbes.Distinct(ReferenceEqualityComparer.Instance).Cast<ProbePrograms>();
        foreach (ProbePrograms part in parts)
        {
            text.Append("entry");
            new ProgramPrinter(text).Append(part.Entry);
            if (part.Return is not null)
            {
                text.Append("return");
                new ProgramPrinter(text).Append(part.Return);
            }
        }

        return text.ToString();
    }

    /// <summary>A program: its locals, then its statements. Maps, events and locals have their numbers behind @, ! and $.</summary>
    internal static string Print(ProbeProgram program)
    {
        StringBuilder text = new();
        new ProgramPrinter(text).Append(program);
        return text.ToString();
    }

    private void Append(ProbeProgram program)
    {
        _text.Append(CultureInfo.InvariantCulture, $"({string.Join(", ", program.Locals.Select((type, i) => $"{type} ${i}"))})\n");
        Append(program.Body, 1);
    }

    private void Append(IReadOnlyList<Statement> statements, int level)
    {
        foreach (Statement statement in statements)
        {
            _text.Append(' ', level * 2);
            if (--_statements < 0 || level > ProgramLimits.StatementDepth)
            {
                _text.Append("...\n");
                return;
            }

            AppendHead(statement);
            _text.Append('\n');
            AppendInside(statement, level);
        }
    }

    private void AppendInside(Statement statement, int level)
    {
        switch (statement)
        {
            case If choice:
                Append(choice.Then, level + 1);
                if (choice.Else.Count == 0)
                    break;

                _text.Append(' ', level * 2).Append("else\n");
                Append(choice.Else, level + 1);
                break;
            case Repeat loop:
                Append(loop.Body, level + 1);
                break;
            case Loop loop:
                Append(loop.Body, level + 1);
                if (loop.Spent.Count == 0)
                    break;

                _text.Append(' ', level * 2).Append("spent\n");
                Append(loop.Spent, level + 1);
                break;
        }
    }

    private void AppendHead(Statement statement)
    {
        switch (statement)
        {
            case SetLocal set:
                _text.Append(CultureInfo.InvariantCulture, $"${set.Index} = ");
                _expressions.Append(set.Value);
                break;
            case If choice:
                _text.Append("if ");
                _expressions.Append(choice.Condition);
                break;
            case Repeat loop:
                _text.Append(CultureInfo.InvariantCulture, $"repeat ${loop.Counter} {loop.Times}");
                break;
            case Loop:
                _text.Append("loop");
                break;
            case Break:
                _text.Append("break");
                break;
            case Continue:
                _text.Append("continue");
                break;
            case Stop:
                _text.Append("stop");
                break;
            case Aggregate aggregate:
                AppendAggregate(aggregate);
                break;
            case DeleteKey delete:
                _text.Append("delete ");
                _expressions.AppendCell(delete.Map, delete.Key);
                break;
            case Emit emit:
                _text.Append(CultureInfo.InvariantCulture, $"emit !{emit.Event}(");
                _expressions.AppendList(emit.Fields);
                _text.Append(')');
                break;
            case FollowCall follow:
                _text.Append("follow(");
                _expressions.AppendList(follow.Words);
                _text.Append(')');
                break;
            default:
                _text.Append(statement.GetType().Name);
                break;
        }
    }

    private void AppendAggregate(Aggregate aggregate)
    {
        _text.Append(aggregate.Value is null ? "count " : "put ");
        _expressions.AppendCell(aggregate.Map, aggregate.Key);
        if (aggregate.Value is null)
            return;

        _text.Append(' ');
        _expressions.Append(aggregate.Value);
    }
}
