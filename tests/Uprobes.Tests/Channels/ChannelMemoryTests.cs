using Microsoft.Win32.SafeHandles;
using Uprobes.Channels;
using Uprobes.Linux;

namespace Uprobes.Tests.Channels;

public sealed class ChannelMemoryTests
{
    private static readonly ChannelLayout Layout = new([], probes: 1, threadSlots: 4, ringBytes: 4096);

    private static string PathOf(SafeFileHandle file) => $"/proc/self/fd/{file.DangerousGetHandle()}";

    [Fact]
    public void A_new_memory_file_is_sized_sealed_and_mapped()
    {
        using SafeFileHandle file = SealedMemoryFile.Create("channel");
        using ChannelMemory channel = ChannelMemory.CreateFrom(PathOf(file), Layout);
        Assert.Equal(Layout.Size, RandomAccess.GetLength(file));
        Assert.True(SealedMemoryFile.IsSealed(file, Layout.Size, "channel"));

        // What one mapping writes, the file and another mapping have.
        channel.Write(Layout.Size - 8, 0x1122334455667788);
        using MappedMemory other = MappedMemory.MapShared(file, Layout.Size);
        Span<byte> bytes = stackalloc byte[8];
        Assert.Equal(8, RandomAccess.Read(file, bytes, 0));
        Assert.Equal(ChannelLayout.Magic, BitConverter.ToUInt64(bytes));
        Assert.Equal(8, RandomAccess.Read(file, bytes, Layout.Size - 8));
        Assert.Equal(0x1122334455667788ul, BitConverter.ToUInt64(bytes));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1 << 30)]
    public void A_sealed_file_can_be_neither_shrunk_nor_grown(long length)
    {
        using SafeFileHandle file = SealedMemoryFile.Create("channel");
        using ChannelMemory channel = ChannelMemory.CreateFrom(file, Layout);
        Assert.ThrowsAny<Exception>(() => RandomAccess.SetLength(file, length));
        Assert.Equal(Layout.Size, RandomAccess.GetLength(file));
    }

    [Fact]
    public void A_file_with_contents_is_refused_and_left_alone()
    {
        using SafeFileHandle file = SealedMemoryFile.Create("not new");
        RandomAccess.Write(file, [1, 2, 3], 0);
        Assert.Throws<InvalidDataException>(() => ChannelMemory.CreateFrom(PathOf(file), Layout));
        Assert.Equal(3, RandomAccess.GetLength(file));
    }

    [Fact]
    public void A_file_that_is_sealed_already_is_refused()
    {
        using SafeFileHandle file = SealedMemoryFile.Create("channel");
        using ChannelMemory first = ChannelMemory.CreateFrom(file, Layout);
        Assert.Throws<InvalidDataException>(() => ChannelMemory.CreateFrom(PathOf(file), Layout));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_ordinary_file_behind_a_descriptor_is_refused_and_left_alone(bool empty)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, empty ? "" : "precious");
            using SafeFileHandle file = File.OpenHandle(path);
            Assert.Throws<InvalidDataException>(() => ChannelMemory.CreateFrom(PathOf(file), Layout));
            Assert.Equal(empty ? "" : "precious", File.ReadAllText(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_device_or_a_pipe_behind_a_descriptor_is_never_opened()
    {
        (SafeFileHandle read, SafeFileHandle write) = Descriptors.Pipe(nonBlocking: false);
        using (read)
        using (write)
        using (SafeFileHandle device = File.OpenHandle("/dev/null"))
        {
            Assert.Throws<InvalidDataException>(() => ChannelMemory.CreateFrom(PathOf(read), Layout));
            Assert.Throws<InvalidDataException>(() => ChannelMemory.CreateFrom(PathOf(device), Layout));
        }
    }

    [Fact]
    public void A_descriptor_that_is_not_there_is_an_error_of_the_system() =>
        Assert.Throws<SyscallException>(() => ChannelMemory.CreateFrom("/proc/self/fd/99999", Layout));

    [Fact]
    public void Words_are_read_written_added_and_exchanged()
    {
        using ChannelMemory channel = ChannelMemory.CreatePrivate(Layout);
        Assert.Equal(ChannelLayout.Magic, channel.Read(0));
        channel.Write(8, 5);
        Assert.False(channel.CompareExchange(8, 4, 6));
        Assert.True(channel.CompareExchange(8, 5, 6));
        channel.Add(8, ulong.MaxValue);
        Assert.Equal(5ul, channel.Read(8));
    }

    [Theory]
    [InlineData(-8)]
    [InlineData(4)]
    [InlineData(long.MaxValue - 7)]
    public void What_is_no_word_of_the_channel_cannot_be_read(long offset)
    {
        using ChannelMemory channel = ChannelMemory.CreatePrivate(Layout);
        Assert.Throws<ArgumentOutOfRangeException>(() => channel.Read(offset));
        Assert.Throws<ArgumentOutOfRangeException>(() => channel.Read(Layout.Size));
        Assert.Throws<ArgumentOutOfRangeException>(() => channel.Bytes(Layout.Size - 4, 8).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => channel.Bytes(-1, 1).Length);
    }

    [Fact]
    public void Memory_that_is_held_stays_mapped_until_it_is_let_go()
    {
        ChannelMemory channel = ChannelMemory.CreatePrivate(Layout);
        using (channel.Hold())
        {
            channel.Dispose();
            Assert.Equal(ChannelLayout.Magic, channel.Read(0));
        }

        Assert.Throws<ObjectDisposedException>(() => channel.Hold());
    }
}
