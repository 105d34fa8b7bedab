namespace Uprobes.LiveTests.Kit;

/// <summary>What a finished command left: how it ended, and all that it wrote.</summary>
public sealed record CommandResult(ExitStatus Exit, string Output, string Errors);
