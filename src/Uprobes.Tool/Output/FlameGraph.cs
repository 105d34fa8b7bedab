using System.Globalization;
using System.Text;
using System.Xml;
using Uprobes.Tool.Stacks;

namespace Uprobes.Tool.Output;

/// <summary>
/// Writes a flame graph as one SVG file that needs nothing else: the width of a call is its share, what it called stands on it (or hangs below it).
/// Names of functions and files are text and nothing but text, whatever is in them.
/// </summary>
internal sealed class FlameGraph
{
    /// <summary>Where the calls are, in units of the drawing.</summary>
    internal const double Left = 10, Width = 1180;

    private const double WholeWidth = Width + (2 * Left), RowHeight = 18, HeadHeight = 74, Foot = 34, Letter = 7.25, TitleLetter = 9.7, LeastWidth = 0.05;
    private const int LegendImages = 8, LegendLetters = 24, FirstWide = 0x1100;
    private const string Svg = "http://www.w3.org/2000/svg", Html = "http://www.w3.org/1999/xhtml";
    private readonly FlameNode _root;
    private readonly XmlWriter _xml;
    private readonly int _height;
    private readonly double _pictureHeight;
    private readonly bool _inverted;
    private readonly string _unit;

    private FlameGraph(XmlWriter xml, FlameNode root, string unit, bool inverted)
    {
        (_xml, _root, _unit, _inverted) = (xml, root, unit, inverted);
        _height = root.Height;
        _pictureHeight = HeadHeight + (_height * RowHeight) + Foot;
    }

    /// <summary>Writes the graph.</summary>
    /// <param name="output">Takes the file's bytes.</param>
    /// <param name="results">What is shown.</param>
    /// <param name="title">What was run and probed.</param>
    /// <param name="note">What stands below the title.</param>
    /// <param name="inverted">Whether the outermost call is at the top.</param>
    public static void Write(Stream output, StackResults results, string title, string note, bool inverted)
    {
        var settings = new XmlWriterSettings { Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), NewLineHandling = NewLineHandling.None };
        using var xml = XmlWriter.Create(output, settings);
        // Values are of bytes or the like as often as of calls.
        var unit = results.Value is { } value ? $" {Escaping.Text(value)}" : "";
        new FlameGraph(xml, FlameStacks.Tree(results), unit, inverted).Write(Escaping.Text(title), Escaping.Text(note));
    }

    private void Write(string title, string note)
    {
        _xml.WriteStartDocument();
        _xml.WriteStartElement("svg", Svg);
        Attribute("width", WholeWidth);
        Attribute("height", Math.Round(_pictureHeight));
        _xml.WriteAttributeString("viewBox", string.Create(CultureInfo.InvariantCulture, $"0 0 {WholeWidth:0} {_pictureHeight:0}"));
        Attribute("data-left", Left);
        Attribute("data-width", Width);
        Attribute("data-letter", Letter);
        Element("title", title);
        Element("style", FlameScript.Style);
        _xml.WriteStartElement("rect");
        Attribute("class", "paper");
        Attribute("width", "100%");
        Attribute("height", "100%");
        _xml.WriteEndElement();
        Head(24, title, "title", TitleLetter);
        Head(44, note, "note", Letter);
        WriteTools();
        if (_root.Value > 0)
            WriteNode(_root, Left, 0);
        WriteLegend();
        _xml.WriteStartElement("script");
        _xml.WriteCData(FlameScript.Script);
        _xml.WriteEndElement();
        _xml.WriteEndElement();
        _xml.WriteEndDocument();
    }

    /// <summary>A line of the head. In a window of another width the script cuts it elsewhere.</summary>
    private void Head(double y, string text, string style, double letter)
    {
        _xml.WriteStartElement("text");
        Attribute("class", $"head {style}");
        Attribute("x", Left);
        Attribute("y", y);
        Attribute("data-letter", letter);
        Attribute("data-text", text);
        _xml.WriteString(Fit(text, Width, letter));
        _xml.WriteEndElement();
    }

    /// <summary>What only the script gives a meaning, and makes visible.</summary>
    private void WriteTools()
    {
        _xml.WriteStartElement("g");
        Attribute("id", "tools");
        _xml.WriteStartElement("foreignObject");
        Box(Left, 50, 224, 24);
        _xml.WriteStartElement("input", Html);
        Attribute("id", "find");
        Attribute("type", "search");
        Attribute("placeholder", "search (/)");
        _xml.WriteEndElement();
        _xml.WriteEndElement();
        Text(Left + 236, 66, "", "note", "matched");
        Text(Left + 360, 66, "show all (Esc)", "", "back");
        _xml.WriteEndElement();
    }

    private void WriteNode(FlameNode node, double x, int depth)
    {
        var width = (double)node.Value / (double)_root.Value * Width;
        if (width < LeastWidth)
            return;
        var y = HeadHeight + ((_inverted ? depth : _height - 1 - depth) * RowHeight);
        var name = Escaping.Text(node.Name);
        _xml.WriteRaw("\n");
        _xml.WriteStartElement("g");
        Attribute("class", "f");
        _xml.WriteAttributeString("data-depth", depth.ToString(CultureInfo.InvariantCulture));
        Element("title", $"{name}\n{Escaping.Text(node.Image ?? "")}\n{Share(node)}");
        Rectangle(x, y, width, RowHeight - 1, FlameColors.Of(node.Image, node.Name));
        Text(x + 3, y + 12.5, Fit(name, width - 6, Letter), null);
        _xml.WriteEndElement();
        foreach (var child in node.Children)
        {
            WriteNode(child, x, depth + 1);
            x += (double)child.Value / (double)_root.Value * Width;
        }
    }

    private string Share(FlameNode node)
    {
        var unit = _unit.Length > 0 ? _unit : node.Value == 1 ? " call" : " calls";
        return string.Create(CultureInfo.InvariantCulture, $"{node.Value:N0}{unit}, {100 * (double)node.Value / (double)_root.Value:0.0}%");
    }

    /// <summary>The colours of the files that most calls are in.</summary>
    private void WriteLegend()
    {
        var images = new Dictionary<string, Int128>(StringComparer.Ordinal);
        Add(_root);
        var x = Left;
        foreach (var (image, _) in images.OrderByDescending(i => i.Value).ThenBy(i => i.Key, StringComparer.Ordinal).Take(LegendImages))
        {
            var name = Fit(Escaping.Text(Path.GetFileName(image)), LegendLetters * Letter, Letter);
            var next = x + 18 + ((name.Length + 2) * Letter);
            if (next > Left + Width)
                return;
            Rectangle(x, _pictureHeight - 23, 12, 12, FlameColors.Of(image, null));
            Text(x + 17, _pictureHeight - 13, name, "note");
            x = next;
        }

        void Add(FlameNode node)
        {
            if (node.Image is { } image)
                images[image] = images.GetValueOrDefault(image) + node.Value;
            foreach (var child in node.Children)
                Add(child);
        }
    }

    /// <summary>As much of a text as there is room for; nothing where that tells nothing.</summary>
    private static string Fit(string text, double room, double letter)
    {
        var letters = (int)Math.Max(0, room / letter);
        if (letters < 3)
            return "";
        var (end, used, kept) = (0, 0, 0);
        foreach (var character in text.EnumerateRunes())
        {
            used += Breadth(character);
            if (used > letters)
                return text[..kept] + "..";
            end += character.Utf16SequenceLength;
            if (used <= letters - 2)
                kept = end;
        }
        return text;
    }

    /// <summary>A character of a wide script, or outside of the first plane, takes the room of two letters.</summary>
    private static int Breadth(Rune character) => character.Value >= FirstWide ? 2 : 1;

    private void Rectangle(double x, double y, double width, double height, string fill)
    {
        _xml.WriteStartElement("rect");
        Box(x, y, width, height);
        Attribute("rx", "1");
        Attribute("fill", fill);
        _xml.WriteEndElement();
    }

    private void Text(double x, double y, string text, string? style, string? id = null)
    {
        _xml.WriteStartElement("text");
        if (id is not null)
            Attribute("id", id);
        if (style is { Length: > 0 })
            Attribute("class", style);
        Attribute("x", x);
        Attribute("y", y);
        _xml.WriteString(text);
        _xml.WriteEndElement();
    }

    private void Box(double x, double y, double width, double height)
    {
        Attribute("x", x);
        Attribute("y", y);
        Attribute("width", width);
        Attribute("height", height);
    }

    private void Element(string name, string text)
    {
        _xml.WriteStartElement(name);
        _xml.WriteString(text);
        _xml.WriteEndElement();
    }

    private void Attribute(string name, string value) => _xml.WriteAttributeString(name, value);

    private void Attribute(string name, double value) => _xml.WriteAttributeString(name, value.ToString("0.###", CultureInfo.InvariantCulture));
}
