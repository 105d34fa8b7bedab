using System.Globalization;
using System.Text;

namespace Uprobes.Script.Syntax;

/// <summary>
/// Writes a tree as a script, in one form whatever its author's was: the parser makes the same tree of it, but for the places.
/// Definitions of structs stand before those that hold them.
/// </summary>
internal sealed partial class SyntaxPrinter
{
    private readonly StringBuilder _text = new();
    private readonly Dictionary<string, StructSyntax> _anonymous = new(StringComparer.Ordinal);
    private int _indent;

    internal static string Print(ScriptSyntax script)
    {
        SyntaxPrinter printer = new();
        printer.Write(script);
        return printer._text.ToString();
    }

    internal static string Print(ExpressionSyntax expression)
    {
        SyntaxPrinter printer = new();
        printer.Write(expression);
        return printer._text.ToString();
    }

    internal static string Print(TypeSyntax type)
    {
        SyntaxPrinter printer = new();
        printer.Write(type);
        return printer._text.ToString();
    }

    private void Write(ScriptSyntax script)
    {
        foreach (DefinitionSyntax definition in script.Definitions)
        {
            if (definition is StructSyntax { Name.Text: var name } type && name.Contains('(', StringComparison.Ordinal))
                _anonymous[name] = type; // it is written where it is used
            else
                Write(definition);
        }

        if (script.Options.Count > 0)
        {
            _text.Append("config = {\n");
            foreach (OptionSyntax option in script.Options)
            {
                _text.Append("    ").Append(option.Name.Text).Append(" = ");
                Write(option.Value);
                _text.Append(";\n");
            }

            _text.Append("}\n");
        }

        foreach (MapDeclarationSyntax map in script.Maps)
            _text.Append(CultureInfo.InvariantCulture, $"let @{map.Map.Text} = {map.Kind.Text}({map.Entries});\n");
        foreach (MacroSyntax macro in script.Macros)
        {
            _text.Append("macro ").Append(macro.Name.Text).Append('(');
            WriteList(macro.Parameters, parameter => _text.Append(parameter.Kind switch
            {
                MacroParameterKind.Variable => "$",
                MacroParameterKind.Map => "@",
                _ => "",
            }).Append(parameter.Name.Text));
            _text.Append(") ");
            Write(macro.Body);
            _text.Append('\n');
        }

        foreach (ProbeSyntax probe in script.Probes)
            Write(probe);
    }

    private void Write(ProbeSyntax probe)
    {
        WriteList(probe.AttachPoints, point => _text.Append(point.Name is { } name ? name.Text + "=" : "").Append(point.Text));
        if (probe.Predicate is { } predicate)
        {
            _text.Append(" / ");
            Write(predicate);
            _text.Append(" /");
        }

        _text.Append(' ');
        Write(probe.Body);
        _text.Append('\n');
    }

    private void Write(DefinitionSyntax definition)
    {
        switch (definition)
        {
            case StructSyntax type:
                Write(type, type.Name.Text);
                _text.Append(";\n");
                break;
            case EnumSyntax type:
                _text.Append("enum ").Append(type.Name?.Text).Append(" { ");
                WriteList(type.Members, member =>
                {
                    _text.Append(member.Name.Text);
                    if (member.Value is not { } value)
                        return;
                    _text.Append(" = ");
                    Write(value);
                });
                _text.Append(" };\n");
                break;
            case TypedefSyntax type:
                _text.Append("typedef ");
                WriteDeclaration(type.Type, type.Name.Text);
                _text.Append(";\n");
                break;
            case DefineSyntax define:
                _text.Append("#define ").Append(define.Name.Text);
                if (define.Value is { } defined)
                {
                    _text.Append(' ');
                    Write(defined);
                }

                _text.Append('\n');
                break;
        }
    }

    private void Write(StructSyntax type, string name)
    {
        _text.Append(type.IsUnion ? "union " : "struct ").Append(name).Append(" {\n");
        foreach (FieldSyntax field in type.Fields)
        {
            _text.Append("    ");
            WriteDeclaration(field.Type, field.Name?.Text ?? "");
            if (field.Bits is { } bits)
            {
                _text.Append(" : ");
                Write(bits);
            }

            _text.Append(";\n");
        }

        _text.Append('}').Append(type.IsPacked ? " __attribute__((packed))" : "");
    }

    /// <summary>As C does: the type before the name, its dimensions behind.</summary>
    private void WriteDeclaration(TypeSyntax type, string name)
    {
        List<ExpressionSyntax?> outermost = [];
        while (type is ArrayTypeSyntax array)
        {
            outermost.Add(array.Count);
            type = array.Element;
        }

        Write(type);
        if (name.Length > 0)
            _text.Append(' ').Append(name);
        foreach (ExpressionSyntax? dimension in outermost)
        {
            _text.Append('[');
            if (dimension is not null)
                Write(dimension);
            _text.Append(']');
        }
    }

    private void Write(TypeSyntax type)
    {
        switch (type)
        {
            case NamedTypeSyntax named when _anonymous.TryGetValue(named.Name, out StructSyntax? body):
                Write(body, "");
                break;
            case NamedTypeSyntax { Keyword: TypeKeyword.Enum, Name: "" }:
                _text.Append("int"); // its constants are defined by themselves
                break;
            case NamedTypeSyntax named:
                _text.Append(named.Keyword switch
                {
                    TypeKeyword.Struct => "struct ",
                    TypeKeyword.Union => "union ",
                    TypeKeyword.Enum => "enum ",
                    _ => "",
                }).Append(named.Name);
                break;
            case PointerTypeSyntax pointer:
                Write(pointer.Target);
                _text.Append(" *");
                break;
            case ArrayTypeSyntax array:
                Write(array.Element);
                _text.Append('[');
                if (array.Count is { } count)
                    Write(count);
                _text.Append(']');
                break;
            case TypeofSyntax of:
                _text.Append("typeof(");
                Write(of.Expression);
                _text.Append(')');
                break;
        }
    }

    private void WriteList<T>(IReadOnlyList<T> list, Action<T> write)
    {
        for (int i = 0; i < list.Count; i++)
        {
            if (i > 0)
                _text.Append(", ");
            write(list[i]);
        }
    }
}
