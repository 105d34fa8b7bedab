using System.Globalization;

namespace Uprobes.Images.Types.X64;

/// <summary>
/// Finds where arguments and results are by their types: the rules of the System V ABI for x86-64 (3.2.3), and what Rust does otherwise. One object goes
/// through the parameters of one function, in order.
/// </summary>
internal sealed class ArgumentPassing
{
    private const int IntegerRegisters = 6, VectorRegisters = 8, WordBytes = 8, LargestInRegisters = 16;
    private const int MostParts = 512;
    private readonly TypeReader _types;
    private readonly SourceLanguage _language;
    private int _integers, _vectors, _stackWords;
    private bool _isLost;

    /// <summary>Begins with the first parameter.</summary>
    /// <param name="types">The types.</param>
    /// <param name="language">The source's language.</param>
    /// <param name="result">What the function returns: a large one takes the first register.</param>
    internal ArgumentPassing(TypeReader types, SourceLanguage language, TypeId result)
    {
        (_types, _language) = (types, language);
        ResultPlace = PlaceResult(result);
    }

    /// <summary>What one of the two words of a value is moved in.</summary>
    private enum WordClass
    {
        None,
        Vector,
        Integer,
    }

    /// <summary>How a value is moved.</summary>
    private readonly record struct ValueClass(bool IsInMemory, WordClass Low, WordClass High)
    {
        internal int Integers => (Low == WordClass.Integer ? 1 : 0) + (High == WordClass.Integer ? 1 : 0);

        internal int Vectors => (Low == WordClass.Vector ? 1 : 0) + (High == WordClass.Vector ? 1 : 0);
    }

    /// <summary>Where the result is.</summary>
    internal ValuePlace ResultPlace { get; }

    /// <summary>Where the next parameter is.</summary>
    internal ValuePlace Next(TypeId type)
    {
        if (_language == SourceLanguage.Go)
            return new ValuePlace(PlaceKind.Nowhere, 0, "is where Go's own rules put it, which differ from those of C");
        if (_isLost)
            return new ValuePlace(PlaceKind.Nowhere, 0, "comes after a parameter of a type that the debug information does not say");
        TypeId resolved = _types.Resolve(type);
        TypeDescription description = _types.Describe(resolved);
        if (description is StructTypeDescription { IsPassedByReference: true })
            return NextWord() with { Kind = PlaceKind.Address };
        if (_types.SizeOf(resolved) is not { } size)
        {
            if (description is PointerTypeDescription or FunctionTypeDescription or VoidTypeDescription)
                return NextWord();
            _isLost = true;
            return new ValuePlace(PlaceKind.Nowhere, 0, "has a type that the debug information does not say");
        }

        if (size == 0)
            return new ValuePlace(PlaceKind.Nowhere, 0, "has no bytes");
        ValueClass kind = Classify(resolved, description, size);
        if (kind.IsInMemory)
            return _language == SourceLanguage.Rust ? NextWord() with { Kind = PlaceKind.Address } : OnStack(size, description);
        bool isScalar = description is not (StructTypeDescription or ArrayTypeDescription);
        if (_integers + kind.Integers > IntegerRegisters || _vectors + kind.Vectors > VectorRegisters)
            return isScalar && kind is { Vectors: 0, Integers: 1 } ? NextWord() : OnStack(size, description);
        if (isScalar && kind is { Vectors: 0, Integers: 1 })
            return NextWord();
        int first = _integers;
        (_integers, _vectors) = (_integers + kind.Integers, _vectors + kind.Vectors);
        return new ValuePlace(PlaceKind.Nowhere, 0, InRegisters(first, kind));
    }

    private static string InRegisters(int first, ValueClass kind) => kind switch
    {
        { Integers: 0 } => "is in a vector register, which holds floating-point numbers",
        { Vectors: > 0 } => string.Create(CultureInfo.InvariantCulture, $"is in two registers, of which one is arg{first} and one is a vector register"),
        { Integers: 1 } => string.Create(CultureInfo.InvariantCulture, $"has no address: it is in a register (arg{first} is its bytes)"),
        _ => string.Create(CultureInfo.InvariantCulture, $"has no address: it is in two registers (arg{first} and arg{first + 1} are its bytes)"),
    };

    private ValuePlace NextWord() => _integers < IntegerRegisters ? new ValuePlace(PlaceKind.Word, _integers++) : new ValuePlace(PlaceKind.Word, IntegerRegisters + _stackWords++);

    private ValuePlace OnStack(long size, TypeDescription type)
    {
        // Of alignment 16 are only numbers of 16 bytes, and structs that hold one.
        bool isWide = type is BaseTypeDescription { Size: 16 } or StructTypeDescription { Alignment: >= 16 };
        if (isWide)
            _stackWords = (_stackWords + 1) & ~1;
        int first = _stackWords;
        _stackWords = (int)Math.Min(int.MaxValue / 2, _stackWords + ((size + WordBytes - 1) / WordBytes));
        return type is StructTypeDescription ? new ValuePlace(PlaceKind.Stack, first) : new ValuePlace(PlaceKind.Nowhere, 0, "is no integer");
    }

    private ValuePlace PlaceResult(TypeId result)
    {
        if (_language == SourceLanguage.Go)
            return new ValuePlace(PlaceKind.Nowhere, 0, "is where Go's own rules put it, which differ from those of C");
        TypeId resolved = _types.Resolve(result);
        TypeDescription description = _types.Describe(resolved);
        if (_types.SizeOf(resolved) is not { } size || size == 0)
            return new ValuePlace(PlaceKind.Word, 0);
        ValueClass kind = Classify(resolved, description, size);
        if (description is StructTypeDescription { IsPassedByReference: true } || (kind.IsInMemory && description is not BaseTypeDescription))
        {
            _integers++; // The caller hands over where the result is to be put; the function returns that address.
            return new ValuePlace(PlaceKind.Address, 0);
        }

        if (description is not StructTypeDescription and not ArrayTypeDescription && kind is { IsInMemory: false, Vectors: 0, Integers: 1 })
            return new ValuePlace(PlaceKind.Word, 0);
        return new ValuePlace(PlaceKind.Nowhere, 0, kind is { IsInMemory: false, Integers: > 0 } ? "has no address: it is in registers" : "is not in a register for integers");
    }

    private ValueClass Classify(TypeId type, TypeDescription description, long size)
    {
        if (description is ArrayTypeDescription) // As a parameter only a vector can be one: other arrays are pointers.
            return new ValueClass(size > 64, WordClass.Vector, WordClass.None);
        if (description is BaseTypeDescription { Encoding: BaseEncoding.Float, Size: 16 } number && !number.Name.Contains("128", StringComparison.Ordinal))
            return new ValueClass(true, WordClass.None, WordClass.None); // long double
        if (size > LargestInRegisters)
            return new ValueClass(true, WordClass.None, WordClass.None);
        Span<WordClass> words = [WordClass.None, WordClass.None];
        int budget = MostParts;
        if (!TryClassify(type, 0, words, ref budget))
            return new ValueClass(true, WordClass.None, WordClass.None);
        // A number of 16 bytes in one vector register.
        if (description is BaseTypeDescription { Encoding: BaseEncoding.Float, Size: 16 })
            words[1] = WordClass.None;
        return new ValueClass(false, words[0], words[1]);
    }

    /// <summary>What the words of a value are by its parts; false where it is in memory for a part that is not aligned, or not known.</summary>
    private bool TryClassify(TypeId type, long offset, Span<WordClass> words, ref int budget)
    {
        if (budget-- <= 0 || offset < 0 || offset >= LargestInRegisters)
            return false;
        TypeId resolved = _types.Resolve(type);
        switch (_types.Describe(resolved))
        {
            case BaseTypeDescription { Encoding: BaseEncoding.Float or BaseEncoding.Other, Size: var size }:
                return size < 16 || offset == 0 ? Mark(offset, size, WordClass.Vector, words) : false;
            case BaseTypeDescription { Size: var size }:
                return Mark(offset, size, WordClass.Integer, words);
            case EnumTypeDescription { Size: var size }:
                return Mark(offset, size, WordClass.Integer, words);
            case PointerTypeDescription or FunctionTypeDescription or VoidTypeDescription:
                return Mark(offset, WordBytes, WordClass.Integer, words);
            case UnknownTypeDescription { Size: > 0 and var size }:
                return Mark(offset, size, WordClass.Integer, words);
            case ArrayTypeDescription array:
                return TryClassify(array, offset, words, ref budget);
            case StructTypeDescription aggregate:
                foreach (MemberDescription member in aggregate.Members)
                {
                    if (member.BitSize > 0)
                    {
                        if (!Mark(offset + member.Offset, 1, WordClass.Integer, words))
                            return false;
                    }
                    else if (_types.SizeOf(member.Type) != 0 && !TryClassify(member.Type, offset + member.Offset, words, ref budget))
                        return false;
                }

                // Where nothing is known of what is inside, as of the variants of a Rust enum, it is integers.
                return aggregate.Members.Count > 0 || Mark(offset, (int)Math.Min(aggregate.Size, LargestInRegisters), WordClass.Integer, words);
            default:
                return false;
        }
    }

    private bool TryClassify(ArrayTypeDescription array, long offset, Span<WordClass> words, ref int budget)
    {
        if (_types.SizeOf(array.Element) is not { } size || size <= 0)
            return false;
        long count = 1;
        foreach (long? dimension in array.Counts)
            count *= dimension is { } known && known <= LargestInRegisters ? known : LargestInRegisters + 1;
        for (long i = 0; i < count; i++)
        {
            if (!TryClassify(array.Element, offset + (i * size), words, ref budget))
                return false;
        }

        return true;
    }

    private static bool Mark(long offset, int size, WordClass kind, Span<WordClass> words)
    {
        bool isAligned = size is not (2 or 4 or 8) || offset % size == 0;
        if (!isAligned || offset < 0 || size <= 0 || offset + size > LargestInRegisters)
            return false;
        for (long word = offset / WordBytes; word <= (offset + size - 1) / WordBytes; word++)
            words[(int)word] = kind > words[(int)word] ? kind : words[(int)word];
        return true;
    }
}
