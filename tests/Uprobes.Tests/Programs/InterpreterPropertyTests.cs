using CsCheck;
using Uprobes.Programs;

namespace Uprobes.Tests.Programs;

/// <summary>What holds for every program that is found good.</summary>
public sealed class InterpreterPropertyTests
{
    private static readonly string[] Written = ["follow(", "delete", "emit", "stop", "repeat", "else", "has @", "word", "retval", "duration", "text", " ? "];
    private static readonly string[] Done = ["followed", "!", "@", "failed reads 1", " 80000000"];

    [Fact]
    public void Generated_programs_are_good() => ProgramGenerator.Cases.Sample(test =>
        Assert.Empty(ProgramChecker.Check(test.Group)), iter: 3000);

    [Fact]
    public void Good_programs_end_and_do_the_same_again() => ProgramGenerator.Cases.Sample(test =>
    {
        Interpreter interpreter = new();
        Assert.Equal(Run(interpreter, test), Run(interpreter, test));
        Assert.Equal(Run(interpreter, test), Run(new(), test));
    }, iter: 2000);

    [Fact]
    public void Generated_programs_do_everything_that_programs_can()
    {
        HashSet<string> seen = [];
        ProgramGenerator.Cases.Sample(test =>
        {
            string text = ProgramPrinter.Print(test.Group);
            string done = Run(new(), test);
            lock (seen)
            {
                foreach (string word in Written)
                {
                    if (text.Contains(word, StringComparison.Ordinal))
                        seen.Add(word);
                }

                foreach (string word in Done)
                {
                    if (done.Contains(word, StringComparison.Ordinal))
                        seen.Add("done " + word);
                }
            }
        }, iter: 3000);
        Assert.Equal(Written.Length + Done.Length, seen.Count);
    }

    private static string Run(Interpreter interpreter, ProgramCase test)
    {
        RecordingOutput output = new(test.Group);
        interpreter.Run(test.Group.Entry, test.Entry, output);
        if (test.Group.Return is not null && output.Followed is { } words)
            interpreter.Run(test.Group.Return, test.Return with { EntryWords = words }, output);

        return output.Describe();
    }
}
