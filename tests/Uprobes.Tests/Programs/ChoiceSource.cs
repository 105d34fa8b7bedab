namespace Uprobes.Tests.Programs;

/// <summary>
/// Choices made out of random numbers. When these run out, every choice is the first one, so that fewer numbers make smaller things:
/// that is how a failing case shrinks. The first of several possibilities must therefore be the simplest.
/// </summary>
internal sealed class ChoiceSource(ushort[] numbers)
{
    private int _next;

    internal bool IsExhausted => _next >= numbers.Length;

    /// <summary>One of 0 to below a limit.</summary>
    internal int Below(int limit) => IsExhausted ? 0 : numbers[_next++] % limit;

    /// <summary>One of some.</summary>
    internal T Of<T>(params ReadOnlySpan<T> possibilities) => possibilities[Below(possibilities.Length)];

    /// <summary>Yes, once in so many cases.</summary>
    internal bool OnceIn(int cases) => Below(cases) == cases - 1;
}
