using System.Text;

namespace Uprobes.Tool.Output;

/// <summary>
/// A terminal's second screen, on which a table stands that changes: what was on the terminal comes back at the end, also where the command is given up.
/// </summary>
internal sealed class LiveScreen : IDisposable
{
    // The second screen without a cursor, and back; waiting for a key has made .NET ask for the keypad's other codes, which it leaves so.
    private const string Enter = "\e[?1049h\e[?25l", Leave = "\e[?1l\e>\e[?25h\e[?1049l";
    private const string Home = "\e[H", EraseRestOfLine = "\e[K", EraseRest = "\e[J";
    private const int UsualColumns = 80, UsualRows = 24, LeastRows = 4;
    private readonly ResultOutput _output;
    private readonly TextStyle _style;
    private readonly Lock _gate = new();
    private bool _hasLeft;

    /// <summary>Goes to the second screen.</summary>
    public LiveScreen(ResultOutput output, TextStyle style)
    {
        (_output, _style) = (output, style);
        AppDomain.CurrentDomain.ProcessExit += OnExit;
        Put(Enter);
    }

    /// <summary>How many lines there is room for.</summary>
    public static int Rows => Math.Max(LeastRows, (Console.WindowHeight is > 0 and var height ? height : UsualRows) - 1);

    /// <summary>Shows lines instead of what stood there; the second of them names the columns.</summary>
    public void Show(IReadOnlyList<string> lines)
    {
        var columns = Console.WindowWidth is > 0 and var width ? width : UsualColumns; // Some terminals do not know.
        var text = new StringBuilder(Home);
        foreach (var (index, line) in lines.Take(Rows).Index())
        {
            var shown = line.Length <= columns ? line : line[..columns];
            text.Append(index == 1 ? _style.Function : "").Append(shown).Append(index == 1 ? _style.Reset : "").Append(EraseRestOfLine).Append('\n');
        }
        Put(text.Append(EraseRest).ToString());
    }

    /// <summary>Goes back to what was there before.</summary>
    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        lock (_gate)
        {
            if (_hasLeft)
                return;
            _hasLeft = true;
            Write(Leave);
        }
    }

    private void OnExit(object? sender, EventArgs e) => Dispose();

    private void Put(string text)
    {
        lock (_gate)
        {
            if (!_hasLeft)
                Write(text);
        }
    }

    private void Write(string text)
    {
        _output.Buffer.WriteText(text);
        _output.Flush();
    }
}
