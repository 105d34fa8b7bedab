namespace Uprobes.Images.CallFrames;

/// <summary>Where the caller's value of a register is (DWARF 5, 6.4.1).</summary>
internal enum FrameRuleKind : byte
{
    /// <summary>Nothing is said.</summary>
    Unspecified,

    /// <summary>It is lost.</summary>
    Undefined,

    /// <summary>In the register itself.</summary>
    SameValue,

    /// <summary>In memory at the CFA plus a number.</summary>
    Offset,

    /// <summary>The CFA plus a number.</summary>
    ValueOffset,

    /// <summary>In another register.</summary>
    Register,

    /// <summary>In memory at the address that an expression gives.</summary>
    Expression,

    /// <summary>What an expression gives.</summary>
    ValueExpression,
}

/// <summary>The rule of one register.</summary>
/// <param name="Kind">How to read the rest.</param>
/// <param name="Register">Whose rule it is, by its DWARF number.</param>
/// <param name="Value">The number; the other register; or where the expression starts in the section.</param>
/// <param name="Length">The expression's bytes.</param>
internal readonly record struct FrameRule(FrameRuleKind Kind, byte Register, long Value, int Length);

/// <summary>How to get from a frame at one place of the code to its caller's. Immutable.</summary>
internal sealed class FrameRow
{
    /// <summary>The section that expressions lie in.</summary>
    internal required FrameSection Section { get; init; }

    /// <summary>The CFA: a register plus a number (<see cref="FrameRuleKind.Register"/>, the number is <see cref="CfaOffset"/>) or an expression.</summary>
    internal required FrameRule Cfa { get; init; }

    /// <summary>What is added to the CFA's register.</summary>
    internal required long CfaOffset { get; init; }

    /// <summary>The registers that something is said of.</summary>
    internal required FrameRule[] Rules { get; init; }

    /// <summary>The column of the return address.</summary>
    internal required int ReturnRegister { get; init; }

    /// <summary>Whether the frame was not called but interrupted something.</summary>
    internal required bool IsSignalFrame { get; init; }

    /// <summary>The first link-time address that the row is of.</summary>
    internal required ulong Start { get; init; }

    /// <summary>The bytes of a rule's expression.</summary>
    internal ReadOnlySpan<byte> ExpressionOf(in FrameRule rule) => Section.Bytes.Slice((int)rule.Value, rule.Length);

    /// <summary>A register's rule.</summary>
    internal FrameRule RuleOf(int register)
    {
        foreach (FrameRule rule in Rules)
        {
            if (rule.Register == register)
                return rule;
        }

        return default;
    }
}
