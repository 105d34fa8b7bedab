using Spectre.Console;
using Spectre.Console.Rendering;

namespace Uprobes.Tool.Output;

/// <summary>
/// A terminal's second screen, on which something stands that changes: what was on the terminal comes back at the end, also where the command is given up.
/// </summary>
internal sealed class LiveScreen : IDisposable
{
    private readonly ScreenWriter _writer;
    private readonly IAnsiConsole _console;
    private LiveDisplayContext? _live;
    private (int Width, int Height) _size;

    /// <summary>Prepares the screen; <see cref="Run{T}"/> goes to it.</summary>
    public LiveScreen(ResultOutput output)
        : this(new ScreenWriter(output), new TerminalSize())
    {
    }

    /// <summary>A screen of a size that somebody else knows.</summary>
    internal LiveScreen(ScreenWriter writer, TerminalSize size)
    {
        _writer = writer;
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.NoColors, // Bold is all that a table needs.
            Interactive = InteractionSupport.Yes,
            Out = new ScreenOutput(writer, size),
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    /// <summary>Whether what reads the results can show a screen.</summary>
    public static bool Suits(ResultOutput output) => output.IsTerminal && TerminalSize.IsSmart;

    /// <summary>The columns that there are.</summary>
    public int Width => _console.Profile.Width;

    /// <summary>How many lines there is room for.</summary>
    public int Rows => _console.Profile.Height - 1;

    /// <summary>Goes to the second screen, works, and goes back.</summary>
    public T Run<T>(Func<T> work)
    {
        T result = default!;
        _console.AlternateScreen(() =>
            _console.Live(Text.Empty).AutoClear(true).Overflow(VerticalOverflow.Crop).Start(live =>
            {
                (_live, _size) = (live, (Width, Rows));
                result = work();
            }));
        return result;
    }

    /// <summary>Shows something instead of what stood there.</summary>
    /// <exception cref="InvalidOperationException">The screen is not shown.</exception>
    public void Show(IRenderable content)
    {
        var live = _live ?? throw new InvalidOperationException("The screen is not shown.");
        if (_size != (Width, Rows))
            _console.Clear(home: true); // What a window of another size has made of the lines is nobody's to know.
        _size = (Width, Rows);
        live.UpdateTarget(content);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        _writer.Leave();
    }

    private void OnExit(object? sender, EventArgs e) => _writer.Leave();
}
