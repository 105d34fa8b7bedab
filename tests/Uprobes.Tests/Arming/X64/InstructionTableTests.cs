using Iced.Intel;
using Uprobes.Arming.X64;

namespace Uprobes.Tests.Arming.X64;

/// <summary>Every instruction that the decoder knows is relocated correctly, or refused with a reason (section 2 of the catalogue).</summary>
public class InstructionTableTests
{
    /// <summary>Every mnemonic that is refused in all or some of its forms. Whoever changes the policy changes this list.</summary>
    private static readonly Dictionary<RelocationRefusalReason, string> Refused = new()
    {
        [RelocationRefusalReason.Undecodable] = "Montmul", // its 64-bit row can be encoded and not decoded
        [RelocationRefusalReason.OwnBreakpoint] = "Int3",
        [RelocationRefusalReason.SoftwareInterrupt] = "Int Int1",
        [RelocationRefusalReason.PortIo] = "In Insb Insd Insw Out Outsb Outsd Outsw",
        [RelocationRefusalReason.Privileged] = "Clac Clgi Cli Clrssbsy Clts Encls Enclv Enqcmds Erets Eretu Hlt Hreset Invd Invept Invlpg Invlpga Invlpgb Invpcid "
            + "Invvpid Lgdt Lidt Lkgs Lldt Lmsw Loadiwkey Ltr Mov Pbndkb Pconfig Psmash Pvalidate Rdmsr Rdmsrlist Rmpadjust Rmpquery "
            + "Rmpupdate Rsm Seamcall Seamops Seamret Setssbsy Skinit Stac Stgi Sti Swapgs Sysexit Sysexitq Sysret Sysretq Tdcall "
            + "Tlbsync Vmcall Vmclear Vmgexit Vmlaunch Vmload Vmmcall Vmptrld Vmptrst Vmread Vmresume Vmrun Vmsave Vmwrite Vmxoff "
            + "Vmxon Wbinvd Wbnoinvd Wrmsr Wrmsrlist Wrmsrns Wrussd Wrussq Xrstors Xrstors64 Xsaves Xsaves64 Xsetbv",
        [RelocationRefusalReason.FarTransfer] = "Call Iret Iretd Iretq Jmp Retf Uiret",
        [RelocationRefusalReason.Sysenter] = "Sysenter",
        [RelocationRefusalReason.StackSegmentLoad] = "Mov",
        [RelocationRefusalReason.Transactional] = "Xabort Xbegin Xend",
        [RelocationRefusalReason.EnclaveEntry] = "Enclu",
        [RelocationRefusalReason.OperandSizeBranch] =
            "Call Ja Jae Jb Jbe Je Jecxz Jg Jge Jl Jle Jmp Jne Jno Jnp Jns Jo Jp Jrcxz Js Loop Loope Loopne Ret",
        [RelocationRefusalReason.StackPointerCall] = "Call",
    };

    [Fact]
    public void Every_instruction_of_the_table_has_a_form()
    {
        Assert.Equal([], InstructionForms.Codes().Except(InstructionForms.All.Select(form => form.Code)));
        Assert.InRange(InstructionForms.Codes().Count(), 4424, int.MaxValue);
        Assert.InRange(InstructionForms.All.Count, 210_000, int.MaxValue);
    }

    [Fact]
    public void Every_form_is_relocated_or_refused_with_a_reason()
    {
        var reasons = new Dictionary<RelocationRefusalReason, SortedSet<string>>();
        int accepted = 0;
        int refused = 0;
        foreach (InstructionForm form in InstructionForms.All)
        {
            if (InstructionRelocator.TryRelocate(form.Bytes, TestLayout.Site, TestLayout.NearSlot, false, out RelocatedInstruction? relocated, out RelocationRefusal? refusal))
            {
                accepted++;
                RelocationCheck.Verify(form, relocated, TestLayout.NearSlot);
                continue;
            }

            refused++;
            Assert.NotEmpty(refusal.Message);
            if (!reasons.TryGetValue(refusal.Reason, out SortedSet<string>? mnemonics))
                reasons.Add(refusal.Reason, mnemonics = new(StringComparer.Ordinal));
            mnemonics.Add(form.Code.Mnemonic().ToString());
        }

        foreach ((RelocationRefusalReason reason, SortedSet<string> mnemonics) in reasons)
            Assert.Equal($"{reason}: {Refused.GetValueOrDefault(reason)}", $"{reason}: {string.Join(' ', mnemonics)}");
        Assert.Equal(Refused.Keys.Order(), reasons.Keys.Order());
        Assert.InRange(accepted, 208_000, int.MaxValue);
        Assert.InRange(refused, 1, 2_500);
    }

    [Fact]
    public void A_far_slot_changes_nothing_but_the_jumps_and_what_it_cannot_reach()
    {
        int outOfReach = 0;
        foreach (InstructionForm form in InstructionForms.All)
        {
            bool inspected = InstructionRelocator.TryInspect(form.Bytes, TestLayout.Site, out InspectedInstruction inspection, out RelocationRefusal? refusal);
            if (InstructionRelocator.TryRelocate(form.Bytes, TestLayout.Site, TestLayout.FarSlot, false, out RelocatedInstruction? relocated, out RelocationRefusal? far))
            {
                Assert.True(inspected);
                Assert.Null(inspection.DataReach);
                RelocationCheck.Verify(form, relocated, TestLayout.FarSlot);
            }
            else if (inspected)
            {
                Assert.Equal(RelocationRefusalReason.OutOfReach, far.Reason);
                Assert.NotNull(inspection.DataReach);
                outOfReach++;
            }
            else
            {
                Assert.Equal(refusal, far);
            }
        }

        Assert.InRange(outOfReach, 23_000, int.MaxValue);
    }

    [Fact]
    public void Code_that_stops_afterwards_exists_for_all_but_returns_and_indirect_branches()
    {
        int stopping = 0;
        foreach (InstructionForm form in InstructionForms.All)
        {
            bool inspected = InstructionRelocator.TryInspect(form.Bytes, TestLayout.Site, out InspectedInstruction inspection, out _);
            if (InstructionRelocator.TryRelocate(form.Bytes, TestLayout.Site, TestLayout.NearSlot, true, out RelocatedInstruction? relocated, out RelocationRefusal? refusal))
            {
                RelocationCheck.Verify(form, relocated, TestLayout.NearSlot);
                Assert.NotEmpty(relocated.Exits);
                stopping++;
            }
            else if (inspected)
            {
                Assert.Equal(RelocationRefusalReason.NeedsEmulation, refusal.Reason);
                Assert.True(inspection.NeedsEmulationAfterwards);
            }
        }

        Assert.InRange(stopping, 200_000, int.MaxValue);
    }
}
