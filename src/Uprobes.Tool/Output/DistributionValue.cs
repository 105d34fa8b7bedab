using System.Globalization;

namespace Uprobes.Tool.Output;

/// <summary>What a distribution is of, and how its values are written for people.</summary>
internal abstract record DistributionValue
{
    /// <summary>The type of the objects in JSON.</summary>
    public abstract string Type { get; }

    /// <summary>A value or a bound.</summary>
    public abstract string Text(Int128 value);

    /// <summary>A mean.</summary>
    public abstract string Mean(double value);

    /// <summary>Values of an expression.</summary>
    /// <param name="Expression">As the user wrote it.</param>
    internal sealed record Of(string Expression) : DistributionValue
    {
        /// <inheritdoc/>
        public override string Type => "hist";

        /// <inheritdoc/>
        public override string Text(Int128 value) => BinaryUnit(value);

        /// <inheritdoc/>
        public override string Mean(double value) => value.ToString(Math.Abs(value) < 10 ? "0.###" : "0.#", CultureInfo.InvariantCulture);

        /// <summary>Multiples of 1,024 with K, M, G, T, P and E; all others as they are: nothing is rounded.</summary>
        private static string BinaryUnit(Int128 value)
        {
            const string Units = "KMGTPE";
            var unit = -1;
            while (unit < Units.Length - 1 && value != 0 && value % 1024 == 0)
                (value, unit) = (value / 1024, unit + 1);
            return value.ToString(CultureInfo.InvariantCulture) + (unit < 0 ? "" : Units[unit]);
        }
    }

    /// <summary>Nanoseconds from entry to return.</summary>
    internal sealed record Durations : DistributionValue
    {
        private const int Digits = 3;

        /// <inheritdoc/>
        public override string Type => "latency";

        /// <inheritdoc/>
        public override string Text(Int128 value) => Mean((double)value);

        /// <summary>Three digits, and the unit that suits them.</summary>
        public override string Mean(double value)
        {
            ReadOnlySpan<string> units = ["ns", "us", "ms", "s"];
            var unit = 0;
            // 999.5 would be written as 1000.
            for (; unit < units.Length - 1 && Math.Abs(value) >= 999.5; unit++)
                value /= 1000;
            var whole = Math.Abs(value) switch { >= 99.95 => 3, >= 9.995 => 2, _ => 1 };
            var format = unit == 0 && value == Math.Floor(value) ? "0" : $"0.{new string('0', Digits - whole)}";
            return value.ToString(format, CultureInfo.InvariantCulture) + units[unit];
        }
    }
}
