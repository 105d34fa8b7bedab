namespace Uprobes.Programs;

/// <summary>How many calls one run of statements can follow: on the way that follows most, and on the way that follows most of those that go on behind them.</summary>
/// <param name="Most">Over all ways.</param>
/// <param name="MostGoingOn">Over those that do not end the program; -1 where all do.</param>
internal readonly record struct FollowPaths(int Most, int MostGoingOn)
{
    /// <summary>Looks at statements that are not nested too deeply. Loops follow none, which is looked at elsewhere.</summary>
    internal static FollowPaths Of(IReadOnlyList<Statement> statements)
    {
        int most = 0, goingOn = 0;
        foreach (Statement statement in statements)
        {
            FollowPaths paths = Of(statement);
            most = Math.Max(most, goingOn + paths.Most);
            goingOn = paths.MostGoingOn < 0 ? -1 : goingOn + paths.MostGoingOn;

            // What is behind is never reached.
            if (goingOn < 0)
                break;
        }

        return new(most, goingOn);
    }

    private static FollowPaths Of(Statement statement)
    {
        switch (statement)
        {
            case FollowCall:
                return new(1, 1);
            case Stop:
                return new(0, -1);
            case If choice:
                FollowPaths then = Of(choice.Then), otherwise = Of(choice.Else);
                return new(Math.Max(then.Most, otherwise.Most), Math.Max(then.MostGoingOn, otherwise.MostGoingOn));
            default:
                return default; // A loop that ends the program may have been left before.
        }
    }
}
