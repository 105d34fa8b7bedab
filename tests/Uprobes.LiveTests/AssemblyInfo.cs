using Uprobes.LiveTests.Kit;

// Live tests measure and change processes of the whole machine's few cores: one at a time.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: BoundedTest]
[assembly: AssemblyFixture(typeof(NothingLeftBehind))]
