using Uprobes.Script.Diagnostics;
using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>Checks definitions.</summary>
internal sealed partial class Analyzer
{
    /// <summary>A constant of a definition; null where it is none, which is told.</summary>
    private long? ConstantOf(ExpressionSyntax syntax)
    {
        TypedExpression value = Check(syntax);
        if (value is ConstantExpression constant)
            return constant.Value;
        if (value is not ErrorExpression)
            Error(DiagnosticId.Type, syntax.Span, "a constant is needed here");
        return null;
    }

    /// <summary>
    /// Lays out the structs that a script defines, as a C compiler does on x86-64 (System V ABI, AMD64, section 3.1.2), and
    /// gives the constants of its enums their values.
    /// </summary>
    private sealed class DefinitionBinder(TypeCatalog catalog, Analyzer analyzer)
    {
        /// <summary>Larger ones would be of no use, and their offsets of 32 bits.</summary>
        private const long LargestStruct = 1 << 24;

        internal void Bind(IReadOnlyList<DefinitionSyntax> definitions)
        {
            foreach (DefineSyntax define in definitions.OfType<DefineSyntax>())
                analyzer._defines[define.Name.Text] = define;
            catalog.Declare(definitions.OfType<StructSyntax>().Select(type => type.Name.Text));
            foreach (DefinitionSyntax definition in definitions)
            {
                switch (definition)
                {
                    case StructSyntax type:
                        Bind(type);
                        break;
                    case EnumSyntax type:
                        Bind(type);
                        break;
                    case TypedefSyntax type when analyzer.Resolve(type.Type) is { } resolved and not UnknownType:
                        if (!catalog.TryAddTypedef(type.Name.Text, resolved))
                            analyzer.Error(DiagnosticId.Misplaced, type.Name.Span, $"`{type.Name.Text}` is defined twice");
                        break;
                }
            }
        }

        private void Bind(EnumSyntax syntax)
        {
            if (syntax.Name is { } name && !catalog.TryAddEnum(name.Text))
                analyzer.Error(DiagnosticId.Misplaced, name.Span, $"`enum {name.Text}` is defined twice");
            long next = 0, least = 0, most = 0;
            foreach (EnumMemberSyntax member in syntax.Members)
            {
                long value = member.Value is { } expression ? analyzer.ConstantOf(expression) ?? next : next;
                ScriptType type = syntax.Name is { } owner ? new EnumType(owner.Text, 64, value < 0) : TypePromotion.Smallest(value, isUnsigned: false);
                if (!catalog.TryAddConstant(member.Name.Text, type, value))
                    analyzer.Error(DiagnosticId.Misplaced, member.Name.Span, $"`{member.Name.Text}` is defined twice");
                (least, most) = (Math.Min(least, value), Math.Max(most, value));
                next = unchecked(value + 1);
            }

            // As compilers hold them: in 32 bits where all values have room there.
            if (syntax.Name is { } named)
                catalog.Complete(new EnumType(named.Text, least >= int.MinValue && most <= (least < 0 ? int.MaxValue : uint.MaxValue) ? 32 : 64, least < 0));
        }

        private void Bind(StructSyntax syntax)
        {
            StructType type = new(syntax.Name.Text, syntax.IsUnion);
            List<StructField> fields = [];
            long bits = 0, largest = 0;
            int alignment = 1;
            foreach (FieldSyntax field in syntax.Fields)
            {
                ScriptType fieldType = analyzer.Resolve(field.Type);
                int size = catalog.SizeOf(fieldType), own = syntax.IsPacked ? 1 : catalog.AlignmentOf(fieldType);
                if (fieldType is UnknownType)
                    continue;
                if (size == 0 && fieldType is not ArrayType)
                {
                    analyzer.Error(DiagnosticId.Type, field.Span, $"a field cannot be {fieldType}");
                    continue;
                }

                if (syntax.IsUnion)
                    bits = 0;
                if (field.Bits is { } width)
                    bits = PlaceBits(syntax, field, width, fieldType, bits, fields);
                else
                {
                    long offset = TypeCatalog.Align((bits + 7) / 8, own);
                    Place(field, fieldType, (int)offset, fields);
                    bits = (offset + size) * 8;
                }

                if (field.Name is not null || field.Bits is null)
                    alignment = Math.Max(alignment, own);
                largest = Math.Max(largest, bits);
                if (largest / 8 > LargestStruct)
                {
                    analyzer.Error(DiagnosticId.Limit, field.Span, $"the struct is larger than {LargestStruct} bytes");
                    break;
                }
            }

            foreach (IGrouping<string, StructField> twice in fields.GroupBy(field => field.Name).Where(group => group.Count() > 1))
                analyzer.Error(DiagnosticId.Misplaced, syntax.Name.Span, $"`{syntax.Name.Text}` has two fields `{twice.Key}`");
            int total = (int)TypeCatalog.Align(Math.Min(LargestStruct, (largest + 7) / 8), alignment);
            if (!catalog.TryAdd(new StructLayout(type, total, alignment, fields)))
                analyzer.Error(DiagnosticId.Misplaced, syntax.Name.Span, $"`{type}` is defined twice");
        }

        /// <summary>A field at an offset; those of an anonymous struct become fields of the outer one.</summary>
        private void Place(FieldSyntax field, ScriptType type, int offset, List<StructField> fields)
        {
            if (field.Name is { } name)
                fields.Add(new StructField(name.Text, type, offset));
            else if (type is StructType inner && catalog.LayoutOf(inner) is { } layout)
                fields.AddRange(layout.Fields.Select(own => own with { Offset = own.Offset + offset }));
        }

        /// <summary>A bit field lies within one integer of its type, so as not to cross the next one's beginning; packed ones follow each other.</summary>
        /// <returns>Bits of the struct so far.</returns>
        private long PlaceBits(StructSyntax syntax, FieldSyntax field, ExpressionSyntax width, ScriptType type, long bits, List<StructField> fields)
        {
            int unit = catalog.SizeOf(type) * 8;
            if (!type.IsNumber || analyzer.ConstantOf(width) is not { } count || count < 0 || count > unit || count == 0 && field.Name is not null)
            {
                analyzer.Error(DiagnosticId.Type, width.Span, type.IsNumber ? $"the width of a bit field is from 1 to {unit} here" : $"a bit field cannot be {type}");
                return bits;
            }

            if (count == 0)
                return TypeCatalog.Align(bits, unit);
            if (!syntax.IsPacked && bits / unit != (bits + count - 1) / unit)
                bits = TypeCatalog.Align(bits, unit);
            int start = (int)(bits / unit * unit);
            ScriptType holder = type;
            if (bits % unit + count > unit)
            {
                // A packed one may lie across two integers.
                start = (int)(bits / 8 * 8);
                holder = new IntegerType(64, type.IsSignedNumber);
            }

            if (field.Name is { } name)
                fields.Add(new StructField(name.Text, holder, start / 8) { Bits = (int)count, BitOffset = (int)(bits - start) });
            return bits + count;
        }
    }
}
