//! Types in which every structure is inside of every kind of other one.
#![allow(clippy::type_complexity, reason = "nested at will")]

use std::collections::BTreeMap;
use ucore::{
    Bin, Counter, GMap, GSet, Max, Min, Reg, UMap, UStack, UVec, Updatable, Wire, newtype,
    replaced_whole,
};

macro_rules! names {
    ($($name:ident($inner:ty)),+ $(,)?) => {$(
        #[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(pub(crate) $inner);
        newtype!($name($inner));
    )+};
}

names!(Player(u64), Slot(u8), Title(String), Cell((u8, u8)));

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Token(pub(crate) Bin<4>);
newtype!(Token(Bin<4>));

ucore::codes! {
    /// Codes with a place for unknown ones.
    Mood: u8 {
        /// One.
        Calm = 1,
        /// Another one.
        Angry = 200,
    }
}

ucore::codes! {
    /// Codes without.
    Side: u8 {
        /// Zero.
        Left = 0,
        /// One.
        Right = 1,
    }
}

#[derive(Debug, Clone, Default, PartialEq, Wire)]
pub(crate) struct Item {
    /// First, so that an item may begin with nil.
    pub(crate) owner: Option<Player>,
    pub(crate) name: String,
    pub(crate) price: i32,
    pub(crate) marks: Vec<u8>,
}
replaced_whole!(Item);

impl Item {
    pub(crate) fn named(name: &str) -> Self {
        let price = -1_000_i32.saturating_mul(name.len().try_into().unwrap_or(0));
        Self { owner: None, name: name.to_owned(), price, marks: vec![1, 2] }
    }
}

#[derive(Debug, Clone, PartialEq, Wire)]
pub(crate) struct Shop {
    pub(crate) items: Vec<Item>,
    pub(crate) owner: Option<Player>,
    pub(crate) mood: Mood,
}

impl Default for Shop {
    fn default() -> Self {
        Self { items: Vec::new(), owner: None, mood: Mood::Calm }
    }
}

#[derive(Debug, Clone, PartialEq, Updatable)]
pub(crate) struct Leaves {
    #[update(tag = 0, ordered)]
    pub(crate) a: u8,
    #[update(tag = 1, ordered)]
    pub(crate) b: u16,
    #[update(tag = 2, ordered)]
    pub(crate) c: u32,
    #[update(tag = 3, ordered)]
    pub(crate) d: u64,
    #[update(tag = 4, ordered)]
    pub(crate) e: i8,
    #[update(tag = 5, ordered)]
    pub(crate) f: i16,
    #[update(tag = 6, ordered)]
    pub(crate) g: i32,
    #[update(tag = 7, ordered)]
    pub(crate) h: i64,
    #[update(tag = 8, ordered)]
    pub(crate) i: f32,
    #[update(tag = 9, ordered)]
    pub(crate) j: f64,
    #[update(tag = 10, ordered)]
    pub(crate) k: bool,
    #[update(tag = 11, ordered)]
    pub(crate) l: char,
    /// The fields travel in the order of their tags, not in this one.
    #[update(tag = 40, ordered)]
    pub(crate) m: String,
    #[update(tag = 31, ordered)]
    pub(crate) n: (),
    #[update(tag = 13, ordered)]
    pub(crate) player: Player,
    #[update(tag = 14, ordered)]
    pub(crate) title: Title,
    #[update(tag = 15, ordered)]
    pub(crate) cell: Cell,
    #[update(tag = 32, ordered)]
    pub(crate) token: Token,
    #[update(tag = 33, ordered)]
    pub(crate) mood: Mood,
    #[update(tag = 52, ordered)]
    pub(crate) r#type: Side,
}

impl Leaves {
    pub(crate) fn new() -> Self {
        Self {
            a: 0,
            b: 0,
            c: 0,
            d: 0,
            e: 0,
            f: 0,
            g: 0,
            h: 0,
            i: 0.0,
            j: 0.0,
            k: false,
            l: 'a',
            m: "text".to_owned(),
            n: (),
            player: Player(1),
            title: Title::default(),
            cell: Cell::default(),
            token: Token(Bin([0; 4])),
            mood: Mood::Calm,
            r#type: Side::Left,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Registers {
    #[update(tag = 0, ordered)]
    pub(crate) item: Reg<Option<Item>>,
    #[update(tag = 1, ordered)]
    pub(crate) bits: Reg<Vec<Option<u8>>>,
    #[update(tag = 2, ordered)]
    pub(crate) maybe_bits: Reg<Option<Vec<Option<u8>>>>,
    #[update(tag = 3, ordered)]
    pub(crate) twice: Reg<Option<Option<u8>>>,
    #[update(tag = 4, ordered)]
    pub(crate) pair: Reg<(u8, String)>,
    #[update(tag = 5, ordered)]
    pub(crate) lines: Reg<BTreeMap<Player, Item>>,
    #[update(tag = 6, ordered)]
    pub(crate) shop: Reg<Shop>,
}

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Maybes {
    #[update(tag = 0, ordered)]
    pub(crate) number: Option<u8>,
    #[update(tag = 1, ordered)]
    pub(crate) item: Option<Item>,
    #[update(tag = 2, ordered)]
    pub(crate) twice: Option<Option<u8>>,
    #[update(tag = 3, ordered)]
    pub(crate) pair: Option<(Option<u8>, u8)>,
    #[update(tag = 4, ordered)]
    pub(crate) bits: Option<UVec<u8>>,
    #[update(tag = 5, ordered)]
    pub(crate) nothing: Option<()>,
}

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Pairs {
    #[update(tag = 0, ordered)]
    pub(crate) plain: (u8, String),
    #[update(tag = 1, ordered)]
    pub(crate) mixed: (Counter, UVec<u8>),
    #[update(tag = 2, ordered)]
    pub(crate) inner: ((u8, u8), u8),
    #[update(tag = 3, ordered)]
    pub(crate) three: (Reg<Option<u8>>, (), u8),
}

/// All of it accumulates.
#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Line {
    #[update(tag = 0, delta)]
    pub(crate) damage: Counter,
    #[update(tag = 1, delta)]
    pub(crate) best: Max,
    #[update(tag = 2, delta)]
    pub(crate) seen: GSet<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Sums {
    #[update(tag = 0, delta)]
    pub(crate) total: Counter,
    #[update(tag = 1, delta)]
    pub(crate) best: Max,
    #[update(tag = 2, delta)]
    pub(crate) first: Min,
    #[update(tag = 3, delta)]
    pub(crate) numbers: GSet<u32>,
    #[update(tag = 4, delta)]
    pub(crate) names: GSet<String>,
    #[update(tag = 5, delta)]
    pub(crate) spots: GSet<(u8, String)>,
    #[update(tag = 6, delta)]
    pub(crate) cells: GSet<Cell>,
    #[update(tag = 7, delta)]
    pub(crate) lines: GMap<Player, Line>,
    #[update(tag = 8, delta)]
    pub(crate) groups: GMap<Title, GMap<u8, Counter>>,
}

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Maps {
    #[update(tag = 0, ordered)]
    pub(crate) titles: UMap<Player, Title>,
    #[update(tag = 1, ordered)]
    pub(crate) bags: UMap<Title, UVec<Item>>,
    #[update(tag = 2, ordered)]
    pub(crate) cells: UMap<Cell, Line>,
    #[update(tag = 3, ordered)]
    pub(crate) spots: UMap<(Slot, Title), u8>,
    #[update(tag = 4, ordered)]
    pub(crate) tokens: UMap<Token, UMap<i8, bool>>,
    #[update(tag = 5, ordered)]
    pub(crate) answers: UMap<bool, char>,
    /// So long that its form takes more than one line.
    #[update(tag = 6, ordered)]
    pub(crate) so_deep_that_it_takes_many_lines:
        UMap<Player, UMap<(Slot, Title), UVec<Option<(Counter, UStack<UMap<Title, Line>>)>>>>,
}

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Lists {
    #[update(tag = 0, ordered)]
    pub(crate) numbers: UVec<u8>,
    #[update(tag = 1, ordered)]
    pub(crate) grid: UVec<UVec<Option<u8>>>,
    #[update(tag = 2, ordered)]
    pub(crate) stack: UStack<UMap<u8, Line>>,
}

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Pet {
    #[update(tag = 0, ordered)]
    pub(crate) name: String,
    #[update(tag = 1, delta)]
    pub(crate) line: Line,
}

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Hero {
    #[update(tag = 0, ordered)]
    pub(crate) name: Title,
    #[update(tag = 1, ordered)]
    pub(crate) bag: UVec<Item>,
    #[update(tag = 2, delta)]
    pub(crate) line: Line,
    #[update(tag = 3, ordered)]
    pub(crate) pet: Option<Pet>,
}

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct World {
    #[update(tag = 3, ordered)]
    pub(crate) phase: u8,
    #[update(tag = 1, ordered)]
    pub(crate) heroes: UMap<Player, Hero>,
    #[update(tag = 2, delta)]
    pub(crate) board: GMap<Player, Line>,
}
