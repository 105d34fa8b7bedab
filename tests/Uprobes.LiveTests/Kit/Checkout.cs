namespace Uprobes.LiveTests.Kit;

/// <summary>The checkout that this test assembly was built in: the nearest folder above it with the solution file.</summary>
internal static class Checkout
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Uprobes.slnx")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"No Uprobes.slnx above {AppContext.BaseDirectory}: live tests run inside their checkout");
    }
}
