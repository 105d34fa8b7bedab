namespace Uprobes.Script.Output;

/// <summary>The fields of a struct or a record: names and values side by side. Both arrays are lent and must not change.</summary>
internal sealed record ScriptRecord(string[] Names, ScriptValue[] Values);
