//! Samples of every structure. Keys, indices and numbers are few, so that updates often meet.

use proptest::collection::vec;
use proptest::prelude::*;
use std::fmt::Debug;
use std::hash::BuildHasher;
use ucore::{
    Accumulate, Bin, Commuting, Counter, GMap, GSet, INT_MAX, Key, Max, Min, OptionUpdate, Reg,
    Set, TupleUpdate, Typed, UMap, UMapUpdate, UStack, UStackUpdate, UVec, UVecUpdate, Updatable,
    Wire,
};

/// A structure with samples of its values and updates.
pub(crate) trait Sample:
    Updatable<Update: Debug + PartialEq + 'static> + Debug + 'static
{
    /// Any value that fits.
    fn state() -> BoxedStrategy<Self>;

    /// Any update. Some fit no value at all.
    fn update() -> BoxedStrategy<Self::Update>;
}

/// A structure with a delta lane, with samples of its deltas.
pub(crate) trait SampleDelta:
    Sample + Accumulate<Delta: Debug + PartialEq + 'static>
{
    /// Any delta. Some have numbers beyond the limits.
    fn delta() -> BoxedStrategy<Self::Delta>;
}

/// A type that has bytes, with samples of it.
pub(crate) trait Plain: Wire + Typed + Clone + PartialEq + Debug + 'static {
    /// Any value that fits.
    fn plain() -> BoxedStrategy<Self>;

    /// One that does not, if there is any.
    fn unfit() -> Option<BoxedStrategy<Self>> {
        None
    }

    /// Most fit.
    fn any_plain() -> BoxedStrategy<Self> {
        match Self::unfit() {
            Some(unfit) => prop_oneof![15 => Self::plain(), 1 => unfit].boxed(),
            None => Self::plain(),
        }
    }
}

/// The few keys of maps and members of sets.
pub(crate) trait SampleKey: Key + Debug + 'static {
    fn key() -> BoxedStrategy<Self>;
}

macro_rules! numbers {
    ($($type:ty: $least:expr, $most:expr;)+) => {$(
        impl Plain for $type {
            fn plain() -> BoxedStrategy<Self> {
                prop_oneof![6 => 0..4 as $type, 2 => $least..=$most, 1 => Just($most)].boxed()
            }

            #[allow(clippy::cast_possible_wrap, reason = "only a 64-bit number goes beyond")]
            fn unfit() -> Option<BoxedStrategy<Self>> {
                let beyond = $most.checked_add(1).filter(|_| Self::BITS == 64)?;
                Some(prop_oneof![Just(beyond), Just(<$type>::MAX)].boxed())
            }
        }

        impl SampleKey for $type {
            fn key() -> BoxedStrategy<Self> {
                prop_oneof![15 => 0..3 as $type, 1 => Just($most)].boxed()
            }
        }
    )+};
}

const SIGNED_MAX: i64 = INT_MAX.cast_signed();

numbers! {
    u8: 0, Self::MAX;
    u16: 0, Self::MAX;
    u32: 0, Self::MAX;
    u64: 0, INT_MAX;
    i8: Self::MIN, Self::MAX;
    i16: Self::MIN, Self::MAX;
    i32: Self::MIN, Self::MAX;
    i64: -SIGNED_MAX, SIGNED_MAX;
}

macro_rules! choices {
    ($($type:ty: $values:expr $(, unfit $unfit:expr)?;)+) => {$(
        impl Plain for $type {
            fn plain() -> BoxedStrategy<Self> {
                proptest::sample::select($values.to_vec()).boxed()
            }

            $( fn unfit() -> Option<BoxedStrategy<Self>> {
                Some(Just($unfit).boxed())
            } )?
        }
    )+};
}

choices! {
    f32: [0.0, -0.0, 1.5, -2.0, f32::INFINITY], unfit f32::NAN;
    f64: [0.0, -0.0, 1.5, -2.0, f64::NEG_INFINITY, f64::MIN_POSITIVE], unfit f64::NAN;
    bool: [false, true];
    (): [()];
    char: ['a', 'b', '\u{e9}', '\u{10ffff}'];
}

impl SampleKey for bool {
    fn key() -> BoxedStrategy<Self> {
        any::<Self>().boxed()
    }
}

impl Plain for String {
    fn plain() -> BoxedStrategy<Self> {
        prop_oneof![6 => "[ab]{0,2}", 1 => "\\PC{0,12}", 1 => "[a-c]{31,33}"].boxed()
    }
}

impl SampleKey for String {
    fn key() -> BoxedStrategy<Self> {
        "[ab]{0,1}".boxed()
    }
}

impl<const N: usize> Plain for Bin<N> {
    fn plain() -> BoxedStrategy<Self> {
        any::<u8>().prop_map(|byte| Self([byte; N])).boxed()
    }
}

impl<const N: usize> SampleKey for Bin<N> {
    fn key() -> BoxedStrategy<Self> {
        (0..3_u8).prop_map(|byte| Self([byte; N])).boxed()
    }
}

impl<T: Plain> Plain for Vec<T> {
    fn plain() -> BoxedStrategy<Self> {
        vec(T::plain(), 0..4).boxed()
    }
}

impl<T: Plain> Plain for Option<T> {
    fn plain() -> BoxedStrategy<Self> {
        proptest::option::of(T::plain()).boxed()
    }
}

impl<A: Plain, B: Plain> Plain for (A, B) {
    fn plain() -> BoxedStrategy<Self> {
        (A::plain(), B::plain()).boxed()
    }
}

impl<A: SampleKey, B: SampleKey> SampleKey for (A, B) {
    fn key() -> BoxedStrategy<Self> {
        (A::key(), B::key()).boxed()
    }
}

/// Samples of values that are replaced as a whole.
macro_rules! replaced {
    ($($type:ty),+ $(,)?) => {$(
        impl $crate::sample::Sample for $type {
            fn state() -> BoxedStrategy<Self> {
                <$type as $crate::sample::Plain>::plain()
            }

            fn update() -> BoxedStrategy<ucore::Set<Self>> {
                <$type as $crate::sample::Plain>::any_plain().prop_map(ucore::Set).boxed()
            }
        }
    )+};
}
pub(crate) use replaced;

replaced!(u8, u16, u32, u64, i8, i16, i32, i64, f32, f64, bool, (), char, String);

impl<T: Plain> Sample for Reg<T> {
    fn state() -> BoxedStrategy<Self> {
        T::plain().prop_map(Self::new).boxed()
    }

    fn update() -> BoxedStrategy<Set<T>> {
        T::any_plain().prop_map(Set).boxed()
    }
}

/// Samples of values that are their own delta: those that fit, those that do not, and which of both
/// are merged.
macro_rules! own_delta {
    ($(
        $type:ty [$($param:ident: $bound:ident)?]:
            $fit:expr $(, unfit $unfit:expr)?, merge $merged:ident;
    )+) => {$(
        impl$(<$param: $bound>)? Sample for $type {
            fn state() -> BoxedStrategy<Self> {
                $fit.boxed()
            }

            fn update() -> BoxedStrategy<Self> {
                prop_oneof![15 => Self::state() $(, 1 => $unfit)?].boxed()
            }
        }

        impl$(<$param: $bound>)? SampleDelta for $type {
            fn delta() -> BoxedStrategy<Self> {
                Self::$merged()
            }
        }
    )+};
}

own_delta! {
    Counter []: prop_oneof![
        8 => -3..4_i64,
        1 => -200..200_i64,
        1 => -SIGNED_MAX..=SIGNED_MAX,
        1 => Just(SIGNED_MAX),
        1 => Just(-SIGNED_MAX),
    ].prop_map(Self::of), unfit prop_oneof![
        SIGNED_MAX + 1..=i64::MAX,
        Just(i64::MAX),
        Just(i64::MIN),
    ].prop_map(Self::of), merge update;
    Max []: u64::plain().prop_map(Self::of), unfit Just(Self::of(INT_MAX + 1)), merge update;
    // What is beyond the largest value, which is the identity, is none of these.
    Min []: u64::plain().prop_map(Self::of), unfit Just(Self::of(u64::MAX)), merge state;
    GSet<T> [T: SampleKey]: vec(T::key(), 0..4).prop_map(Self::from_iter), merge state;
}

impl<K: SampleKey, V: SampleDelta + Commuting> Sample for GMap<K, V> {
    fn state() -> BoxedStrategy<Self> {
        vec((K::key(), V::state()), 0..4).prop_map(Self::from_iter).boxed()
    }

    fn update() -> BoxedStrategy<Self::Update> {
        vec((K::key(), V::update()), 0..4).prop_map(Self::Update::from_iter).boxed()
    }
}

impl<K: SampleKey, V: SampleDelta + Commuting> SampleDelta for GMap<K, V> {
    fn delta() -> BoxedStrategy<Self::Delta> {
        vec((K::key(), V::delta()), 0..4).prop_map(Self::Delta::from_iter).boxed()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn state() -> BoxedStrategy<Self> {
        proptest::option::of(T::state()).boxed()
    }

    fn update() -> BoxedStrategy<Self::Update> {
        prop_oneof![
            1 => T::state().prop_map(OptionUpdate::Put),
            1 => Just(OptionUpdate::Clear),
            3 => T::update().prop_map(OptionUpdate::Some),
        ]
        .boxed()
    }
}

macro_rules! tuples {
    ($(($($part:ident $idx:tt),+);)+) => {$(
        impl<$($part: Sample),+> Sample for ($($part,)+) {
            fn state() -> BoxedStrategy<Self> {
                ($($part::state(),)+).boxed()
            }

            fn update() -> BoxedStrategy<Self::Update> {
                ($(proptest::option::of($part::update()),)+).prop_map(TupleUpdate).boxed()
            }
        }
    )+};
}

tuples! {
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
}

impl<K, V, S> Sample for UMap<K, V, S>
where
    K: SampleKey,
    V: Sample,
    S: BuildHasher + Default + Clone + 'static,
{
    fn state() -> BoxedStrategy<Self> {
        vec((K::key(), V::state()), 0..4).prop_map(Self::from_iter).boxed()
    }

    fn update() -> BoxedStrategy<Self::Update> {
        let lines = vec((K::key(), V::state()), 0..3);
        prop_oneof![
            2 => (K::key(), V::state()).prop_map(|(key, value)| UMapUpdate::Insert(key, value)),
            2 => K::key().prop_map(UMapUpdate::Remove),
            4 => (K::key(), V::update()).prop_map(|(key, update)| UMapUpdate::At(key, update)),
            1 => lines.prop_map(|lines| UMapUpdate::Extend(lines.into_iter().collect())),
            1 => Just(UMapUpdate::Clear),
        ]
        .boxed()
    }
}

impl<T: Sample> Sample for UVec<T> {
    fn state() -> BoxedStrategy<Self> {
        vec(T::state(), 0..5).prop_map(Self::from_iter).boxed()
    }

    fn update() -> BoxedStrategy<Self::Update> {
        let index = || prop_oneof![15 => 0..4_u32, 1 => Just(u32::MAX)];
        prop_oneof![
            2 => T::state().prop_map(UVecUpdate::Push),
            1 => Just(UVecUpdate::Pop),
            1 => (index(), T::state()).prop_map(|(at, value)| UVecUpdate::Insert(at, value)),
            1 => index().prop_map(UVecUpdate::Remove),
            4 => (index(), T::update()).prop_map(|(at, update)| UVecUpdate::At(at, update)),
            1 => (index(), index()).prop_map(|(a, b)| UVecUpdate::Swap(a, b)),
            1 => index().prop_map(UVecUpdate::Truncate),
            1 => vec(T::state(), 0..3).prop_map(UVecUpdate::Extend),
            1 => Just(UVecUpdate::Clear),
            2 => (index(), T::state()).prop_map(|(at, value)| UVecUpdate::Replace(at, value)),
        ]
        .boxed()
    }
}

impl<T: Sample> Sample for UStack<T> {
    fn state() -> BoxedStrategy<Self> {
        vec(T::state(), 0..4).prop_map(Self::from_iter).boxed()
    }

    fn update() -> BoxedStrategy<Self::Update> {
        prop_oneof![
            2 => T::state().prop_map(UStackUpdate::Push),
            1 => Just(UStackUpdate::Pop),
            3 => T::update().prop_map(UStackUpdate::Top),
            1 => Just(UStackUpdate::Clear),
        ]
        .boxed()
    }
}
