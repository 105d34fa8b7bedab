using System.Globalization;
using System.Text;

namespace Uprobes.Images;

/// <content>Types and constants.</content>
internal sealed partial class RustV0Printer
{
    private const int MostLifetimes = 64;

    private static string? BasicType(char tag) => tag switch
    {
        'a' => "i8",
        'b' => "bool",
        'c' => "char",
        'd' => "f64",
        'e' => "str",
        'f' => "f32",
        'h' => "u8",
        'i' => "isize",
        'j' => "usize",
        'l' => "i32",
        'm' => "u32",
        'n' => "i128",
        'o' => "u128",
        'p' => "_",
        's' => "i16",
        't' => "u16",
        'u' => "()",
        'v' => "...",
        'x' => "i64",
        'y' => "u64",
        'z' => "!",
        _ => null,
    };

    private void PrintType()
    {
        if (!Enter())
            return;
        char tag = Next();
        if (BasicType(tag) is { } basic)
        {
            Print(basic);
        }
        else
        {
            PrintComposedType(tag);
        }
        _depth--;
    }

    private void PrintComposedType(char tag)
    {
        switch (tag)
        {
            case 'R' or 'Q':
                Print("&");
                if (Eat('L') && ReadBase62() is > 0 and ulong lifetime)
                {
                    PrintLifetime(lifetime);
                    Print(" ");
                }
                Print(tag == 'Q' ? "mut " : "");
                PrintType();
                break;
            case 'P' or 'O':
                Print(tag == 'P' ? "*const " : "*mut ");
                PrintType();
                break;
            case 'A' or 'S':
                Print("[");
                PrintType();
                if (tag == 'A')
                {
                    Print("; ");
                    PrintConstant();
                }
                Print("]");
                break;
            case 'T':
                Print("(");
                Print(PrintList('E', ", ", PrintType) == 1 ? ",)" : ")");
                break;
            case 'F':
                InBinder(PrintFunctionType);
                break;
            case 'D':
                Print("dyn ");
                InBinder(() => PrintList('E', " + ", PrintDynamicTrait));
                if (!Eat('L'))
                    _failed = true;
                else if (ReadBase62() is > 0 and ulong bound)
                {
                    Print(" + ");
                    PrintLifetime(bound);
                }
                break;
            case 'B':
                FollowReference(PrintType);
                break;
            default:
                _at--;
                PrintPath(inValue: false);
                break;
        }
    }

    private void InBinder(Action print)
    {
        ulong bound = ReadOptional('G');
        if (bound > MostLifetimes)
            _failed = true;
        if (_failed)
            return;
        if (bound > 0)
        {
            Print("for<");
            for (ulong i = 0; i < bound; i++)
            {
                _boundLifetimes++;
                Print(i > 0 ? ", " : "");
                PrintLifetime(1);
            }
            Print("> ");
        }
        print();
        _boundLifetimes -= bound;
    }

    private void PrintFunctionType()
    {
        Print(Eat('U') ? "unsafe " : "");
        if (Eat('K'))
            Print($"extern \"{(Eat('C') ? "C" : ReadIdentifier().Replace('_', '-'))}\" ");
        Print("fn(");
        PrintList('E', ", ", PrintType);
        Print(")");
        if (Eat('u'))
            return;
        Print(" -> ");
        PrintType();
    }

    // A trait's associated types are printed inside its generic arguments, so the closing bracket comes late.
    private void PrintDynamicTrait()
    {
        bool open = PrintOpenPath();
        while (Eat('p'))
        {
            Print(open ? ", " : "<");
            open = true;
            Print(ReadIdentifier());
            Print(" = ");
            PrintType();
        }
        Print(open ? ">" : "");
    }

    private bool PrintOpenPath()
    {
        if (!Enter())
            return false;
        bool open = false;
        if (Eat('B'))
        {
            FollowReference(() => open = PrintOpenPath());
        }
        else if (Eat('I'))
        {
            PrintPath(inValue: false);
            Print("<");
            PrintList('E', ", ", PrintGenericArgument);
            open = true;
        }
        else
        {
            PrintPath(inValue: false);
        }
        _depth--;
        return open;
    }

    private void PrintConstant()
    {
        if (!Enter())
            return;
        char type = Next();
        switch (type)
        {
            case 'p':
                Print("_");
                break;
            case 'h' or 't' or 'm' or 'y' or 'o' or 'j' or 'a' or 's' or 'l' or 'x' or 'n' or 'i':
                Print(Eat('n') ? "-" : "");
                PrintNumber(ReadHexadecimal());
                break;
            case 'b':
                string flag = ReadHexadecimal();
                _failed |= flag is not ("0" or "1");
                Print(flag == "1" ? "true" : "false");
                break;
            case 'c':
                PrintCharacter(ReadHexadecimal());
                break;
            case 'e':
                PrintText(ReadHexadecimal());
                break;
            case 'R' or 'Q':
                // A string constant is a reference to str, and its quotation marks say so.
                if (type == 'Q' || _at >= mangled.Length || mangled[_at] != 'e')
                    Print(type == 'Q' ? "&mut " : "&");
                PrintConstant();
                break;
            case 'A':
                Print("[");
                PrintList('E', ", ", PrintConstant);
                Print("]");
                break;
            case 'T':
                Print("(");
                Print(PrintList('E', ", ", PrintConstant) == 1 ? ",)" : ")");
                break;
            case 'V':
                PrintVariant();
                break;
            case 'B':
                FollowReference(PrintConstant);
                break;
            default:
                _failed = true;
                break;
        }
        _depth--;
    }

    private void PrintVariant()
    {
        PrintPath(inValue: true);
        switch (Next())
        {
            case 'U':
                break;
            case 'T':
                Print("(");
                PrintList('E', ", ", PrintConstant);
                Print(")");
                break;
            case 'S':
                Print(" { ");
                PrintList('E', ", ", () =>
                {
                    ReadOptional('s');
                    Print($"{ReadIdentifier()}: ");
                    PrintConstant();
                });
                Print(" }");
                break;
            default:
                _failed = true;
                break;
        }
    }

    // Digits without leading zeros up to an underscore.
    private string ReadHexadecimal()
    {
        int start = _at;
        while (_at < mangled.Length && char.IsAsciiHexDigitLower(mangled[_at]))
            _at++;
        string digits = mangled[start.._at];
        if (!Eat('_'))
            _failed = true;
        return digits;
    }

    private void PrintNumber(string digits)
    {
        digits = digits.TrimStart('0');
        if (digits.Length > 16)
            Print($"0x{digits}");
        else if (digits.Length == 0)
            Print("0");
        else
            Print(ulong.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture));
    }

    private void PrintCharacter(string digits)
    {
        if (int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) && Rune.IsValid(value))
            Print(value is '\'' or '\\' ? $"'\\{(char)value}'" : $"'{new Rune(value)}'");
        else
            _failed = true;
    }

    private void PrintText(string digits)
    {
        if (digits.Length % 2 != 0)
            _failed = true;
        else
            Print($"\"{Encoding.UTF8.GetString(Convert.FromHexString(digits))}\"");
    }
}
