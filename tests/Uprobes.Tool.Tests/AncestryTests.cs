using Uprobes.Tool.Messages;
using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

public sealed class AncestryTests
{
    [Fact]
    public void This_process_and_its_parent_are_refused()
    {
        var ancestry = new Ancestry();
        var chain = ancestry.Chain(Environment.ProcessId);
        Assert.Equal(Environment.ProcessId, chain[0]);
        foreach (var processId in chain)
            Assert.Throws<ToolException>(() => ancestry.Refuse([processId]));
    }

    [Fact]
    public void A_command_name_with_blanks_and_parentheses_does_not_hide_the_parent()
    {
        var directory = Directory.CreateTempSubdirectory();
        try
        {
            foreach (var (id, stat) in new[] { ("7", "7 (a) b (c) 1) S 5 7 7 0"), ("5", "5 (sh) S 1 5 5 0"), ("1", "1 (init) S 0 1 1 0") })
            {
                Directory.CreateDirectory(Path.Combine(directory.FullName, id));
                File.WriteAllText(Path.Combine(directory.FullName, id, "stat"), stat);
            }
            Assert.Equal([7, 5, 1], new Ancestry(directory.FullName).Chain(7));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void Other_processes_are_not_refused() => new Ancestry().Refuse([int.MaxValue]);
}
