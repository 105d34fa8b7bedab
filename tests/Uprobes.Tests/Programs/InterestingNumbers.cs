namespace Uprobes.Tests.Programs;

/// <summary>Numbers at which arithmetic goes wrong if it does: the edges of all types, small ones, shift distances.</summary>
internal static class InterestingNumbers
{
    internal static readonly long[] All =
    [
        0, 1, 2, 3, 5, 7, 8, 10, 31, 32, 33, 63, 64, 65, 100, 127, 128, 255, 256, 1000, 4095, 4096, 32767, 32768, 65535, 65536,
        int.MaxValue, int.MaxValue + 1L, uint.MaxValue, uint.MaxValue + 1L, long.MaxValue, long.MaxValue - 1,
        -1, -2, -3, -7, -8, -127, -128, -129, -255, -256, -32768, -32769, int.MinValue, int.MinValue - 1L, long.MinValue, long.MinValue + 1,
        0x0102_0304_0506_0708, unchecked((long)0xfedc_ba98_7654_3210), 0x5555_5555_5555_5555,
    ];

    /// <summary>One of them, or a number near it.</summary>
    internal static long Choose(ChoiceSource choices) => unchecked(All[choices.Below(All.Length)] + (choices.OnceIn(4) ? choices.Below(1000) : 0));
}
