using System.Linq.Expressions;
using Uprobes.Channels;
using LinqExpression = System.Linq.Expressions.Expression;

namespace Uprobes.Programs.Queries;

/// <summary>
/// What the members of a lambda's parameter mean in a program. The public types that declare them are above this layer, so that they
/// are known by their names here; a test holds the two together.
/// </summary>
/// <param name="subject">Which hits the query is about.</param>
/// <param name="atReturn">Whether the program runs when the call returns.</param>
/// <param name="kept">Where arguments of calls are kept for the return program.</param>
internal sealed class PointMembers(QuerySubject subject, bool atReturn, KeptArguments kept)
{
    internal const string Function = "Function";

    private const int MostArguments = 32, UsualText = 64;

    /// <summary>By the processor's numbers.</summary>
    private static readonly string[] Registers =
        ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    /// <summary>Members that are the same at the call's entry and its return, so that what depends on nothing else can be decided at the entry.</summary>
    private static readonly HashSet<string> KnownAtEntry = ["ProcessId", "ThreadId", "ProbeIndex", Function, "Address", "Arg", "SignedArg"];

    /// <summary>Whether an expression about a return or a call can be decided at its entry.</summary>
    internal static bool IsKnownAtEntry(LinqExpression expression)
    {
        MemberNames names = new();
        names.Visit(expression);
        return names.Found.IsSubsetOf(KnownAtEntry);
    }

    /// <summary>A property of the parameter.</summary>
    internal Expression Property(MemberExpression member) => member.Member.Name switch
    {
        "ProcessId" => new Cast(new Builtin(BuiltinKind.ProcessId), DataType.I32),
        "ThreadId" => new Cast(new Builtin(BuiltinKind.ThreadId), DataType.I32),
        "ProbeIndex" => new Cast(new Builtin(BuiltinKind.ProbeIndex), DataType.I32),
        "Address" => new Builtin(BuiltinKind.SiteAddress),
        "Timestamp" when subject == QuerySubject.Call && atReturn =>
            new Binary(BinaryOperator.Subtract, new Builtin(BuiltinKind.Timestamp), new Builtin(BuiltinKind.Duration)),
        "Timestamp" => new Builtin(BuiltinKind.Timestamp),
        "DurationNanoseconds" when atReturn => new Builtin(BuiltinKind.Duration),
        "ReturnValue" when atReturn => new ReturnValue(),
        "SignedReturnValue" when atReturn => new Cast(new ReturnValue(), DataType.I64),
        _ => throw Unknown(member),
    };

    /// <summary>A method of the parameter.</summary>
    /// <param name="call">The call.</param>
    /// <param name="arguments">Translates its arguments where they depend on the hit.</param>
    internal Expression Method(MethodCallExpression call, Func<LinqExpression, Expression> arguments) => call.Method.Name switch
    {
        "Arg" => ArgumentOf(call),
        "SignedArg" => new Cast(ArgumentOf(call), DataType.I64),
        "Register" => new RegisterValue(RegisterNumber(call)),
        "Read" => Read(call, arguments(call.Arguments[0])),
        "ReadString" => new LoadText(arguments(call.Arguments[0]), call.Arguments.Count == 1 ? UsualText : CapacityOf(call)),
        _ => throw Unknown(call),
    };

    private Expression ArgumentOf(MethodCallExpression call)
    {
        int index = Known<int>(call, call.Arguments[0], "an argument's number");
        if (index is < 0 or >= MostArguments)
            throw new QueryTranslationException(ExpressionText.Of(call), "there is no such argument", $"Arguments are counted from 0 to {MostArguments - 1}.");
        if (!atReturn)
            return new Argument(index);
        return kept.WordOf(index) ?? throw new QueryTranslationException(ExpressionText.Of(call),
            $"a call keeps at most {KeptArguments.Most} arguments until it returns", "Ask for fewer arguments, or for entries instead of calls.");
    }

    private static int RegisterNumber(MethodCallExpression call)
    {
        string name = Known<string>(call, call.Arguments[0], "a register's name");
        int number = Array.IndexOf(Registers, name);
        return number >= 0 ? number : throw new QueryTranslationException(ExpressionText.Of(call),
            "there is no such register", $"The registers are {string.Join(", ", Registers)}.");
    }

    private static Expression Read(MethodCallExpression call, Expression address)
    {
        if (!ClrTypes.TryGet(call.Type, out DataType type))
        {
            throw new QueryTranslationException(ExpressionText.Of(call), $"{ExpressionText.Name(call.Type)} is not an integer",
                "Read the fields of a structure one by one, each as an integer at its own address.");
        }

        Expression value = new Load(address, type);
        return call.Type == typeof(bool) ? new Binary(BinaryOperator.NotEqual, value, new Constant(0, type)) : value;
    }

    private static int CapacityOf(MethodCallExpression call)
    {
        int capacity = Known<int>(call, call.Arguments[1], "the most bytes of a text");
        if (capacity is < 1 or > ProgramLimits.TextCapacity)
            throw new QueryTranslationException(ExpressionText.Of(call), $"a text has 1 to {ProgramLimits.TextCapacity} bytes", $"Read at most {ProgramLimits.TextCapacity} bytes.");
        return (capacity + 7) / 8 * 8;
    }

    /// <summary>What must be known when the query is made.</summary>
    private static T Known<T>(MethodCallExpression call, LinqExpression argument, string what)
    {
        if (!ClosedValues.IsClosed(argument))
            throw new QueryTranslationException(ExpressionText.Of(call), $"{what} must be known when the query is made", "Use a constant or a captured variable.");
        return ClosedValues.Evaluate(argument) is T value
            ? value
            : throw new QueryTranslationException(ExpressionText.Of(call), $"{what} is null", "Use a constant or a captured variable that has a value.");
    }

    private QueryTranslationException Unknown(LinqExpression member) => new(ExpressionText.Of(member),
        $"it has no meaning at {subject switch { QuerySubject.Entry => "an entry", QuerySubject.Instruction => "an instruction", QuerySubject.Return => "a return", _ => "a call" }}",
        "Use the documented members of the lambda's parameter.");

    /// <summary>The members that are asked of the parameter.</summary>
    private sealed class MemberNames : ExpressionVisitor
    {
        internal HashSet<string> Found { get; } = [];

        protected override LinqExpression VisitMember(MemberExpression node)
        {
            if (node.Expression is ParameterExpression)
                Found.Add(node.Member.Name);
            return base.VisitMember(node);
        }

        protected override LinqExpression VisitMethodCall(MethodCallExpression node)
        {
            if (node.Object is ParameterExpression)
                Found.Add(node.Method.Name);
            return base.VisitMethodCall(node);
        }
    }
}
