using System.Linq.Expressions;
using System.Runtime.CompilerServices;

namespace Uprobes.Programs.Queries;

/// <summary>
/// Makes values of one shape: by reflection at first, and when there are many by code compiled for it, where the runtime can compile. Build is
/// for one thread.
/// </summary>
internal sealed class ValueBuilder<T>(ValueShape shape)
{
    /// <summary>So many are made faster than the compiler starts.</summary>
    private const int Few = 2048;

    private volatile Func<StoredValues, T>? _compiled;
    private int _made;

    internal T Build(StoredValues values)
    {
        if (_compiled is { } compiled)
            return compiled(values);
        if (++_made == Few && RuntimeFeature.IsDynamicCodeCompiled)
            ThreadPool.QueueUserWorkItem(static builder => builder.TryCompile(), this, preferLocal: false);
        return (T)shape.Build(values)!;
    }

    private void TryCompile()
    {
        try
        {
            _compiled = Compile();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or NotSupportedException)
        {
            _compiled = null; // A shape that reflection can make and an expression cannot: it goes on by reflection.
        }
    }

    /// <summary>The same as one function.</summary>
    internal Func<StoredValues, T> Compile()
    {
        ParameterExpression values = System.Linq.Expressions.Expression.Parameter(typeof(StoredValues));
        return System.Linq.Expressions.Expression.Lambda<Func<StoredValues, T>>(shape.ToExpression(values, typeof(T)), values).Compile();
    }
}
