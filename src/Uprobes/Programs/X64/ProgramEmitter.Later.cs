using Iced.Intel;
namespace Uprobes.Programs.X64;
internal sealed partial class ProgramEmitter
{
    private static NotSupportedException Later() => new("not yet compiled: keys, texts, memory reads, followed calls");
    private static void EmitText(Expression part, Gpr place, int offset) => throw Later();
    private static void EmitKeyedUpdate(Aggregate aggregate, Operand value) => throw Later();
    private static void EmitKeyedDelete(DeleteKey delete) => throw Later();
    private static ConditionCode CompareTexts(Binary comparison) => throw Later();
}
