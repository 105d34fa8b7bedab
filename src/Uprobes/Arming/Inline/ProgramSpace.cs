using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Programs.X64;

namespace Uprobes.Arming.Inline;

/// <summary>A program group in one address space.</summary>
/// <param name="Run">The group.</param>
/// <param name="Environment">The addresses that its code refers to, but for the table of calls.</param>
/// <param name="Memory">The channel, as the tracer sees it.</param>
internal sealed record ProgramSpace(ProgramRun Run, CodeEnvironment Environment, ChannelMemory Memory)
{
    // Forked copies share it. Their tables can lie elsewhere, where calls are followed only after the fork.
    private readonly Dictionary<ProgramGroup, (CallTable? Calls, ProgramCodes Codes)> _codes = new(ReferenceEqualityComparer.Instance);

    /// <summary>Sites in this address space that run it.</summary>
    internal int Users { get; set; }

    /// <summary>What a probe of the group runs; compiled once for all that do the same.</summary>
    /// <param name="group">The group as the probe sees it.</param>
    /// <param name="calls">The table of followed calls; there is one where the probe follows calls.</param>
    internal ProgramCodes CodesOf(ProgramGroup group, CallTable? calls)
    {
        CodeEnvironment environment = group.Return is null ? Environment : Environment with { Calls = calls };
        if (_codes.TryGetValue(group, out (CallTable? Calls, ProgramCodes Codes) known) && known.Calls == environment.Calls)
            return known.Codes;
        ProgramCodes made = new(ProgramCompiler.CompileEntry(group, environment),
            group.Return is null ? null : ProgramCompiler.CompileReturn(group, environment));
        _codes[group] = (environment.Calls, made);
        return made;
    }
}

/// <summary>The machine code of a probe's programs.</summary>
/// <param name="Entry">The entry program.</param>
/// <param name="Return">The return program, if there is one.</param>
internal sealed record ProgramCodes(ProgramCode Entry, ProgramCode? Return);
