namespace Uprobes.LiveTests.Torture;

/// <summary>The returns of all functions of the C library followed at once.</summary>
[Kit.TestLimit(240)]
public sealed class EveryReturnTests(ITestOutputHelper output)
{
    /// <summary>
    /// Functions that do not come back, or leave by another way. <c>__libc_start_main</c>, the only one whose return cannot
    /// be followed, would return to <c>hlt</c>.
    /// </summary>
    private static readonly string[] WithoutReturn =
        ["__libc_start_call_main", "__libc_start_main", "__run_exit_handlers", "exit", "_exit", "__longjmp_chk", "____longjmp_chk", "siglongjmp", "longjmp", "__longjmp"];

    [Theory]
    [InlineData("bash")]
    [InlineData("sqlite3")]
    public void A_program_with_every_return_of_its_C_library_followed_does_what_it_does_without_and_every_return_is_counted(string name)
    {
        using PrivateProgram program = Workloads.Create(name);
        ProbedRun probed = AssertRunsAsBare(program);
        Assert.All(probed.Functions, f => Assert.Equal((f.Place, WithoutReturn.Contains(f.Place.Name) ? 0 : f.Entries), (f.Place, f.Returns)));
        Assert.All(probed.Functions, f => Assert.Equal((f.Place, f.Place.Name == "__libc_start_main" ? 1 : 0), (f.Place, f.LostReturns)));
    }

    [Fact]
    public void Forks_return_twice_and_all_other_functions_once()
    {
        using PrivateProgram program = Workloads.BashWithChildren();
        ProbedRun probed = AssertRunsAsBare(program);
        string[] twice = ["__libc_fork", "_Fork"];
        Assert.All(probed.Functions, f => Assert.Equal(
            (f.Place, WithoutReturn.Contains(f.Place.Name) ? 0 : twice.Contains(f.Place.Name) ? 2 * f.Entries : f.Entries), (f.Place, f.Returns)));
        Assert.NotEqual(0, probed.Functions.Sum(f => twice.Contains(f.Place.Name) ? f.Entries : 0));
    }

    [Fact]
    public void A_shell_that_starts_programs_with_vfork_does_what_it_does_without()
    {
        using PrivateProgram program = Workloads.DashWithPrograms();
        ProbedRun probed = AssertRunsAsBare(program);
        Assert.NotEqual(0, probed.Functions.Sum(f => f.Place.Name.Contains("vfork", StringComparison.Ordinal) ? f.Entries : 0));
        Assert.All(probed.Functions.Where(f => !WithoutReturn.Contains(f.Place.Name)), f => Assert.InRange(f.Returns, 0, 2 * f.Entries));
    }

    private ProbedRun AssertRunsAsBare(PrivateProgram program)
    {
        RunResult bare = program.RunBare();
        FunctionPlace[] places = [.. ProbedRun.PlacesOf(program).Where(p => p.File == program.Libraries[0])];
        ProbedRun probed = ProbedRun.Of(program, places, withReturns: true, output);
        foreach (FunctionCount f in probed.Functions.Where(f => f.Returns != f.Entries))
            output.WriteLine($"{f.Place}: {f.Entries} entries, {f.Returns} returns, {f.LostReturns} lost");
        Assert.Equal(bare, probed.Result);
        Assert.All(probed.Notices, notice => Assert.Equal(NoticeKind.ReturnLost, notice.Kind));
        return probed;
    }
}
