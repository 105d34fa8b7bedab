using Uprobes.Processes;

namespace Uprobes.Tests.Processes;

/// <summary>What is said where the machine's rules forbid to attach.</summary>
public sealed class AttachDiagnosisTests
{
    [Theory]
    [InlineData(1, "Only programs that you start with -c may be probed")]
    [InlineData(2, "Only root may probe")]
    [InlineData(3, "final until the next boot")]
    public void Yamas_rule_is_told_with_what_it_leaves(int scope, string hint)
    {
        AttachException failure = AttachDiagnosis.Yama(17, scope);
        Assert.Equal(AttachFailure.Yama, failure.Reason);
        Assert.Contains($"process 17: kernel.yama.ptrace_scope is {scope}", failure.Message, StringComparison.Ordinal);
        Assert.Contains(hint, failure.Hint, StringComparison.Ordinal);
        Assert.Equal(scope == 1, failure.Hint.Contains("-c", StringComparison.Ordinal));
    }
}
