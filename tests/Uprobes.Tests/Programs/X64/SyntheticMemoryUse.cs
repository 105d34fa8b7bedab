namespace Uprobes.Tests.Programs.X64;

/// <summary>Tests that map the synthetic memory's pages, of which there is one set: one test at a time.</summary>
[CollectionDefinition("synthetic memory")]
public sealed class SyntheticMemoryUse;
