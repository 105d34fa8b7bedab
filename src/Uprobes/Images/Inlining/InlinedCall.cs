using Uprobes.Images.SourceLines;

namespace Uprobes.Images.Inlining;

/// <summary>A call that the compiler has replaced by the code of what is called.</summary>
/// <param name="RawFunction">What is called, by the linker's name where it has one, otherwise with its namespaces.</param>
/// <param name="CalledFrom">The line of the call, in the function that the code was put into; null where that is not known.</param>
internal sealed record InlinedCall(string RawFunction, SourceLine? CalledFrom);
