using System.Text;
using Uprobes.Script.Output;

namespace Uprobes.Script.Tests.Output;

/// <summary>When output reaches the stream.</summary>
public sealed class BufferingTests : IDisposable
{
    private readonly MemoryStream _output = new();

    private string Written => Encoding.UTF8.GetString(_output.ToArray());

    [Fact]
    public void Without_buffering_everything_is_written_at_once()
    {
        using IScriptWriter writer = Create(OutputBuffering.None);
        Print(writer, "abc");
        Assert.Equal("abc", Written);
    }

    [Fact]
    public void Lines_are_written_when_they_end()
    {
        using IScriptWriter writer = Create(OutputBuffering.Line);
        Print(writer, "abc");
        Assert.Equal("", Written);
        Print(writer, "d\nef");
        Assert.Equal("abcd\n", Written);
        writer.Flush();
        Assert.Equal("abcd\nef", Written);
    }

    [Fact]
    public void A_full_buffer_is_written_at_64_KiB()
    {
        using IScriptWriter writer = Create(OutputBuffering.Full);
        string line = new string('x', 1023) + "\n";
        for (int i = 0; i < 63; i++)
            Print(writer, line);
        Assert.Equal("", Written);
        Print(writer, line);
        Assert.Equal(1 << 16, Written.Length);
    }

    [Theory]
    [InlineData(OutputBuffering.None)]
    [InlineData(OutputBuffering.Line)]
    [InlineData(OutputBuffering.Full)]
    public void Disposing_writes_the_rest_and_leaves_the_stream_open(OutputBuffering buffering)
    {
        using (IScriptWriter writer = Create(buffering))
            Print(writer, "abc");
        Assert.Equal("abc", Written);
        Assert.True(_output.CanWrite);
    }

    [Fact]
    public void One_stream_for_both_keeps_the_order()
    {
        using (IScriptWriter writer = ScriptWriter.Create(ScriptFormat.Text, new ScriptWriterOptions(_output, _output) { Buffering = OutputBuffering.Full }))
        {
            Print(writer, "a\n");
            writer.AttachedProbes(1);
            Print(writer, "b\n");
        }

        Assert.Equal("a\nAttached 1 probe\nb\n", Written);
    }

    public void Dispose() => _output.Dispose();

    private static void Print(IScriptWriter writer, string text) => writer.Printf(PrintfFormat.Parse(text), []);

    private IScriptWriter Create(OutputBuffering buffering) =>
        ScriptWriter.Create(ScriptFormat.Text, new ScriptWriterOptions(_output, new MemoryStream()) { Buffering = buffering });
}
