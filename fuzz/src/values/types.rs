//! Types that hold every structure, and a value of each.

use ucore::prelude::*;
use ucore::{Bin, Counter, GMap, GSet, Max, Min, Reg, UMap, UStack, UVec, Wire};

/// Ordered containers in each other, with keys of several parts.
pub(crate) type Notes = UMap<(u8, String), UVec<Option<Option<i16>>>>;

/// Everything that may be nothing.
pub(crate) type Vault =
    (Option<UVec<()>>, Reg<Option<Item>>, UVec<UMap<u64, UStack<Counter>>>, f64, Option<char>);

/// The delta lane.
#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Board {
    #[update(tag = 2, delta)]
    lines: GMap<u16, Line>,
    #[update(tag = 0, delta)]
    best: GMap<bool, GMap<Bin<2>, Max>>,
    #[update(tag = 52, delta)]
    fastest: Min,
    #[update(tag = 1, delta)]
    seen: GSet<(i8, u32)>,
}

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Line {
    #[update(tag = 0, delta)]
    damage: Counter,
    #[update(tag = 1, delta)]
    hits: Counter,
}

/// Both lanes.
#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct World {
    #[update(tag = 1, ordered)]
    bosses: UMap<u32, Boss>,
    #[update(tag = 0, delta)]
    board: Board,
}

#[derive(Debug, Clone, Default, PartialEq, Updatable)]
pub(crate) struct Boss {
    #[update(tag = 0, ordered)]
    name: String,
    #[update(tag = 1, delta)]
    taken: Counter,
    #[update(tag = 2, ordered)]
    loot: UStack<Option<Reg<Item>>>,
}

#[derive(Debug, Clone, Default, PartialEq, Wire)]
pub(crate) struct Item {
    rune: Option<u8>,
    prices: Vec<u64>,
    weight: f32,
}

const FITS: &str = "it fits";

pub(crate) fn notes() -> Notes {
    let lists = [(0, "", vec![]), (1, "a", vec![None, Some(None), Some(Some(-3))])];
    lists
        .into_iter()
        .map(|(number, text, list)| ((number, text.to_owned()), list.into_iter().collect()))
        .collect()
}

fn item() -> Item {
    Item { rune: None, prices: vec![1, ucore::INT_MAX], weight: 0.5 }
}

pub(crate) fn vault() -> Vault {
    let stack = [Counter::of(-1), Counter::of(300)].into_iter().collect();
    let maps = [UMap::default(), [(7, stack)].into_iter().collect()].into_iter().collect();
    (Some([()].into_iter().collect()), Reg::new(Some(item())), maps, -1.5, Some('x'))
}

pub(crate) fn board() -> Board {
    let mut board = Board::default();
    board.lines().at(3).damage().add(30).expect(FITS);
    board.lines().at(900).hits().sub(1).expect(FITS);
    board.best().at(true).at(Bin([1, 2])).raise_to(70_000).expect(FITS);
    board.fastest().lower_to(12).expect(FITS);
    board.seen().extend([(-1, 0), (4, 70_000)]).expect(FITS);
    board
}

pub(crate) fn world() -> World {
    let mut world = World { board: board(), ..World::default() };
    let mut boss = Boss { name: "ogre".to_owned(), ..Boss::default() };
    boss.taken().add(5).expect(FITS);
    boss.loot().push(Some(Reg::new(item()))).expect(FITS);
    world.bosses().insert(1, boss).expect(FITS);
    world
}
