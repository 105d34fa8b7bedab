namespace Uprobes.Programs.Queries;

/// <summary>What a query is about: which hits there are and what its lambdas can ask of each.</summary>
internal enum QuerySubject
{
    /// <summary>Entries of functions.</summary>
    Entry,

    /// <summary>Any instructions; they have registers, but no arguments.</summary>
    Instruction,

    /// <summary>Returns of functions.</summary>
    Return,

    /// <summary>Calls, each asked about when it returns, with the arguments that it had.</summary>
    Call,
}
