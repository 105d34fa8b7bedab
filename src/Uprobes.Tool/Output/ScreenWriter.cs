using System.Text;

namespace Uprobes.Tool.Output;

/// <summary>Takes what is drawn on a screen, from any thread, until the screen is left; what comes later is dropped.</summary>
internal sealed class ScreenWriter(ResultOutput output) : TextWriter
{
    // Waiting for a key has made .NET ask for the keypad's other codes, which it leaves so. The rest is for a screen that is given up in the middle.
    private const string Leaving = "\e[?1l\e>\e[0m\e[?25h\e[?1049l";
    private readonly Lock _gate = new();
    private bool _hasLeft;

    /// <inheritdoc/>
    public override Encoding Encoding => Encoding.UTF8;

    /// <inheritdoc/>
    public override void Write(char value) => Write(value.ToString());

    /// <inheritdoc/>
    public override void Write(string? value)
    {
        lock (_gate)
        {
            if (!_hasLeft && value is not null)
                output.Buffer.WriteText(value);
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        lock (_gate)
        {
            if (!_hasLeft)
                output.Flush();
        }
    }

    /// <summary>Goes back to what was on the terminal before.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (_hasLeft)
                return;
            _hasLeft = true;
            output.Buffer.WriteText(Leaving);
            output.Flush();
        }
    }
}
