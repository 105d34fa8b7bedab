using Uprobes.Tool.Probing;

namespace Uprobes.Tool.Tests;

public sealed class MappedFilesTests
{
    private const string Maps = """
        55d0c0000000-55d0c0001000 r--p 00000000 08:01 100                        /usr/bin/app
        55d0c0001000-55d0c0002000 r-xp 00001000 08:01 100                        /usr/bin/app
        55d0c1000000-55d0c1021000 rw-p 00000000 00:00 0                          [heap]
        7f0000000000-7f0000100000 r-xp 00028000 08:01 200                        /lib/x86_64-linux-gnu/libc.so.6
        7f0000200000-7f0000300000 r-xp 00000000 08:01 300                        /opt/with blank/libold.so.1 (deleted)
        7ffc00000000-7ffc00002000 r-xp 00000000 00:00 0                          [vdso]
        """;

    [Fact]
    public void Only_files_with_code_are_taken_each_once() => Assert.Equal(
        ["/usr/bin/app", "/lib/x86_64-linux-gnu/libc.so.6", "/opt/with blank/libold.so.1"],
        MappedFiles.Parse(Maps, "/proc/7").Select(m => m.Path));

    [Fact]
    public void Files_are_reached_in_the_process_s_own_view_and_removed_ones_through_their_mapping() => Assert.Equal(
        ["/proc/7/root/usr/bin/app", "/proc/7/root/lib/x86_64-linux-gnu/libc.so.6", "/proc/7/map_files/7f0000200000-7f0000300000"],
        MappedFiles.Parse(Maps, "/proc/7").Select(m => m.AccessPath));

    [Theory]
    [InlineData("sqlite3", "mapped are: libc, libcrypto, python3.11")]
    [InlineData("libcrypt", "did you mean libcrypto?")]
    public void A_missing_library_is_answered_with_those_that_are_mapped(string name, string hint) => Assert.Equal(
        hint, MissingImageHint.For(name, ["/lib/libc.so.6", "/usr/lib/libcrypto.so.3", "/usr/bin/python3.11"]));

    [Fact]
    public void A_process_that_is_not_there_maps_nothing() => Assert.Empty(MappedFiles.Of(int.MaxValue));
}
