using Uprobes.Channels;
using Uprobes.Programs.X64;

namespace Uprobes.Arming.Inline;

/// <summary>A program group in one address space.</summary>
/// <param name="Run">The group.</param>
/// <param name="Environment">The addresses that its code refers to.</param>
/// <param name="Entry">The entry program.</param>
/// <param name="Return">The return program, if there is one.</param>
/// <param name="Memory">The channel, as the tracer sees it.</param>
internal sealed record ProgramSpace(ProgramRun Run, CodeEnvironment Environment, ProgramCode Entry, ProgramCode? Return, ChannelMemory Memory)
{
    /// <summary>Sites in this address space that run it.</summary>
    internal int Users { get; set; }
}
