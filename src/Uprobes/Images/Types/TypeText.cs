using System.Globalization;
using System.Text;

namespace Uprobes.Images.Types;

/// <summary>Writes types as C does, with the stars of pointers and the counts of arrays behind what they are of: <c>const char *</c>, <c>struct node **</c>, <c>int[4]</c>.</summary>
/// <param name="reader">Describes the types.</param>
internal sealed class TypeText(TypeReader reader)
{
    private const int LongestChain = 32;

    /// <summary>A type's text.</summary>
    internal string Of(TypeId type) => Of(type, LongestChain);

    private string Of(TypeId type, int left) => left == 0 ? "…" : reader.Describe(type) switch
    {
        VoidTypeDescription => "void",
        BaseTypeDescription simple => simple.Name.Length > 0 ? simple.Name : "(a number)",
        TypedefDescription named => named.Name.Length > 0 ? named.Name : Of(named.Target, left - 1),
        PointerTypeDescription pointer => OfPointer(pointer, left),
        FunctionTypeDescription => "void ()",
        QualifiedTypeDescription qualified => OfQualified(qualified, left),
        ArrayTypeDescription array => OfArray(array, left),
        EnumTypeDescription named => $"enum {named.Name ?? "(without a name)"}",
        StructTypeDescription named => $"{named.Keyword} {named.Name ?? "(without a name)"}",
        UnknownTypeDescription unknown => $"({unknown.Reason})",
        _ => "(unknown)",
    };

    private string OfQualified(QualifiedTypeDescription qualified, int left)
    {
        string target = Of(qualified.Target, left - 1);
        return reader.Describe(qualified.Target) is PointerTypeDescription ? $"{target} {qualified.Qualifier}"
            : target.StartsWith(qualified.Qualifier + " ", StringComparison.Ordinal) ? target // Of arrays, the elements have it once more.
            : $"{qualified.Qualifier} {target}";
    }

    private string OfPointer(PointerTypeDescription pointer, int left)
    {
        if (reader.Describe(reader.Resolve(pointer.Target)) is FunctionTypeDescription && reader.Describe(pointer.Target) is not TypedefDescription)
            return "void (*)()";
        string target = Of(pointer.Target, left - 1);
        return target.EndsWith('*') ? target + pointer.Symbol : $"{target} {pointer.Symbol}";
    }

    private string OfArray(ArrayTypeDescription array, int left)
    {
        StringBuilder text = new(Of(array.Element, left - 1));
        foreach (long? count in array.Counts)
            text.Append(CultureInfo.InvariantCulture, $"[{count}]");
        return text.ToString();
    }
}
