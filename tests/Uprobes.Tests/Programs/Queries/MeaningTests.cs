using System.Globalization;
using System.Linq.Expressions;
using CsCheck;
using Uprobes.Channels;
using Uprobes.Programs;
using Uprobes.Programs.Queries;

namespace Uprobes.Tests.Programs.Queries;

/// <summary>A translated expression has the value that C# gives the original, for all kinds of hits.</summary>
public sealed class MeaningTests
{
    private static readonly int Captured = 12;
    private static readonly ulong[] Limits = [3, 1 << 20, ulong.MaxValue];

    private enum Level : short
    {
        Low = -1,
        High = 7,
    }

    private static readonly Expression<Func<EntryPoint, long>>[] Numbers =
    [
        p => (long)p.Arg(0),
        p => p.SignedArg(1) + p.SignedArg(2),
        p => p.SignedArg(1) * p.SignedArg(2) - p.SignedArg(3),
        p => p.SignedArg(1) / p.SignedArg(2),
        p => p.SignedArg(1) % p.SignedArg(2),
        p => (int)p.Arg(1) / (int)p.Arg(2),
        p => (int)p.Arg(1) % ((int)p.Arg(2) | 1),
        p => (long)(p.Arg(1) / p.Arg(2)),
        p => (long)(p.Arg(1) % p.Arg(2)),
        p => (int)p.Arg(0),
        p => (uint)p.Arg(0),
        p => (short)p.Arg(0),
        p => (ushort)p.Arg(0),
        p => (sbyte)p.Arg(0),
        p => (byte)p.Arg(0),
        p => (char)p.Arg(0),
        p => (sbyte)p.Arg(0) + (byte)p.Arg(1),
        p => (uint)p.Arg(0) + (int)p.Arg(1),
        p => (uint)p.Arg(0) * (uint)p.Arg(1),
        p => (int)p.Arg(0) * (int)p.Arg(1),
        p => -(int)p.Arg(0),
        p => ~(byte)p.Arg(0),
        p => ~p.SignedArg(0),
        p => -p.SignedArg(0),
        p => p.SignedArg(0) << (int)p.Arg(1),
        p => p.SignedArg(0) >> (int)p.Arg(1),
        p => (long)(p.Arg(0) >> (int)p.Arg(1)),
        p => (int)p.Arg(0) << (int)p.Arg(1),
        p => (int)p.Arg(0) >> (int)p.Arg(1),
        p => (uint)p.Arg(0) >> (int)p.Arg(1),
        p => (byte)p.Arg(0) << 7 & 0x1f ^ (int)p.Arg(1) | 5,
        p => p.ThreadId * Captured + p.ProcessId,
        p => p.Timestamp / 1000 % 60,
        p => p.Arg(0) > p.Arg(1) ? p.SignedArg(2) : p.SignedArg(3) - 1,
        p => (long)(Level)p.Arg(0),
        p => p.Read<int>(p.Arg(0)),
        p => p.Read<short>(p.Arg(0) + 8) + p.Read<byte>(p.Arg(1)),
        p => (long)p.Read<ulong>(p.Read<ulong>(p.Arg(0))),
        p => (long)p.Register("r12") ^ (long)p.Register("rbx"),
        p => (long)p.Address + p.ProbeIndex,
        p => (long)p.Arg(7),
    ];

    private static readonly Expression<Func<EntryPoint, bool>>[] Conditions =
    [
        p => p.Arg(0) > 64 * 1024,
        p => p.Arg(0) >= Limits[1],
        p => p.SignedArg(0) < p.SignedArg(1),
        p => (int)p.Arg(0) <= (int)p.Arg(1),
        p => (uint)p.Arg(0) == (uint)p.Arg(1),
        p => (byte)p.Arg(0) != (byte)p.Arg(1),
        p => p.Arg(0) == 0 || p.Arg(1) != 0 && (p.Arg(2) & 1) == 0,
        p => !(p.Arg(0) == 0) ^ p.Arg(1) == 0,
        p => (p.Arg(0) > 5) & (p.Arg(1) > 5) | (p.Arg(2) < 5),
        p => (p.Arg(0) > 5) == (p.Arg(1) > 5),
        p => (Level)p.Arg(0) == Level.High,
        p => (p.Arg(0) > 7 ? p.Arg(1) : p.Arg(2)) > Limits[0],
        p => p.Read<bool>(p.Arg(0)),
        p => p.Read<Level>(p.Arg(0)) > Level.Low,
        p => p.ReadString(p.Arg(0), 8) == p.ReadString(p.Arg(1), 16),
        p => p.ReadString(p.Arg(0), 8) == "aaaaaaaa",
        p => p.ReadString(p.Arg(0)) != "",
        p => string.Equals(p.ReadString(p.Arg(0)), "zzzzz"),
        p => p.Function == "free",
        p => p.Function != "free" && p.ProbeIndex < 2,
    ];

    [Fact]
    public void Numbers_and_conditions_are_what_CSharp_says()
    {
        (LambdaExpression, Func<EntryPoint, long?>)[] cases =
        [
            .. Numbers.Select(number => ((LambdaExpression)number, Evaluated(number.Compile()))),
            .. Conditions.Select(condition => ((LambdaExpression)condition, Evaluated(condition.Compile() is var met ? p => met(p) ? 1 : 0 : null!))),
        ];
        ProbeProgram[] programs = [.. cases.Select(c => ProgramOf(c.Item1))];
        Gen.UShort.Array[0, 80].Sample(numbers =>
        {
            ChoiceSource choices = new(numbers);
            SyntheticContext context = SyntheticContext.Choose(choices, new SyntheticMemory(choices), SampledEntry.Functions.Length);
            for (int i = 0; i < cases.Length; i++)
            {
                if (cases[i].Item2(new SampledEntry(context)) is not { } expected)
                    continue;
                RecordingOutput output = new(Group);
                new Interpreter().Run(programs[i], context, output);
                long actual = (long)Assert.Single(output.Events).Fields[0];
                Assert.True(expected == actual, string.Create(CultureInfo.InvariantCulture, $"{ExpressionText.Of(cases[i].Item1)} is {expected} and became {actual} at\n{context}"));
            }
        }, iter: 400);
    }

    private static ProgramGroup Group => new() { Entry = new ProbeProgram([], []), Events = [new EventDefinition("value", [DataType.I64])] };

    private static ProbeProgram ProgramOf(LambdaExpression lambda)
    {
        ExpressionTranslator translator = new(new PointMembers(QuerySubject.Entry, atReturn: false, new KeptArguments()), SampledEntry.Functions);
        ProbeProgram program = new([new Emit(0, [new Cast(translator.Integer(lambda.Body), DataType.I64)])], []);
        Assert.Empty(ProgramChecker.Check(Group with { Entry = program }));
        return program;
    }

    /// <summary>What C# gives; null where it divides by zero, or overflows by dividing.</summary>
    private static Func<EntryPoint, long?> Evaluated(Func<EntryPoint, long> original) => point =>
    {
        try
        {
            return original(point);
        }
        catch (ArithmeticException)
        {
            return null;
        }
    };
}
