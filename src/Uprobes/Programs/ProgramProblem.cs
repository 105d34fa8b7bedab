namespace Uprobes.Programs;

/// <summary>Why a program group cannot be run.</summary>
/// <param name="Where">The offending node: its way from the group and its text, for example <c>entry[2].then[0].value `arg0 + retval`</c>.</param>
/// <param name="What">What is wrong with it.</param>
internal sealed record ProgramProblem(string Where, string What)
{
    public override string ToString() => $"{Where}: {What}";
}
