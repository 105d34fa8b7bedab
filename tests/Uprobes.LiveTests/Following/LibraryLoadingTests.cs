using Uprobes.LiveTests.Kit;

namespace Uprobes.LiveTests.Following;

/// <summary>Libraries that come and go are armed before anything in them runs: before their IFUNC resolvers and constructors.</summary>
public class LibraryLoadingTests
{
    [Fact]
    public void Every_load_of_a_library_is_armed_before_its_first_instruction()
    {
        string[] bare = Counting.Bare("dl", "cycle 200", "both 20");
        using TargetProcess target = TargetProcess.StartTarget("dl");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        string library = Targets.Path("libplug.so");
        using ProbeRegistration resolver = session.Count(library, "resolve_fast");
        using ProbeRegistration constructor = session.Count(library, "plug_init");
        using ProbeRegistration work = session.Count(library, "plug_work");
        using ProbeRegistration fast = session.Count(library, "fast_plain");
        using ProbeRegistration other = session.Count(Targets.Path("libplug2.so"), "plug_work");
        Assert.Equal(bare[0], target.Ask("cycle 200"));
        Assert.Equal(target.Ask("resolved"), $"{resolver.Hits}");
        Assert.Equal((200, 200, 200, 0), (constructor.Hits, work.Hits, fast.Hits, other.Hits));
        Assert.Equal(bare[1], target.Ask("both 20"));
        Assert.Equal((210, 210, 10), (constructor.Hits, work.Hits, other.Hits));
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void Copies_in_other_namespaces_of_the_linker_are_armed_too()
    {
        string[] bare = Counting.Bare("dl", "mopen 8");
        using TargetProcess target = TargetProcess.StartTarget("dl");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration constructor = session.Count(Targets.Path("libplug.so"), "plug_init");
        using ProbeRegistration work = session.Count(Targets.Path("libplug.so"), "plug_work");
        Assert.Equal(bare, target.AskAll("mopen 8"));
        Assert.Equal((8, 8), (constructor.Hits, work.Hits));
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void Eight_threads_that_load_and_unload_at_the_same_time_are_counted_exactly()
    {
        using TargetProcess target = TargetProcess.StartTarget("dl");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration work = session.Count(Targets.Path("libplug.so"), "plug_work");
        Assert.Equal("400", target.Ask("parallel 8 50"));
        Assert.Equal(400, work.Hits);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }

    [Fact]
    public void A_library_is_armed_that_was_loaded_before_the_session()
    {
        using TargetProcess target = TargetProcess.StartTarget("dl");
        target.Ask("open");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        using ProbeRegistration work = session.Count(Targets.Path("libplug.so"), "plug_work");
        target.Ask("call 5");
        Assert.Equal(5, work.Hits);
        target.Ask("close");
        target.Ask("open");
        target.Ask("call 4");
        Assert.Equal(9, work.Hits);
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
    }

    [Fact]
    public void The_linker_of_musl_arms_what_it_loads()
    {
        string[] bare = Counting.Bare("dl-musl", "cycle 20");
        using TargetProcess target = TargetProcess.StartTarget("dl-musl");
        using UprobeSession session = UprobeSession.Attach(target.Pid);
        Notices notices = session.Listen();
        using ProbeRegistration constructor = session.Count(Targets.Path("libplug-musl.so"), "plug_init");
        using ProbeRegistration work = session.Count(Targets.Path("libplug-musl.so"), "plug_work");
        Assert.Equal(bare, target.AskAll("cycle 20"));
        Assert.Equal((1, 20), (constructor.Hits, work.Hits)); // musl never unloads
        session.Dispose();
        TextComparison.AssertSame(target.Pid);
        target.QuitsWell();
        notices.AssertNone();
    }
}
