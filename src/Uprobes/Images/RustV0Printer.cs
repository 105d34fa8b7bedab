using System.Globalization;
using System.Text;

namespace Uprobes.Images;

/// <summary>
/// Prints one mangled name of Rust's v0 scheme while parsing it. References back into the name could make a short
/// name print without end, so the depth and the steps are limited.
/// </summary>
internal sealed partial class RustV0Printer(string mangled)
{
    private const int MostDepth = 200, MostSteps = 20_000, MostCharacters = 1 << 16;
    private readonly StringBuilder _text = new();
    private int _at;
    private int _depth;
    private int _steps;
    private int _silent;
    private ulong _boundLifetimes;
    private bool _failed;

    /// <summary>The text, or null where the name is not valid or exceeds the limits.</summary>
    public string? TryPrintSymbol()
    {
        PrintPath(inValue: true);
        if (!_failed && _at < mangled.Length)
        {
            // The crate that instantiated the function follows; it must be valid but says nothing to a reader.
            _silent++;
            PrintPath(inValue: false);
        }
        return _failed || _at != mangled.Length ? null : _text.ToString();
    }

    private bool Enter()
    {
        if (_failed || ++_depth > MostDepth || ++_steps > MostSteps || _text.Length > MostCharacters)
            _failed = true;
        return !_failed;
    }

    private void Print(string text)
    {
        if (_silent == 0)
            _text.Append(text);
    }

    private char Next()
    {
        if (_at < mangled.Length)
            return mangled[_at++];
        _failed = true;
        return '\0';
    }

    private bool Eat(char expected)
    {
        if (_failed || _at >= mangled.Length || mangled[_at] != expected)
            return false;
        _at++;
        return true;
    }

    private ulong ReadBase62()
    {
        if (Eat('_'))
            return 0;
        ulong value = 0;
        for (char digit; (digit = Next()) != '_' && !_failed;)
        {
            int worth = digit switch
            {
                >= '0' and <= '9' => digit - '0',
                >= 'a' and <= 'z' => digit - 'a' + 10,
                >= 'A' and <= 'Z' => digit - 'A' + 36,
                _ => -1,
            };
            if (worth < 0 || value > (ulong.MaxValue - 62) / 62)
                _failed = true;
            else
                value = (value * 62) + (ulong)worth;
        }
        return value + 1;
    }

    private ulong ReadOptional(char tag) => Eat(tag) ? ReadBase62() + 1 : 0;

    private string ReadIdentifier()
    {
        bool punycode = Eat('u');
        int start = _at;
        while (_at < mangled.Length && char.IsAsciiDigit(mangled[_at]) && !(_at == start + 1 && mangled[start] == '0'))
            _at++;
        if (!int.TryParse(mangled.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out int length))
            _failed = true;
        Eat('_');
        if (_failed || length > mangled.Length - _at)
        {
            _failed = true;
            return "";
        }
        string name = mangled.Substring(_at, length);
        _at += length;
        if (!punycode)
            return name;
        string? decoded = RustPunycode.TryDecode(name);
        _failed |= decoded is null;
        return decoded ?? "";
    }

    private void FollowReference(Action print)
    {
        int from = _at - 1;
        ulong target = ReadBase62();
        // A reference always leads back, so that following references ends.
        if (_failed || target >= (ulong)from)
        {
            _failed = true;
            return;
        }
        if (_silent > 0)
            return;
        int back = _at;
        _at = (int)target;
        print();
        _at = back;
    }

    private void PrintPath(bool inValue)
    {
        if (!Enter())
            return;
        switch (Next())
        {
            case 'C':
                ReadOptional('s');
                Print(ReadIdentifier());
                break;
            case 'M':
                SkipImplementationPath();
                Print("<");
                PrintType();
                Print(">");
                break;
            case 'X':
                SkipImplementationPath();
                PrintTraitType();
                break;
            case 'Y':
                PrintTraitType();
                break;
            case 'N':
                PrintNested(inValue);
                break;
            case 'I':
                PrintPath(inValue);
                Print(inValue ? "::<" : "<");
                PrintList('E', ", ", PrintGenericArgument);
                Print(">");
                break;
            case 'B':
                FollowReference(() => PrintPath(inValue));
                break;
            default:
                _failed = true;
                break;
        }
        _depth--;
    }

    private void SkipImplementationPath()
    {
        ReadOptional('s');
        _silent++;
        PrintPath(inValue: false);
        _silent--;
    }

    private void PrintTraitType()
    {
        Print("<");
        PrintType();
        Print(" as ");
        PrintPath(inValue: false);
        Print(">");
    }

    private void PrintNested(bool inValue)
    {
        char space = Next();
        if (!char.IsAsciiLetter(space))
            _failed = true;
        PrintPath(inValue);
        ulong number = ReadOptional('s');
        string name = ReadIdentifier();
        if (char.IsAsciiLetterUpper(space))
        {
            // Things without a name of their own: closures, shims, and what later compilers add.
            string kind = space switch { 'C' => "closure", 'S' => "shim", _ => space.ToString() };
            Print($"::{{{kind}{(name.Length > 0 ? ":" : "")}{name}#{number}}}");
        }
        else if (name.Length > 0)
        {
            Print($"::{name}");
        }
    }

    private int PrintList(char end, string separator, Action print)
    {
        int count = 0;
        while (!_failed && !Eat(end))
        {
            if (count++ > 0)
                Print(separator);
            print();
        }
        return count;
    }

    private void PrintGenericArgument()
    {
        if (Eat('L'))
            PrintLifetime(ReadBase62());
        else if (Eat('K'))
            PrintConstant();
        else
            PrintType();
    }

    // Lifetimes count from the innermost binder outwards; 0 is the one that was erased.
    private void PrintLifetime(ulong index)
    {
        if (index == 0)
        {
            Print("'_");
            return;
        }
        if (index > _boundLifetimes)
        {
            _failed |= _silent == 0;
            return;
        }
        ulong depth = _boundLifetimes - index;
        Print(depth < 26 ? $"'{(char)('a' + depth)}" : $"'_{depth}");
    }
}
