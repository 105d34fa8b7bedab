using Uprobes.Channels;
using Uprobes.Processes;

namespace Uprobes.Programs;

/// <summary>
/// Something that has a value. Integers are held in 64 bits, wrapped to their type after every operation (<see cref="DataType.Wrap"/>).
/// Where any integer will do (a condition, an address, the right side of a shift, an operand of a logical operator), these 64 bits
/// count. Nothing that a value is made of changes anything but the count of failed reads, so that their order does not matter.
/// </summary>
/// <param name="Type">Of the value.</param>
internal abstract record Expression(DataType Type);

/// <summary>A number.</summary>
/// <param name="Value">Already wrapped to its type.</param>
/// <param name="Type">An integer.</param>
internal sealed record Constant(long Value, DataType Type) : Expression(Type);

/// <summary>A text that the program brings along: never cut, and without a zero in it.</summary>
/// <param name="Bytes">At most as many as the capacity.</param>
/// <param name="Capacity">That of its type.</param>
internal sealed record TextConstant(ReadOnlyMemory<byte> Bytes, int Capacity) : Expression(DataType.Text(Capacity));

/// <summary>A register of the probed thread, as it is at the site.</summary>
/// <param name="Number">The processor's number: on x86-64 rax 0, rcx 1, rdx 2, rbx 3, rsp 4, rbp 5, rsi 6, rdi 7, r8 to r15.</param>
internal sealed record RegisterValue(int Number) : Expression(DataType.U64);

/// <summary>
/// An integer argument of the function at whose entry the probe is: 0 to 5 in registers, later ones on the stack
/// (System V ABI, AMD64, section 3.2.3; read as <see cref="Load"/> does,
/// from rsp + 8 + 8 x (index - 6)). Only in entry programs.
/// </summary>
internal sealed record Argument(int Index) : Expression(DataType.U64);

/// <summary>What the function returns in its first integer register (rax). Only in return programs.</summary>
internal sealed record ReturnValue() : Expression(DataType.U64);

/// <summary>A word that the entry program saved for this call (<see cref="FollowCall"/>). Only in return programs.</summary>
internal sealed record EntryWord(int Index) : Expression(DataType.U64);

/// <summary>Values that are always there.</summary>
internal enum BuiltinKind
{
    /// <summary>U32: as the target's own getpid() says.</summary>
    ProcessId,

    /// <summary>U32: as the target's own gettid() says.</summary>
    ThreadId,

    /// <summary>I64: nanoseconds of CLOCK_MONOTONIC.</summary>
    Timestamp,

    /// <summary>I64: nanoseconds since the entry of the call, never negative. Only in return programs.</summary>
    Duration,

    /// <summary>U32: which probe of the program's group was hit, from 0.</summary>
    ProbeIndex,

    /// <summary>U64: address of the site in the target.</summary>
    SiteAddress,

    /// <summary>U64: where the thread goes on: at the site; in return programs where the call returns, whoever else follows it.</summary>
    Instruction,

    /// <summary>U32: the number of the processor that the thread runs on.</summary>
    Processor,

    /// <summary>U32: the real user of the thread, as the tracer sees it. Machine code has the target's own getuid(), and is armed where both are the same.</summary>
    UserId,

    /// <summary>U32: the real group of the thread, as the tracer sees it; like the user.</summary>
    GroupId,

    /// <summary>U32: the parent, as the tracer sees it; like the user.</summary>
    ParentId,

    /// <summary>U32: another number each time, of which nothing depends on being hard to guess.</summary>
    Random,
}

/// <summary>A value that is always there.</summary>
internal sealed record Builtin(BuiltinKind Kind) : Expression(Kind switch
{
    BuiltinKind.Timestamp or BuiltinKind.Duration => DataType.I64,
    BuiltinKind.SiteAddress or BuiltinKind.Instruction => DataType.U64,
    _ => DataType.U32,
});

/// <summary>An integer in the target's memory. What cannot be read is 0 and is counted as a failed read; it cannot crash the target.</summary>
internal sealed record Load(Expression Address, DataType Type) : Expression(Type);

/// <summary>
/// A zero-ended text in the target's memory. It ends before the first zero; after as many bytes as its capacity, and then it is cut
/// (what follows is not looked at); or before the first page that cannot be read, which is counted as one failed read and is not a cut.
/// </summary>
internal sealed record LoadText(Expression Address, int Capacity) : Expression(DataType.Text(Capacity));

/// <summary>
/// Bytes of the target's memory, zeros among them, stored as a text is: as many as asked for, at most as many as the capacity, and none
/// from the first page on that cannot be read. Where some were asked for and there is not one, that is a failed read.
/// </summary>
/// <param name="Address">Of the first byte.</param>
/// <param name="Length">How many are wanted: an integer, whose 64 bits count without a sign.</param>
/// <param name="Capacity">That of its type.</param>
internal sealed record LoadBytes(Expression Address, Expression Length, int Capacity) : Expression(DataType.Text(Capacity));

/// <summary>
/// The thread's stack from its stack pointer on, read as <see cref="LoadBytes"/> does. Return addresses that are replaced because calls are followed are
/// there as they were: what would be returned to in the end. What is on the stack itself stays.
/// </summary>
/// <param name="Capacity">That of its type, and how much is wanted.</param>
internal sealed record StackBytes(int Capacity) : Expression(DataType.Text(Capacity));

/// <summary>The thread's name (prctl(2), PR_GET_NAME), at most 15 bytes.</summary>
internal sealed record ThreadName() : Expression(DataType.Text(ThreadMoment.NameSize));

/// <summary>Operators of one operand.</summary>
internal enum UnaryOperator
{
    Negate,
    Complement,

    /// <summary>1 for 0, otherwise 0; a Boolean.</summary>
    Not,

    /// <summary>The bytes in the opposite order.</summary>
    SwapBytes,
}

/// <summary>An operation on one integer; has the operand's type, or Boolean.</summary>
internal sealed record Unary(UnaryOperator Operator, Expression Operand)
    : Expression(Operator == UnaryOperator.Not ? DataType.Boolean : Operand.Type);

/// <summary>Operators of two operands, which have one type. Shifts take any integer on the right, of which the low 6 bits count (5 for types of 32 bits and less).</summary>
internal enum BinaryOperator
{
    Add,
    Subtract,
    Multiply,

    /// <summary>Towards zero. By zero: 0. The least value by -1: the least value.</summary>
    Divide,

    /// <summary>The sign is the dividend's. By zero: the dividend. The least value by -1: 0.</summary>
    Remainder,
    And,
    Or,
    Xor,
    ShiftLeft,

    /// <summary>Copies the sign for signed types.</summary>
    ShiftRight,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,

    /// <summary>The right operand is evaluated only if the left is not 0.</summary>
    LogicalAnd,

    /// <summary>The right operand is evaluated only if the left is 0.</summary>
    LogicalOr,
}

/// <summary>An operation on two integers of one type. Logical operators take any integers. Equal and NotEqual take two texts of any capacities also, which are equal if their lengths and bytes are (a cut one may equal one that is not).</summary>
internal sealed record Binary(BinaryOperator Operator, Expression Left, Expression Right)
    : Expression(Operator >= BinaryOperator.Equal ? DataType.Boolean : Left.Type);

/// <summary>An integer as another integer type, as a C cast does.</summary>
internal sealed record Cast(Expression Operand, DataType Type) : Expression(Type);

/// <summary>One of two integers, or of two texts, of one type; only the chosen one is evaluated.</summary>
internal sealed record Conditional(Expression Condition, Expression WhenTrue, Expression WhenFalse) : Expression(WhenTrue.Type);

/// <summary>A local variable; 0 until it is set.</summary>
internal sealed record LocalValue(int Index, DataType Type) : Expression(Type);

/// <summary>The value that a map of kind <see cref="AggregateKind.Value"/> has for a key; 0 where it has none.</summary>
internal sealed record MapValue(int Map, IReadOnlyList<Expression> Key, DataType Type) : Expression(Type);

/// <summary>
/// A word of the cell that a map with a key has for one (<see cref="AggregateKind"/>), as it is at this moment; 0 where it has none. The
/// words of a cell may be those of different moments: a sum may be a value ahead of its count.
/// </summary>
/// <param name="Map">One that is read (<see cref="MapDefinition.IsRead"/>).</param>
/// <param name="Key">The key.</param>
/// <param name="Word">Which word.</param>
internal sealed record MapCell(int Map, IReadOnlyList<Expression> Key, int Word) : Expression(DataType.U64);

/// <summary>Whether a map of kind <see cref="AggregateKind.Value"/> has a value for a key.</summary>
internal sealed record MapContains(int Map, IReadOnlyList<Expression> Key) : Expression(DataType.Boolean);
