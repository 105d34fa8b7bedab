using Uprobes.Images;
using Uprobes.Programs.Queries;

namespace Uprobes;

/// <content>Queries: questions about many hits, of which only the answer comes out.</content>
public sealed partial class UprobeSession
{
    /// <summary>A question about the entries of a function, or of all functions that a pattern matches.</summary>
    /// <param name="image">A path, or a library name such as <c>libc</c> or <c>libc.so.6</c>.</param>
    /// <param name="function">A name: raw, with version, or demangled; or a pattern with <c>*</c>, <c>?</c> and <c>[...]</c>. Several names of one function are one point.</param>
    /// <exception cref="ProbeRefusedException">There is no such file or function.</exception>
    public ProbeQuery<EntryPoint> Entry(string image, string function) => Query<EntryPoint>(QuerySubject.Entry, image, function);

    /// <summary>A question about the entries of functions.</summary>
    /// <param name="points">First instructions of functions; at least one.</param>
    /// <exception cref="ArgumentException">There is no point.</exception>
    public ProbeQuery<EntryPoint> Entry(params IReadOnlyList<ProbePoint> points) => Query<EntryPoint>(QuerySubject.Entry, points);

    /// <summary>A question about the returns of a function, or of all functions that a pattern matches.</summary>
    /// <inheritdoc cref="Entry(string, string)"/>
    public ProbeQuery<ReturnPoint> Return(string image, string function) => Query<ReturnPoint>(QuerySubject.Return, image, function);

    /// <summary>A question about the returns of functions.</summary>
    /// <inheritdoc cref="Entry(IReadOnlyList{ProbePoint})"/>
    public ProbeQuery<ReturnPoint> Return(params IReadOnlyList<ProbePoint> points) => Query<ReturnPoint>(QuerySubject.Return, points);

    /// <summary>A question about the calls of a function, or of all functions that a pattern matches: arguments, result and duration.</summary>
    /// <inheritdoc cref="Entry(string, string)"/>
    public ProbeQuery<CallPoint> Calls(string image, string function) => Query<CallPoint>(QuerySubject.Call, image, function);

    /// <summary>A question about the calls of functions: arguments, result and duration.</summary>
    /// <inheritdoc cref="Entry(IReadOnlyList{ProbePoint})"/>
    public ProbeQuery<CallPoint> Calls(params IReadOnlyList<ProbePoint> points) => Query<CallPoint>(QuerySubject.Call, points);

    /// <summary>A question about instructions, each time before they run.</summary>
    /// <param name="points">Instructions; at least one.</param>
    /// <exception cref="ArgumentException">There is no point.</exception>
    public ProbeQuery<InstructionPoint> Instruction(params IReadOnlyList<ProbePoint> points) => Query<InstructionPoint>(QuerySubject.Instruction, points);

    private ProbeQuery<TPoint> Query<TPoint>(QuerySubject subject, string image, string function)
        where TPoint : HitPoint
    {
        ArgumentException.ThrowIfNullOrEmpty(function);
        QueryPoints found;
        try
        {
            found = QueryPoints.Find(OpenImages(image), image, function);
        }
        catch (ImageException e)
        {
            throw new ProbeRefusedException(new Registry.ProbeRefusal(ImageCache.ReasonOf(e), $"{image}:{function}", e.Problem));
        }

        return new ProbeQuery<TPoint>(new QueryDefinition(new QuerySource(this, subject, found.Points) { Refused = found.Refused }, []));
    }

    private ProbeQuery<TPoint> Query<TPoint>(QuerySubject subject, IReadOnlyList<ProbePoint> points)
        where TPoint : HitPoint
    {
        ArgumentNullException.ThrowIfNull(points);
        if (points.Count == 0)
            throw new ArgumentException("a query needs a probe point", nameof(points));
        return new ProbeQuery<TPoint>(new QueryDefinition(new QuerySource(this, subject, [.. points]), []));
    }
}
