using System.Globalization;
using System.Text;

namespace Uprobes.Tool.Output;

/// <summary>Colours of a flame graph: one hue for each file, so that one sees where the program ends and a library begins, and shades for its functions.</summary>
internal static class FlameColors
{
    private const uint FirstHash = 2166136261, HashFactor = 16777619; // FNV-1a: the same colours in every run

    /// <summary>The colour of a function, as <c>#rrggbb</c>: light enough for black text.</summary>
    /// <param name="image">The path of its file, or null.</param>
    /// <param name="name">Its name, or null for the colour of the file itself.</param>
    public static string Of(string? image, string? name)
    {
        var shade = name is null ? 0.5 : Hash(name) % 1000 / 1000.0;
        var lightness = 0.66 + (0.12 * shade);
        return image is null ? Rgb(0, 0, lightness + 0.08) : Rgb(Hash(Path.GetFileName(image)) % 360, 0.62, lightness);
    }

    private static uint Hash(string text)
    {
        var hash = FirstHash;
        foreach (var unit in Encoding.UTF8.GetBytes(text))
            hash = (hash ^ unit) * HashFactor;
        // The last letters of two names must not make neighbours of their colours.
        hash ^= hash >> 15;
        hash *= 0x2c1b_3c6d;
        return hash ^ (hash >> 12);
    }

    /// <summary>From hue (degrees), saturation and lightness (0 to 1).</summary>
    private static string Rgb(double hue, double saturation, double lightness)
    {
        var range = saturation * Math.Min(lightness, 1 - lightness);
        return string.Create(CultureInfo.InvariantCulture, $"#{Part(0):x2}{Part(8):x2}{Part(4):x2}");

        int Part(double turn)
        {
            var k = (turn + (hue / 30)) % 12;
            return (int)Math.Round(255 * (lightness - (range * Math.Max(-1, Math.Min(Math.Min(k - 3, 9 - k), 1)))));
        }
    }
}
