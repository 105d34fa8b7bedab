namespace Uprobes.Images;

/// <summary>The forms in which a user may write one demangled name.</summary>
internal static class DemangledText
{
    private const int ShortestPart = 3;

    // Words that demanglers write although the mangled name has an abbreviation in their place.
    private const string Vocabulary = " std allocator basic_string string basic_istream basic_ostream basic_iostream istream ostream iostream char_traits"
        + " operator new delete co_await const volatile restrict unsigned signed void bool char char8_t char16_t char32_t wchar_t short int long"
        + " float double __int128 __float128 _Float16 bfloat16_t _Complex _Imaginary decimal32 decimal64 decimal128 auto decltype nullptr nullptr_t"
        + " true false noexcept throw sizeof alignof typeid typename template static_cast dynamic_cast const_cast reinterpret_cast"
        + " anonymous namespace unnamed type lambda clone virtual non-virtual thunk to covariant return vtable for VTT typeinfo name guard variable"
        + " construction reference temporary hidden alias initializer transaction entry point TLS init wrapper function local default arg block invocation"
        + " closure shim impl dyn mut unsafe extern usize isize str as fn i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 enable_if requires ";

    /// <summary>The accepted forms of one name.</summary>
    internal readonly ref struct NameForms(ReadOnlySpan<char> full, ReadOnlySpan<char> bare, ReadOnlySpan<char> simple)
    {
        private readonly ReadOnlySpan<char> _full = full, _bare = bare, _simple = simple;

        /// <summary>Whether one of the forms is this text.</summary>
        public bool Contains(ReadOnlySpan<char> name) => _full.SequenceEqual(name) || _bare.SequenceEqual(name) || _simple.SequenceEqual(name);

        /// <summary>Whether one of the forms matches.</summary>
        public bool IsMatch(GlobPattern pattern) => pattern.IsMatch(_full) || pattern.IsMatch(_bare) || pattern.IsMatch(_simple);
    }

    /// <summary>The name as it is, without parameters, and without the return type that template functions show.</summary>
    public static NameForms Forms(string name)
    {
        ReadOnlySpan<char> bare = WithoutParameters(name);
        return new NameForms(name, bare, WithoutReturnType(bare));
    }

    /// <summary>
    /// A piece of text that any mangled name must contain, literally, if its demangled form is to equal or match;
    /// null where no such piece can be told. It saves demangling what cannot match.
    /// </summary>
    public static string? RequiredPart(string text, bool isGlob)
    {
        string? best = null;
        foreach (char character in text)
        {
            // Sets of a pattern, escapes and identifiers in other scripts are left to the demangler.
            if (character is '{' or '[' or '\\' or '$' || character > '~')
                return null;
        }
        int stop = isGlob ? text.Length : Math.Min(text.Length, IndexOrEnd(text, "(<"));
        for (int start = 0, end; start < stop; start = end + 1)
        {
            for (end = start; end < stop && (char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_');)
                end++;
            ReadOnlySpan<char> part = text.AsSpan(start, end - start);
            if (part.Length >= ShortestPart && !char.IsAsciiDigit(part[0]) && part.Length > (best?.Length ?? 0)
                && !Vocabulary.AsSpan().Contains(part, StringComparison.Ordinal))
                best = part.ToString();
        }
        return best;
    }

    private static int IndexOrEnd(string text, string any)
    {
        int index = text.AsSpan().IndexOfAny(any);
        return index < 0 ? text.Length : index;
    }

    private static ReadOnlySpan<char> WithoutParameters(ReadOnlySpan<char> name)
    {
        ReadOnlySpan<char> rest = name;
        if (rest.EndsWith(']') && rest.LastIndexOf(" [clone") is > 0 and int clone)
            rest = rest[..clone].TrimEnd();
        foreach (string qualifier in (ReadOnlySpan<string>)[" &&", " &", " volatile", " const"])
        {
            if (rest.EndsWith(qualifier))
                rest = rest[..^qualifier.Length];
        }
        if (!rest.EndsWith(')'))
            return name;
        int depth = 0;
        for (int i = rest.Length - 1; i >= 0; i--)
        {
            depth += rest[i] == ')' ? 1 : rest[i] == '(' ? -1 : 0;
            if (depth == 0)
                return i == 0 ? name : rest[..i];
        }
        return name;
    }

    // A space outside brackets ends the return type; the one of "operator new" and of conversions does not.
    private static ReadOnlySpan<char> WithoutReturnType(ReadOnlySpan<char> name)
    {
        int depth = 0, cut = 0;
        for (int i = 0; i < name.Length; i++)
        {
            if (depth == 0 && name[i..].StartsWith("operator"))
                break;
            if (name[i] is '<' or '(' or '{' or '[')
                depth++;
            else if (name[i] is '>' or ')' or '}' or ']')
                depth--;
            else if (name[i] == ' ' && depth == 0)
                cut = i + 1;
        }
        return name[cut..];
    }
}
