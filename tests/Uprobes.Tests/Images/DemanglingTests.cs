using Uprobes.Images;

namespace Uprobes.Tests.Images;

/// <summary>Mangled names become what the source says; all other text stays as it is.</summary>
public sealed class DemanglingTests
{
    [Theory]
    [InlineData("_Z3fooi", "foo(int)")]
    [InlineData("_ZNK4shop4Cart3addEi", "shop::Cart::add(int) const")]
    [InlineData("_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int> >::push_back(int&&)")]
    [InlineData("_ZN12_GLOBAL__N_16hiddenEv", "(anonymous namespace)::hidden()")]
    [InlineData("_Z3foov.cold", "foo() [clone .cold]")]
    [InlineData("_ZTV3Foo", "vtable for Foo")]
    public void Cxx_names(string mangled, string expected)
    {
        Assert.SkipUnless(Uprobes.Linux.CxxAbi.IsAvailable, "libstdc++.so.6 is not installed");
        Assert.Equal(expected, Demangler.Demangle(mangled));
    }

    [Theory]
    [InlineData("_ZN4core3fmt5write17h01d1a8e0e3a2b4c6E", "core::fmt::write")]
    [InlineData("_ZN50_$LT$T$u20$as$u20$core..convert..From$LT$T$GT$$GT$4from17h01d1a8e0e3a2b4c6E", "<T as core::convert::From<T>>::from")]
    [InlineData("_ZN3std2rt10lang_start28_$u7b$$u7b$closure$u7d$$u7d$17h01d1a8e0e3a2b4c6E", "std::rt::lang_start::{{closure}}")]
    [InlineData("_ZN8my_crate3foo17h01d1a8e0e3a2b4c6E.llvm.123456", "my_crate::foo")]
    [InlineData("_ZN8my_crate3foo17h01d1a8e0e3a2b4c6E.cold", "my_crate::foo.cold")]
    public void Rust_names_of_the_older_scheme(string mangled, string expected) => Assert.Equal(expected, Demangler.Demangle(mangled));

    [Theory]
    [InlineData("_RNvCs1234_7mycrate3foo", "mycrate::foo")]
    [InlineData("_RNvC6_123foo3bar", "123foo::bar")]
    [InlineData("_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y", "utf8_idents::საჭმელად_გემრიელი_სადილი")]
    [InlineData("_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_", "cc::spawn::{closure#0}::{closure#0}")]
    [InlineData("_RNCINkXs25_NgCsbmNqQUJIY6D_4core5sliceINyB9_4IterhENuNgNoBb_4iter8iterator8Iterator9rpositionNCNgNpB9_6memchr7memrchrs_0E0Bb_",
        "<core::slice::Iter<u8> as core::iter::iterator::Iterator>::rposition::<core::slice::memchr::memrchr::{closure#1}>::{closure#0}")]
    [InlineData("_RINbNbCskIICzLVDPPb_5alloc5alloc8box_freeDINbNiB4_5boxed5FnBoxuEp6OutputuEL_ECs1iopQbuBiw2_3std",
        "alloc::alloc::box_free::<dyn alloc::boxed::FnBox<(), Output = ()>>")]
    [InlineData("_RMC0INtC8arrayvec8ArrayVechKj7b_E", "<arrayvec::ArrayVec<u8, 123>>")]
    [InlineData("_RMCs4fqI2P2rA04_13const_genericINtB0_8UnsignedKhb_E", "<const_generic::Unsigned<11>>")]
    [InlineData("_RMCs4fqI2P2rA04_13const_genericINtB0_6SignedKan98_E", "<const_generic::Signed<-152>>")]
    [InlineData("_RMCs4fqI2P2rA04_13const_genericINtB0_4BoolKb1_E", "<const_generic::Bool<true>>")]
    [InlineData("_RMCs4fqI2P2rA04_13const_genericINtB0_4CharKc76_E", "<const_generic::Char<'v'>>")]
    [InlineData("_RIC0FG_RL0_hEuE", "::<for<'a> fn(&'a u8)>")]
    [InlineData("_RNvXs_CsbIaAhEdV9dp_7mycrateNtB4_3FooNtNtCs_4core3fmt5Debug3fmt", "<mycrate::Foo as core::fmt::Debug>::fmt")]
    [InlineData("_RNvCs1234_7mycrate3foo.llvm.99", "mycrate::foo")]
    public void Rust_names_of_the_newer_scheme(string mangled, string expected) => Assert.Equal(expected, Demangler.Demangle(mangled));

    [Theory]
    [InlineData("malloc")]
    [InlineData("")]
    [InlineData("_")]
    [InlineData("_Z")]
    [InlineData("_Znonsense")]
    [InlineData("_R")]
    [InlineData("_RNvC")]
    [InlineData("_RNvB_")]
    [InlineData("_RNvC999999999999x")]
    [InlineData("_ZN5short17h01d1a8e0e3a2b4c6")]
    [InlineData("_RIC0FG_RL9_hEuE")]
    public void Other_text_stays_as_it_is(string name) => Assert.Equal(name, Demangler.Demangle(name));

    [Fact]
    public void Names_that_refer_to_themselves_end()
    {
        Assert.StartsWith("_R", Demangler.Demangle("_RMC0" + string.Concat(Enumerable.Repeat("TRB3_", 500))), StringComparison.Ordinal);
        // Each tuple repeats the one before twice: 2 to the power of 60 parts, if nobody stopped.
        string bomb = "_RMC0" + string.Concat(Enumerable.Repeat("T", 60)) + "u" + string.Concat(Enumerable.Range(0, 60).Select(_ => "B5_E"));
        Assert.StartsWith("_R", Demangler.Demangle(bomb), StringComparison.Ordinal);
    }

    [Fact]
    public void Any_text_after_a_mangled_beginning_gives_a_name_and_no_error()
    {
        var letters = CsCheck.Gen.Char["_ZRNvCIEBTsu0123456789abchKLGFDXY$.px"];
        CsCheck.Check.Sample(CsCheck.Gen.String[letters, 0, 60], text =>
        {
            Assert.NotNull(Demangler.Demangle("_R" + text));
            Assert.NotNull(Demangler.Demangle("_RN" + text));
            Assert.NotNull(Demangler.Demangle("_ZN" + text));
        }, iter: 20_000);
    }
}
