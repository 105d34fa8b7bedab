using Uprobes.Script.Syntax;

namespace Uprobes.Script.Tests.Syntax;

public class SourceSpanTests
{
    [Fact]
    public void A_cover_reaches_from_the_first_start_to_the_last_end() =>
        Assert.Equal(new SourceSpan(2, 8), SourceSpan.Cover(new SourceSpan(2, 3), new SourceSpan(6, 4)));

    [Fact]
    public void A_span_whose_end_lies_before_its_start_is_empty() =>
        Assert.Equal(new SourceSpan(5, 0), SourceSpan.Between(5, 3));
}
