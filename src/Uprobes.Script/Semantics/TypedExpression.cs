using Uprobes.Script.Syntax;

namespace Uprobes.Script.Semantics;

/// <summary>
/// An expression with its type. Operands have the types that their operation asks for: where a script relies on a conversion,
/// a <see cref="CastExpression"/> stands in the tree.
/// </summary>
/// <param name="Type">Of the value.</param>
/// <param name="Span">Where the script has it.</param>
internal abstract record TypedExpression(ScriptType Type, SourceSpan Span);

/// <summary>Stands for what is wrong; only in trees of scripts with errors.</summary>
internal sealed record ErrorExpression(SourceSpan Span) : TypedExpression(ScriptType.Unknown, Span);

/// <summary>A number that is known.</summary>
/// <param name="Value">Extended to 64 bits by the type's sign.</param>
/// <param name="Type">An integer, a Boolean, an enum or a pointer.</param>
/// <param name="Span">Where.</param>
internal sealed record ConstantExpression(long Value, ScriptType Type, SourceSpan Span) : TypedExpression(Type, Span);

/// <summary>A text that is known.</summary>
internal sealed record TextConstantExpression(ReadOnlyMemory<byte> Bytes, SourceSpan Span) : TypedExpression(new TextType(Bytes.Length + 1), Span);

/// <summary>Bytes that are known: an Internet address of <c>pton</c>.</summary>
internal sealed record BytesConstantExpression(ReadOnlyMemory<byte> Bytes, SourceSpan Span) : TypedExpression(new ArrayType(ScriptType.U8, Bytes.Length), Span);

/// <summary>The value of a variable.</summary>
internal sealed record VariableExpression(VariableSymbol Variable, SourceSpan Span) : TypedExpression(Variable.Type, Span);

/// <summary>What a map holds for a key; 0, or an empty text, where it holds nothing.</summary>
/// <param name="Map">The map.</param>
/// <param name="Key">Of the map's key type; null for a map without keys.</param>
/// <param name="Span">Where.</param>
internal sealed record MapExpression(MapSymbol Map, TypedExpression? Key, SourceSpan Span) : TypedExpression(Map.ValueType, Span);

/// <summary>A whole map, as the argument of print() and its like.</summary>
internal sealed record MapReferenceExpression(MapSymbol Map, SourceSpan Span) : TypedExpression(ScriptType.Void, Span);

/// <summary><c>arg0</c> and its like: an argument in a register or, from the seventh, on the stack; for a usdt probe as its note says.</summary>
internal sealed record ArgumentExpression(int Index, SourceSpan Span) : TypedExpression(ScriptType.U64, Span);

/// <summary><c>sarg0</c> and its like: a word on the stack above the return address.</summary>
internal sealed record StackArgumentExpression(int Index, SourceSpan Span) : TypedExpression(ScriptType.I64, Span);

/// <summary>A value that is always there.</summary>
/// <param name="Builtin">Which one.</param>
/// <param name="Parameter">For the clock: 0 since boot, 1 monotonic, 2 TAI, 3 TAI by software. For the process and the thread: 1 as the first namespace numbers them.</param>
/// <param name="Type">Of the value.</param>
/// <param name="Span">Where.</param>
internal sealed record BuiltinExpression(ScriptBuiltin Builtin, int Parameter, ScriptType Type, SourceSpan Span) : TypedExpression(Type, Span);

/// <summary>
/// A value of a type at an address of the target's memory; of a struct or an array, only the address counts
/// until a part of it is used.
/// </summary>
internal sealed record MemoryExpression(TypedExpression Address, ScriptType Type, SourceSpan Span) : TypedExpression(Type, Span);

/// <summary>An array of characters in the target's memory, as a text that ends at the first zero or with the array.</summary>
/// <param name="Address">Where it begins.</param>
/// <param name="Count">Bytes.</param>
/// <param name="Span">Where the script has it.</param>
internal sealed record CharacterArrayExpression(TypedExpression Address, int Count, SourceSpan Span) : TypedExpression(new TextType(Count + 1), Span);

/// <summary><c>- ! ~</c>.</summary>
internal sealed record UnaryExpression(UnaryOperatorSyntax Operator, TypedExpression Operand, ScriptType Type, SourceSpan Span) : TypedExpression(Type, Span);

/// <summary>
/// An operation. Operands of arithmetic and of comparisons of numbers have one type, the right side of a shift has its own.
/// Logical operators have scalars of any type. Texts, tuples, records and arrays are compared by == and != only.
/// </summary>
internal sealed record BinaryExpression(BinaryOperatorSyntax Operator, TypedExpression Left, TypedExpression Right, ScriptType Type, SourceSpan Span) : TypedExpression(Type, Span);

/// <summary>One of two values of the type; only the chosen one is evaluated. The type is void where they are done for what they do.</summary>
internal sealed record ConditionalExpression(TypedExpression Condition, TypedExpression WhenTrue, TypedExpression WhenFalse, ScriptType Type, SourceSpan Span) : TypedExpression(Type, Span);

/// <summary>
/// A value as another type: between scalars as C does (to a Boolean: whether it is not 0); from an aggregate its number;
/// from a text to one of another capacity; from a tuple or record element by element; between integers and arrays of as many bytes.
/// </summary>
internal sealed record CastExpression(TypedExpression Operand, ScriptType Type, SourceSpan Span) : TypedExpression(Type, Span);

/// <summary><c>++</c> and <c>--</c>.</summary>
/// <param name="Target">A <see cref="VariableExpression"/> or a <see cref="MapExpression"/>.</param>
/// <param name="Step">What is added: 1 or -1, for pointers times the size of what they point to.</param>
/// <param name="IsPrefix">Whether the value is the new one.</param>
/// <param name="Span">Where.</param>
internal sealed record IncrementExpression(TypedExpression Target, long Step, bool IsPrefix, SourceSpan Span) : TypedExpression(Target.Type, Span);

/// <summary>A tuple or a record.</summary>
internal sealed record TupleExpression(IReadOnlyList<TypedExpression> Elements, ScriptType Type, SourceSpan Span) : TypedExpression(Type, Span);

/// <summary>An element of a tuple or of a record.</summary>
internal sealed record ElementExpression(TypedExpression Tuple, int Index, ScriptType Type, SourceSpan Span) : TypedExpression(Type, Span);

/// <summary>
/// A call. Arguments have been converted; optional ones that were left out are not there.
/// <see cref="FunctionTable"/> tells what each function takes.
/// </summary>
internal sealed record CallExpression(ScriptFunction Function, IReadOnlyList<TypedExpression> Arguments, ScriptType Type, SourceSpan Span) : TypedExpression(Type, Span);

/// <summary>Statements and then a value; the type is void where there is none.</summary>
internal sealed record BlockExpression(BlockStatement Statements, TypedExpression? Result, ScriptType Type, SourceSpan Span) : TypedExpression(Type, Span);
