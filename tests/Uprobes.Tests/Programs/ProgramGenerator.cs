using CsCheck;
using Uprobes.Channels;
using Uprobes.Programs;

namespace Uprobes.Tests.Programs;

/// <summary>
/// Random programs that <see cref="ProgramChecker"/> accepts, most of them small, with hits for them. For tests of back ends:
/// <code>
/// ProgramGenerator.Cases.Sample(test =>
/// {
///     RecordingOutput expected = new(test.Group);
///     new Interpreter().Run(test.Group.Entry, test.Entry, expected);
///     ... map test.Entry.Memory.Areas, run the emitted code with test.Entry.Registers, put its channel into another RecordingOutput ...
///     Assert.Equal(expected.Describe(), actual.Describe());
/// });
///
/// static Gen&lt;ProgramCase&gt; Cases                  a group, an entry hit and a return hit
/// static Gen&lt;(Expression, SyntheticContext)&gt; Values   an integer expression for an entry program, without maps and locals
/// </code>
/// What a back end cannot choose it sets in the contexts, for example <c>test.Entry with { ThreadId = own }</c>. Time is compared if
/// the emitted code's clock stands still (rate 0: then every timestamp is the base and every duration 0). rsp (register 4) occurs only
/// as an address to read from at or above it, and as <c>rsp &amp; 0xfff</c>, so that what code leaves below it is not seen.
/// Loops make so few keys that no table overflows.
/// </summary>
internal static class ProgramGenerator
{
    /// <summary>Groups with hits.</summary>
    internal static Gen<ProgramCase> Cases { get; } = Gen.Select(
        Gen.UShort.Array[0, 600], Gen.UShort.Array[0, 150], (program, hits) => MakeCase(new(program), new(hits)));

    /// <summary>Integers of all types that can be computed in any program, with hits.</summary>
    internal static Gen<(Expression Value, SyntheticContext Context)> Values { get; } = Gen.Select(
        Gen.UShort.Array[0, 150], Gen.UShort.Array[0, 80], (program, hits) => MakeValue(new(program), new(hits)));

    private static (Expression Value, SyntheticContext Context) MakeValue(ChoiceSource choices, ChoiceSource hits)
    {
        SyntheticContext context = SyntheticContext.Choose(hits, new(hits), ProgramCase.Probes);
        ExpressionGenerator expressions = new(choices, maps: [], locals: [], isReturn: false, followWords: 0) { Budget = 60 };
        return (expressions.Integer(DefinitionGenerator.IntegerType(choices), 0), context);
    }

    private static ProgramCase MakeCase(ChoiceSource choices, ChoiceSource hits)
    {
        MapDefinition[] maps = DefinitionGenerator.Maps(choices);
        EventDefinition[] events = DefinitionGenerator.Events(choices);
        bool hasReturn = choices.Below(2) == 1;
        StatementGenerator entry = new(choices, maps, events, isReturn: false, hasReturn, followWords: 0);
        ProbeProgram entryProgram = entry.Program();
        ProgramGroup group = new()
        {
            Entry = entryProgram,
            Return = hasReturn ? new StatementGenerator(choices, maps, events, isReturn: true, hasReturn, entry.LeastFollowWords ?? 0).Program() : null,
            Maps = maps,
            Events = events,
            ThreadSlots = 16,
        };
        SyntheticMemory memory = new(hits);
        SyntheticContext context = SyntheticContext.Choose(hits, memory, ProgramCase.Probes);
        return new(group, context, SyntheticContext.Choose(hits, memory, ProgramCase.Probes) with
        {
            ProcessId = context.ProcessId,
            ThreadId = context.ThreadId,
            ProbeIndex = context.ProbeIndex,
            SiteAddress = context.SiteAddress,
        });
    }
}
