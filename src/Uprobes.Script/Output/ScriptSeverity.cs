namespace Uprobes.Script.Output;

/// <summary>How much a message of the script matters.</summary>
public enum ScriptSeverity : byte
{
    /// <summary><c>warnf()</c>.</summary>
    Warning,

    /// <summary><c>errorf()</c>.</summary>
    Error,
}
