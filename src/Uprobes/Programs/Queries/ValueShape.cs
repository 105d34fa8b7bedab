using System.Linq.Expressions;
using System.Reflection;
using System.Text;
using Tree = System.Linq.Expressions.Expression;

namespace Uprobes.Programs.Queries;

/// <summary>How the reader makes a C# value out of what a program stored. Usable from any thread.</summary>
internal abstract class ValueShape
{
    /// <summary>The value; integers are boxed.</summary>
    internal abstract object? Build(StoredValues values);

    /// <summary>The same as an expression tree, to be compiled where there are many.</summary>
    /// <param name="values">The <see cref="StoredValues"/>.</param>
    internal virtual Tree ToExpression(ParameterExpression values) =>
        Tree.Call(Tree.Constant(this, typeof(ValueShape)), ((Func<StoredValues, object?>)Build).Method.GetBaseDefinition(), values);

    /// <summary>The tree as a value of a type.</summary>
    internal Tree ToExpression(ParameterExpression values, Type type) => ToExpression(values) is var tree && tree.Type == type ? tree : Tree.Convert(tree, type);

    private protected static Tree[] Arguments(ValueShape[] parts, MethodBase method, ParameterExpression values) =>
        [.. method.GetParameters().Select((parameter, i) => parts[i].ToExpression(values, parameter.ParameterType))];
}

/// <summary>An integer, enum, character or truth value.</summary>
internal sealed class IntegerShape(Type type, int part) : ValueShape
{
    private static readonly MethodInfo s_integer = typeof(StoredValues).GetMethod(nameof(StoredValues.Integer), BindingFlags.Instance | BindingFlags.NonPublic)!;

    internal override object Build(StoredValues values) => ClrTypes.FromBits(type, values.Integer(part));

    internal override Tree ToExpression(ParameterExpression values)
    {
        Tree bits = Tree.Call(values, s_integer, Tree.Constant(part));
        return type == typeof(long) ? bits : type == typeof(bool) ? Tree.NotEqual(bits, Tree.Constant(0L))
            : type.IsEnum ? Tree.Convert(Tree.Convert(bits, Enum.GetUnderlyingType(type)), type) : Tree.Convert(bits, type);
    }
}

/// <summary>A text, as UTF-8 (malformed bytes become U+FFFD).</summary>
internal sealed class TextShape(int part) : ValueShape
{
    internal override object Build(StoredValues values) => Encoding.UTF8.GetString(values.Text(part));
}

/// <summary>What every event has in its header: the thread and the time.</summary>
internal sealed class HeaderShape(bool isTime) : ValueShape
{
    private static readonly PropertyInfo s_time = typeof(StoredValues).GetProperty(nameof(StoredValues.Timestamp), BindingFlags.Instance | BindingFlags.NonPublic)!,
        s_thread = typeof(StoredValues).GetProperty(nameof(StoredValues.ThreadId), BindingFlags.Instance | BindingFlags.NonPublic)!;

    internal override object Build(StoredValues values) => isTime ? (object)values.Timestamp : values.ThreadId;

    internal override Tree ToExpression(ParameterExpression values) => Tree.Property(values, isTime ? s_time : s_thread);
}

/// <summary>The name of the function that was hit, found by the probe's index: a field, or where the cells without a key belong to.</summary>
/// <param name="functions">The names, by index.</param>
/// <param name="part">The field; -1 for the index that the values have without one.</param>
internal sealed class FunctionShape(IReadOnlyList<string> functions, int part) : ValueShape
{
    internal override object Build(StoredValues values)
    {
        long index = part < 0 ? values.Probe : values.Integer(part);
        return index >= 0 && index < functions.Count ? functions[(int)index] : "?";
    }
}

/// <summary>The index of the probe that was hit, for cells without a key.</summary>
internal sealed class ProbeIndexShape : ValueShape
{
    internal override object Build(StoredValues values) => values.Probe;
}

/// <summary>A value that was known when the query was made.</summary>
internal sealed class KnownShape(object? value) : ValueShape
{
    internal override object? Build(StoredValues values) => value;
}

/// <summary>An object that a constructor makes: of an anonymous type, a record, a tuple; its properties may be set afterwards.</summary>
/// <param name="constructor">The constructor.</param>
/// <param name="parts">Its arguments.</param>
/// <param name="settings">Properties and fields to be set.</param>
internal sealed class ConstructedShape(ConstructorInfo constructor, ValueShape[] parts, (MemberInfo Member, ValueShape Value)[] settings) : ValueShape
{
    private readonly ConstructorInvoker _constructor = ConstructorInvoker.Create(constructor);

    internal override Tree ToExpression(ParameterExpression values) =>
        settings.Length == 0 ? Tree.New(constructor, Arguments(parts, constructor, values)) : base.ToExpression(values);

    internal override object Build(StoredValues values)
    {
        object?[] arguments = new object?[parts.Length];
        for (int i = 0; i < parts.Length; i++)
            arguments[i] = parts[i].Build(values);
        object made = _constructor.Invoke(arguments.AsSpan());
        foreach ((MemberInfo member, ValueShape value) in settings)
        {
            if (member is PropertyInfo property)
                property.SetValue(made, value.Build(values));
            else
                ((FieldInfo)member).SetValue(made, value.Build(values));
        }

        return made;
    }
}

/// <summary>A tuple that <c>ValueTuple.Create</c> or <c>Tuple.Create</c> makes.</summary>
internal sealed class FactoryShape(MethodInfo factory, ValueShape[] parts) : ValueShape
{
    private readonly MethodInvoker _factory = MethodInvoker.Create(factory);

    internal override Tree ToExpression(ParameterExpression values) => Tree.Call(factory, Arguments(parts, factory, values));

    internal override object? Build(StoredValues values)
    {
        object?[] arguments = new object?[parts.Length];
        for (int i = 0; i < parts.Length; i++)
            arguments[i] = parts[i].Build(values);
        return _factory.Invoke(null, arguments.AsSpan());
    }
}
