//! Structs with the derives: of one lane, of both, plain ones, and numbers of their own.

use crate::sample::{Plain, Sample, SampleDelta, SampleKey, replaced};
use proptest::prelude::*;
use ucore::{Counter, GMap, GSet, Max, Min, Reg, UMap, UStack, UVec, Updatable, Wire};

/// Both fields commute.
#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Line {
    #[update(tag = 0, delta)]
    pub(crate) damage: Counter,
    #[update(tag = 1, delta)]
    pub(crate) hits: Counter,
}

/// All fields may be delivered twice.
#[derive(Debug, Clone, Default, PartialEq, Updatable)]
#[update(idempotent)]
pub(crate) struct Best {
    #[update(tag = 3, delta)]
    pub(crate) time: Min,
    #[update(tag = 0, delta)]
    pub(crate) totals: GMap<u8, Max>,
    #[update(tag = 52, delta)]
    pub(crate) seen: GSet<String>,
}

/// Nothing commutes.
#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Sheet {
    #[update(tag = 0, ordered)]
    pub(crate) name: String,
    #[update(tag = 1, ordered)]
    pub(crate) bag: UVec<Option<u8>>,
    #[update(tag = 2, ordered)]
    pub(crate) item: Option<Reg<Item>>,
}

/// Both lanes, tags in no order.
#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Boss {
    #[update(tag = 7, ordered)]
    pub(crate) phase: u8,
    #[update(tag = 1, delta)]
    pub(crate) taken: Counter,
    #[update(tag = 52, delta)]
    pub(crate) board: GMap<u8, Line>,
    #[update(tag = 2, ordered)]
    pub(crate) loot: UStack<u16>,
}

/// Structs in a map in a struct.
#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct World {
    #[update(tag = 0, ordered)]
    pub(crate) bosses: UMap<Player, Boss>,
    #[update(tag = 1, delta)]
    pub(crate) best: Best,
}

/// Plain data; its first field may be nil, and its names are those that the derive uses too.
#[derive(Debug, Clone, Default, PartialEq, Wire)]
pub(crate) struct Item {
    pub(crate) from: Option<u8>,
    pub(crate) to: Vec<i16>,
    pub(crate) run: u64,
}

/// A number of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Player(pub(crate) u64);
ucore::newtype!(Player(u64));

ucore::codes! {
    /// Names for numbers.
    Mood: u8 {
        /// It sleeps.
        Calm = 1,
        /// It does not.
        Angry = 200,
    }
}

ucore::replaced_whole!(Item);
replaced!(Item, Player, Mood);

impl Plain for Item {
    fn plain() -> BoxedStrategy<Self> {
        (Plain::plain(), Plain::plain(), u64::plain())
            .prop_map(|(from, to, run)| Self { from, to, run })
            .boxed()
    }
}

impl Plain for Player {
    fn plain() -> BoxedStrategy<Self> {
        u64::plain().prop_map(Self).boxed()
    }

    fn unfit() -> Option<BoxedStrategy<Self>> {
        u64::unfit().map(|unfit| unfit.prop_map(Self).boxed())
    }
}

impl SampleKey for Player {
    fn key() -> BoxedStrategy<Self> {
        u64::key().prop_map(Self).boxed()
    }
}

impl Plain for Mood {
    fn plain() -> BoxedStrategy<Self> {
        proptest::sample::select(Self::ALL).boxed()
    }
}

/// Maybe a delta; if not, the one that changes nothing.
fn maybe<D: Clone + Default + std::fmt::Debug + 'static>(
    delta: BoxedStrategy<D>,
) -> BoxedStrategy<D> {
    proptest::option::of(delta).prop_map(Option::unwrap_or_default).boxed()
}

macro_rules! sample_struct {
    (delta $name:ident, $delta:ident { $($d:ident: $dt:ty),+ }) => {
        impl Sample for $name {
            fn state() -> BoxedStrategy<Self> {
                ($(<$dt>::state(),)+).prop_map(|($($d,)+)| Self { $($d),+ }).boxed()
            }

            fn update() -> BoxedStrategy<Self::Update> {
                ($(maybe(<$dt>::update()),)+).prop_map(|($($d,)+)| $delta { $($d),+ }).boxed()
            }
        }

        sample_struct!(@delta $name, $delta { $($d: $dt),+ });
    };
    (ordered $name:ident, $update:ident { $($o:ident: $ot:ty),+ }
        $(, $delta:ident { $($d:ident: $dt:ty),+ })?) => {
        impl Sample for $name {
            fn state() -> BoxedStrategy<Self> {
                ($(<$ot>::state(),)+ $($(<$dt>::state(),)+)?)
                    .prop_map(|($($o,)+ $($($d,)+)?)| Self { $($o,)+ $($($d),+)? })
                    .boxed()
            }

            fn update() -> BoxedStrategy<Self::Update> {
                ($(proptest::option::of(<$ot>::update()),)+ $($(maybe(<$dt>::update()),)+)?)
                    .prop_map(|($($o,)+ $($($d,)+)?)| $update {
                        $($o,)+
                        $(delta: $delta { $($d),+ })?
                    })
                    .boxed()
            }
        }

        $( sample_struct!(@delta $name, $delta { $($d: $dt),+ }); )?
    };
    (@delta $name:ident, $delta:ident { $($d:ident: $dt:ty),+ }) => {
        impl SampleDelta for $name {
            fn delta() -> BoxedStrategy<Self::Delta> {
                ($(maybe(<$dt>::delta()),)+).prop_map(|($($d,)+)| $delta { $($d),+ }).boxed()
            }
        }
    };
}

sample_struct!(delta Line, LineDelta { damage: Counter, hits: Counter });
sample_struct!(delta Best, BestDelta { time: Min, totals: GMap<u8, Max>, seen: GSet<String> });
sample_struct!(
    ordered Sheet,
    SheetUpdate { name: String, bag: UVec<Option<u8>>, item: Option<Reg<Item>> }
);
sample_struct!(
    ordered Boss,
    BossUpdate { phase: u8, loot: UStack<u16> },
    BossDelta { taken: Counter, board: GMap<u8, Line> }
);
sample_struct!(
    ordered World,
    WorldUpdate { bosses: UMap<Player, Boss> },
    WorldDelta { best: Best }
);
