namespace Uprobes.LiveTests.Kit;

/// <summary>The longest that a test (or each test of a class) may take; without it the limit is 120 seconds.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class)]
public sealed class TestLimitAttribute(int seconds) : Attribute
{
    public int Seconds { get; } = seconds;
}
