namespace Uprobes.Script.Output;

/// <summary>The type of an argument, as the checks of a format need it.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="TypeName">Its name in messages: <c>string</c>, <c>int64</c>.</param>
public readonly record struct PrintfArgument(ScriptValueKind Kind, string TypeName);

/// <summary>Why a format and its arguments do not fit.</summary>
/// <param name="Message">The reason, in bpftrace's words where scripts' tests look for them.</param>
/// <param name="ArgumentIndex">The argument that does not fit, from 0; null when it is their number.</param>
public readonly record struct PrintfProblem(string Message, int? ArgumentIndex);
