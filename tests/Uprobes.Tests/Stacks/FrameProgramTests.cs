using CsCheck;
using Uprobes.Images.CallFrames;

namespace Uprobes.Tests.Stacks;

/// <summary>Each instruction of call frame information, and what is no valid use of one.</summary>
public sealed class FrameProgramTests
{
    [Fact]
    public void A_common_entry_says_what_holds_at_the_start_of_every_function()
    {
        FrameRow row = FrameBytes.RowAt([])!;
        Assert.Equal((FrameRuleKind.Register, 7L, 8L), (row.Cfa.Kind, row.Cfa.Value, row.CfaOffset));
        Assert.Equal(new FrameRule(FrameRuleKind.Offset, 16, -8, 0), row.RuleOf(16));
        Assert.Equal(16, row.ReturnRegister);
        Assert.False(row.IsSignalFrame);
    }

    [Theory]
    [InlineData(new byte[] { 0x41, 0x0e, 16 }, 0, 8)]
    [InlineData(new byte[] { 0x41, 0x0e, 16 }, 1, 16)]
    [InlineData(new byte[] { 0x02, 200, 0x0e, 16 }, 199, 8)]
    [InlineData(new byte[] { 0x02, 200, 0x0e, 16 }, 200, 16)]
    [InlineData(new byte[] { 0x03, 0x2c, 1, 0x0e, 16 }, 299, 8)]
    [InlineData(new byte[] { 0x03, 0x2c, 1, 0x0e, 16 }, 300, 16)]
    [InlineData(new byte[] { 0x04, 0x00, 4, 0, 0, 0x0e, 16 }, 1023, 8)]
    [InlineData(new byte[] { 0x04, 0x00, 4, 0, 0, 0x0e, 16 }, 1024, 16)]
    [InlineData(new byte[] { 0x1d, 0x00, 4, 0, 0, 0, 0, 0, 0, 0x0e, 16 }, 1023, 8)]
    [InlineData(new byte[] { 0x1d, 0x00, 4, 0, 0, 0, 0, 0, 0, 0x0e, 16 }, 1024, 16)]
    [InlineData(new byte[] { 0x01, 0x10, 0x10, 0, 0, 0, 0, 0, 0, 0x0e, 16 }, 15, 8)]
    [InlineData(new byte[] { 0x01, 0x10, 0x10, 0, 0, 0, 0, 0, 0, 0x0e, 16 }, 16, 16)]
    public void What_is_said_behind_a_place_does_not_count_before_it(byte[] instructions, int offset, long cfa) =>
        Assert.Equal(cfa, FrameBytes.RowAt(instructions, (ulong)offset)!.CfaOffset);

    [Theory]
    [InlineData(new byte[] { 0x0c, 6, 16 }, 6, 16)] // def_cfa
    [InlineData(new byte[] { 0x12, 6, 0x7e }, 6, 16)] // def_cfa_sf
    [InlineData(new byte[] { 0x0d, 6 }, 6, 8)] // def_cfa_register
    [InlineData(new byte[] { 0x0e, 0x80, 1 }, 7, 128)] // def_cfa_offset
    [InlineData(new byte[] { 0x13, 0x7d }, 7, 24)] // def_cfa_offset_sf
    [InlineData(new byte[] { 0x0a, 0x0c, 6, 16, 0x0b }, 7, 8)] // remember_state, restore_state
    [InlineData(new byte[] { 0x00, 0x2e, 32 }, 7, 8)] // nop, GNU_args_size
    public void The_cfa_is_a_register_and_a_number(byte[] instructions, long register, long offset)
    {
        FrameRow row = FrameBytes.RowAt(instructions)!;
        Assert.Equal((FrameRuleKind.Register, register, offset), (row.Cfa.Kind, row.Cfa.Value, row.CfaOffset));
    }

    [Theory]
    [InlineData(new byte[] { 0x83, 2 }, 3, "Offset -16")] // offset
    [InlineData(new byte[] { 0x05, 3, 2 }, 3, "Offset -16")] // offset_extended
    [InlineData(new byte[] { 0x11, 3, 0x7e }, 3, "Offset 16")] // offset_extended_sf
    [InlineData(new byte[] { 0x2f, 3, 2 }, 3, "Offset 16")] // GNU_negative_offset_extended
    [InlineData(new byte[] { 0x14, 3, 2 }, 3, "ValueOffset -16")] // val_offset
    [InlineData(new byte[] { 0x15, 3, 0x7e }, 3, "ValueOffset 16")] // val_offset_sf
    [InlineData(new byte[] { 0x07, 3 }, 3, "Undefined 0")] // undefined
    [InlineData(new byte[] { 0x08, 3 }, 3, "SameValue 0")] // same_value
    [InlineData(new byte[] { 0x09, 3, 12 }, 3, "Register 12")] // register
    [InlineData(new byte[] { 0x07, 16, 0xd0 }, 16, "Offset -8")] // restore
    [InlineData(new byte[] { 0x07, 16, 0x06, 16 }, 16, "Offset -8")] // restore_extended
    [InlineData(new byte[] { 0x83, 2, 0xc3 }, 3, "Unspecified 0")]
    [InlineData(new byte[] { 0x0a, 0x83, 2, 0x0b }, 3, "Unspecified 0")]
    [InlineData(new byte[] { 0x05, 99, 2 }, 3, "Unspecified 0")]
    public void A_register_is_where_its_rule_says(byte[] instructions, int register, string rule)
    {
        FrameRule found = FrameBytes.RowAt(instructions)!.RuleOf(register);
        Assert.Equal(rule, $"{found.Kind} {found.Value}");
    }

    [Theory]
    [InlineData(0x10, "Expression")]
    [InlineData(0x16, "ValueExpression")]
    public void An_expression_is_kept_as_its_bytes(byte code, string kind)
    {
        FrameRow row = FrameBytes.RowAt([code, 3, 2, 0x77, 16, 0x0f, 3, 0x77, 8, 0x06])!;
        FrameRule rule = row.RuleOf(3);
        Assert.Equal(kind, rule.Kind.ToString());
        Assert.Equal([0x77, 16], row.ExpressionOf(rule).ToArray());
        Assert.Equal(FrameRuleKind.Expression, row.Cfa.Kind);
        Assert.Equal([0x77, 8, 0x06], row.ExpressionOf(row.Cfa).ToArray());
    }

    [Theory]
    [InlineData(new byte[] { 0x0b })] // Nothing was remembered.
    [InlineData(new byte[] { 0x3f })] // No such instruction.
    [InlineData(new byte[] { 0x2d })] // Of another processor.
    [InlineData(new byte[] { 0x0e })] // It ends.
    [InlineData(new byte[] { 0x0c, 40, 8 })] // No such register.
    [InlineData(new byte[] { 0x0f, 9, 0x06 })] // Longer than what is left.
    [InlineData(new byte[] { 0x0f, 1, 0x06, 0x0e, 8 })] // An expression has no offset.
    [InlineData(new byte[] { 0x01, 0x00, 0x01, 0, 0, 0, 0, 0, 0 })] // Backwards.
    public void What_is_not_valid_is_refused(byte[] instructions) => Assert.Null(FrameBytes.RowAt(instructions));

    [Fact]
    public void Without_a_cfa_there_is_no_row() => Assert.Null(FrameBytes.RowAt([], common: [0x90, 1]));

    [Fact]
    public void States_cannot_be_remembered_without_end() => Assert.Null(FrameBytes.RowAt([.. Enumerable.Repeat((byte)0x0a, 1000)]));

    [Theory]
    [InlineData("R", false)]
    [InlineData("RS", true)]
    [InlineData("RSB", true)]
    [InlineData("LR", false)]
    public void Augmentations_are_understood(string letters, bool isSignalFrame)
    {
        byte[] bytes = FrameBytes.ExceptionFrames(FrameBytes.AsCalled, [], letters);
        (_, FrameEntry entry) = Assert.Single(new FrameSection(bytes, 0, isForExceptions: true).Entries(stopAtTerminator: true));
        Assert.Equal(isSignalFrame, entry.Common.IsSignalFrame);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    public void Debug_frames_are_read_in_all_versions(byte version)
    {
        var section = new FrameSection(FrameBytes.DebugFrames(FrameBytes.AsCalled, [0x41, 0x0e, 16], version), 0, isForExceptions: false);
        (_, FrameEntry entry) = Assert.Single(section.Entries(stopAtTerminator: false));
        Assert.Equal(16, FrameProgram.Run(section, entry, FrameBytes.Start + 1)!.CfaOffset);
    }

    [Fact]
    public void Random_bytes_give_rows_or_nothing()
    {
        Check.Sample(Gen.Byte.Array[0, 60], bytes => FrameBytes.RowAt(bytes), iter: 20_000, threads: 1);
        byte[] whole = FrameBytes.ExceptionFrames(FrameBytes.AsCalled, [0x41, 0x0e, 16, 0x83, 2]);
        Check.Sample(Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Array[1, 5], changes =>
        {
            byte[] bytes = [.. whole];
            foreach ((int at, byte value) in changes)
                bytes[at] = value;
            foreach (bool isForExceptions in (ReadOnlySpan<bool>)[true, false])
            {
                var section = new FrameSection(bytes, 0x10, isForExceptions);
                foreach ((_, FrameEntry entry) in section.Entries(stopAtTerminator: false))
                    _ = FrameProgram.Run(section, entry, entry.Start + 3);
            }
        }, iter: 20_000, threads: 1);
    }
}
