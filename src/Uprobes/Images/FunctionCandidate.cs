namespace Uprobes.Images;

/// <summary>A symbol that is a function and has a place in the file, before its name becomes a string.</summary>
/// <param name="Table">The symbol table.</param>
/// <param name="Index">The symbol's number there.</param>
/// <param name="Entry">The symbol.</param>
/// <param name="Offset">Its file offset.</param>
internal readonly record struct FunctionCandidate(SymbolTable Table, int Index, SymbolEntry Entry, ulong Offset);
