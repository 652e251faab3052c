//! The golden vectors of ucore: states and updates as bytes, with readable twins, and the
//! TypeScript of their types. `web-client/test/ucore.test.ts` replays them.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod types;
mod twin;

use serde_json::{Value, json};
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use twin::Twin;
use types::*;
use ucore::prelude::*;
use ucore::{Bin, Counter, INT_MAX, Schema, Set, TupleUpdate, Typed, UMap, UVec, Writer};
use ucore::{decode, encode, plan};

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Compares files with what they should be, and writes that if they differ.
fn check(files: &[(PathBuf, Vec<u8>)]) {
    let mut changed = Vec::new();
    for (path, bytes) in files {
        if std::fs::read(path).ok().as_ref() != Some(bytes) {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
            changed.push(path);
        }
    }
    assert!(changed.is_empty(), "{changed:?} have changed and were written anew: look at them");
}

/// A value, and what becomes of it by a series of updates.
struct History<T> {
    value: T,
    vectors: Vec<Vec<u8>>,
    /// The updates that were taken, each as the only one of a list.
    edits: Vec<Vec<u8>>,
    first: Value,
    steps: Vec<Value>,
}

impl<T: Updatable<Update: Debug> + Debug + Twin> History<T> {
    fn of(value: T) -> Self {
        assert_eq!(decode(&encode(&value)).as_ref(), Ok(&value));
        let (bytes, first) = (encode(&value), value.twin());
        Self { value, vectors: vec![bytes], edits: vec![], first, steps: vec![] }
    }

    /// One more update, which the value takes or refuses.
    fn then(mut self, update: T::Update) -> Self {
        let (bytes, text) = (encode(&update), format!("{update:?}"));
        assert_eq!(decode::<T::Update>(&bytes).map(|same| encode(&same)), Ok(bytes.clone()));
        self.vectors.push(bytes);
        let edit = encode(&vec![update.clone()]);
        self.steps.push(match self.value.apply(update) {
            Ok(()) => {
                self.edits.push(edit);
                json!({ "update": text, "value": self.value.twin() })
            }
            Err(reject) => json!({ "update": text, "refused": reject.to_string() }),
        });
        self
    }

    /// Bytes that are no update.
    fn not(mut self, items: impl FnOnce(&mut Writer)) -> Self {
        let mut to = Writer::default();
        to.array(items);
        let bytes = to.into_bytes();
        let error = decode::<T::Update>(&bytes).map(|_| ()).unwrap_err();
        self.steps.push(json!({ "update": format!("{bytes:?}"), "refused": error.to_string() }));
        self.vectors.push(bytes);
        self
    }

    fn check(self) {
        let Schema::Struct(name, _) = T::SCHEMA else { unreachable!("histories are of structs") };
        let list = |all: &[Vec<u8>]| {
            let mut to = Writer::default();
            to.array(|to| all.iter().for_each(|bytes| to.bin(bytes)));
            to.into_bytes()
        };
        let steps: Vec<_> = self.steps.iter().map(Value::to_string).collect();
        let (first, steps) = (self.first, steps.join(",\n"));
        let twin = format!("{{\"state\": {first},\n\"steps\": [\n{steps}\n]}}\n");
        let file = here().join("golden").join(name.to_lowercase());
        check(&[
            (file.with_extension("msgpack"), list(&self.vectors)),
            (file.with_extension("edits.msgpack"), list(&self.edits)),
            (file.with_extension("json"), twin.into_bytes()),
        ]);
    }
}

#[test]
fn the_types_look_like_this_in_typescript() {
    let schemas = [
        Leaves::SCHEMA,
        Registers::SCHEMA,
        Maybes::SCHEMA,
        Pairs::SCHEMA,
        Sums::SCHEMA,
        Maps::SCHEMA,
        Lists::SCHEMA,
        World::SCHEMA,
    ];
    let module = ucore::typescript("../../src/ucore", &schemas);
    let path = here().join("../web-client/test/generated/ucore_golden.ts");
    let line = |schema: &&Schema| format!("{:016x} {schema}\n", schema.hash());
    let texts: String = schemas.iter().map(line).collect();
    check(&[(path, module.into_bytes()), (here().join("golden/schemas.txt"), texts.into_bytes())]);
}

#[test]
fn leaves() {
    let leaf = plan::<Leaves>;
    History::of(Leaves::new())
        .then(leaf().a().set(255))
        .then(leaf().b().set(0xffff))
        .then(leaf().c().set(0xffff_ffff))
        .then(leaf().d().set(INT_MAX))
        .then(leaf().e().set(-128))
        .then(leaf().f().set(-0x8000))
        .then(leaf().g().set(i32::MIN))
        .then(leaf().h().set(-INT_MAX.cast_signed()))
        .then(leaf().i().set(0.5))
        .then(leaf().j().set(-1.0e300))
        .then(leaf().j().set(3.0))
        .then(leaf().k().set(true))
        .then(leaf().l().set('\u{1f409}'))
        .then(leaf().m().set("h\u{fc}ter \u{1f409} \"quoted\"".to_owned()))
        .then(leaf().n().set(()))
        .then(leaf().player().set(Player(7)))
        .then(leaf().title().set(Title("Champion".to_owned())))
        .then(leaf().cell().set(Cell((3, 4))))
        .then(leaf().token().set(Token(Bin([0, 1, 0xab, 0xff]))))
        .then(leaf().mood().set(Mood::Angry))
        .then(leaf().r#type().set(Side::Right))
        .then(LeavesUpdate { a: Some(Set(1)), n: Some(Set(())), mood: None, ..Default::default() })
        .then(LeavesUpdate {
            a: Some(Set(2)),
            m: Some(Set(String::new())),
            r#type: Some(Set(Side::Left)),
            ..Default::default()
        })
        .then(LeavesUpdate::default())
        // A number that is too large, a side that is none, a field that is none, and one that is
        // neither there nor nil.
        .not(|to| [1, 256].into_iter().for_each(|it| to.uint(it)))
        .not(|to| [1 << 3, INT_MAX + 1].into_iter().for_each(|it| to.uint(it)))
        .not(|to| {
            to.uint(1 << 7);
            to.int(-INT_MAX.cast_signed() - 1);
        })
        .not(|to| [1 << 52, 2].into_iter().for_each(|it| to.uint(it)))
        .not(|to| [1 << 51, 2].into_iter().for_each(|it| to.uint(it)))
        .not(|to| to.uint(1 << 51))
        .not(|to| to.uint(1))
        .not(|to| [1, 1, 1].into_iter().for_each(|it| to.uint(it)))
        .not(|to| {
            to.uint(1);
            to.text("1");
        })
        .not(|to| {
            to.uint(1);
            to.int(-1);
        })
        .not(|_| {})
        .check();
}

#[test]
fn registers() {
    let reg = plan::<Registers>;
    let item = Item::named("sword");
    History::of(Registers::default())
        .then(reg().item().set(Some(item.clone())))
        .then(reg().bits().set(vec![None, Some(7)]))
        .then(reg().maybe_bits().set(Some(vec![None])))
        .then(reg().maybe_bits().set(Some(vec![])))
        .then(reg().maybe_bits().set(None))
        .then(reg().twice().set(Some(None)))
        .then(reg().twice().set(Some(Some(3))))
        .then(reg().twice().set(None))
        .then(reg().pair().set((7, "seven".to_owned())))
        .then(
            reg().lines().set([(Player(5), item.clone()), (Player(9), Item::named("bow"))].into()),
        )
        .then(reg().shop().set(Shop {
            items: vec![item],
            owner: Some(Player(5)),
            mood: Mood::Calm,
        }))
        .then(RegistersUpdate {
            bits: Some(Set(vec![Some(1)])),
            pair: Some(Set((1, "one".to_owned()))),
            lines: Some(Set([(Player(1), Item::named("axe"))].into())),
            ..Default::default()
        })
        .not(|to| [1 << 2, 1].into_iter().for_each(|it| to.uint(it)))
        .check();
}

#[test]
fn maybes() {
    let may = plan::<Maybes>;
    History::of(Maybes::default())
        .then(may().number().some().set(1))
        .then(may().number().put_some(1))
        .then(may().number().some().set(2))
        .then(may().number().clear())
        .then(may().item().put_some(Item::named("sword")))
        .then(may().item().some().set(Item::named("bow")))
        .then(may().twice().some().put_some(1))
        .then(may().twice().put_some(None))
        .then(may().twice().some().put_some(1))
        .then(may().twice().some().some().set(2))
        .then(may().twice().some().clear())
        .then(may().pair().put_some((None, 5)))
        .then(may().pair().some().first().put_some(3))
        .then(may().pair().some().first().some().set(4))
        .then(may().bits().put_some([1, 2].into_iter().collect()))
        .then(may().bits().some().push(3))
        .then(may().nothing().put_some(()))
        .then(may().nothing().some().set(()))
        .not(|to| [1, 3].into_iter().for_each(|it| to.uint(it)))
        .not(|to| [1, 1, 1].into_iter().for_each(|it| to.uint(it)))
        .check();
}

#[test]
fn pairs() {
    let of = plan::<Pairs>;
    History::of(Pairs::default())
        .then(of().plain().first().set(1))
        .then(of().plain().second().set("one".to_owned()))
        .then(of().mixed().first().add(-5))
        .then(of().mixed().second().extend([1, 2, 3]))
        .then(of().mixed().second().at(1).set(7))
        .then(of().mixed().second().at(3).set(7))
        .then(of().inner().first().first().set(8))
        .then(of().inner().first().second().set(9))
        .then(of().inner().second().set(10))
        .then(PairsUpdate {
            three: Some(TupleUpdate((Some(Set(Some(1))), None, Some(Set(3))))),
            mixed: Some(TupleUpdate((Some(Counter::of(1)), None))),
            ..Default::default()
        })
        .then(PairsUpdate {
            three: Some(TupleUpdate((Some(Set(None)), Some(Set(())), None))),
            ..Default::default()
        })
        .then(of().mixed().first().add(INT_MAX.cast_signed()))
        .then(of().mixed().first().add(5))
        .then(PairsUpdate {
            mixed: Some(TupleUpdate((
                Some(Counter::of(INT_MAX.cast_signed())),
                Some(ucore::UVecUpdate::Clear),
            ))),
            plain: Some(TupleUpdate((Some(Set(99)), None))),
            ..Default::default()
        })
        .check();
}

#[test]
fn sums() {
    let of = plan::<Sums>;
    let mut both = of().lines().at(Player(5)).damage().add(1);
    ucore::Delta::merge(&mut both, of().lines().at(Player(6)).damage().add(2));
    ucore::Delta::merge(&mut both, of().lines().at(Player(300)).seen().insert(1));
    ucore::Delta::merge(&mut both, of().total().add(3));
    History::of(Sums::default())
        .then(of().total().add(5))
        .then(of().total().sub(7))
        .then(of().best().raise_to(40))
        .then(of().best().raise_to(12))
        .then(of().first().lower_to(310))
        .then(of().first().lower_to(450))
        .then(of().numbers().extend([0, 1, 2, 10, 0xffff_ffff]))
        .then(of().numbers().extend([1, 7]))
        .then(of().names().extend(["b".to_owned(), "\u{ffff}".to_owned(), "\u{10000}".to_owned()]))
        .then(of().spots().extend([(1, "a,b".to_owned()), (1, "c".to_owned()), (0, "z".into())]))
        .then(of().cells().extend([Cell((1, 2)), Cell((0, 9))]))
        .then(both)
        .then(of().lines().at(Player(6)).damage().sub(2))
        .then(of().lines().at(Player(5)).damage().add(INT_MAX.cast_signed()))
        .then(of().lines().at(Player(5)).damage().sub(1))
        .then(of().groups().at(Title("red".to_owned())).at(3).add(1))
        .then(of().groups().at(Title("blue".to_owned())).at(3).add(1))
        .then(of().groups().at(Title("red".to_owned())).at(4).add(1))
        .then(of().groups().at(Title("red".to_owned())).at(3).sub(1))
        .then(of().groups().at(Title("blue".to_owned())).at(3).sub(1))
        .not(|to| [1 << 9, 1].into_iter().for_each(|it| to.uint(it)))
        .not(|to| [1 << 3, 0xffff_ffff, 0].into_iter().for_each(|it| to.uint(it)))
        .check();
}

#[test]
fn maps() {
    let of = plan::<Maps>;
    let red = || Title("red".to_owned());
    History::of(Maps::default())
        .then(of().titles().insert(Player(7), red()))
        .then(of().titles().extend([2, 3, 9, 1000].map(|id| (Player(id), Title(id.to_string())))))
        .then(of().titles().at(Player(9)).set(red()))
        .then(of().titles().remove(Player(3)))
        .then(of().titles().remove(Player(3)))
        .then(of().titles().at(Player(3)).set(red()))
        .then(of().bags().insert(red(), UVec::default()))
        .then(of().bags().at(red()).push(Item::named("bow")))
        .then(of().bags().at(red()).at(1).set(Item::named("axe")))
        .then(of().bags().at(red()).at(0).set(Item::named("axe")))
        .then(of().cells().insert(Cell((1, 2)), Line::default()))
        .then(of().cells().at(Cell((1, 2))).damage().add(5))
        .then(of().cells().at(Cell((2, 1))).damage().add(5))
        .then(
            of().spots().extend([((Slot(1), Title("a,\"b".to_owned())), 1), ((Slot(2), red()), 2)]),
        )
        .then(of().spots().at((Slot(1), Title("a,\"b".to_owned()))).set(9))
        .then(of().tokens().insert(Token(Bin([9; 4])), UMap::default()))
        .then(of().tokens().at(Token(Bin([9; 4]))).extend([(-5, true), (3, false), (-128, false)]))
        .then(of().tokens().at(Token(Bin([9; 4]))).at(-5).set(false))
        .then(of().answers().extend([(true, 'y'), (false, 'n')]))
        .then(MapsUpdate {
            titles: Some(ucore::UMapUpdate::Clear),
            answers: Some(ucore::UMapUpdate::Remove(true)),
            ..Default::default()
        })
        .then(MapsUpdate {
            spots: Some(ucore::UMapUpdate::Clear),
            answers: Some(ucore::UMapUpdate::Remove(true)),
            ..Default::default()
        })
        .not(|to| [1, 5].into_iter().for_each(|it| to.uint(it)))
        .not(|to| [1, 1].into_iter().for_each(|it| to.uint(it)))
        .not(|to| {
            [1 << 1, 3].into_iter().for_each(|it| to.uint(it));
            ["b", "a"].into_iter().for_each(|it| {
                to.text(it);
                to.array(|_| {});
            });
        })
        .check();
}

#[test]
fn lists() {
    let of = plan::<Lists>;
    History::of(Lists::default())
        .then(of().numbers().push(1))
        .then(of().numbers().extend([2, 3, 4]))
        .then(of().numbers().insert(4, 5))
        .then(of().numbers().insert(0, 0))
        .then(of().numbers().insert(7, 7))
        .then(of().numbers().remove(1))
        .then(of().numbers().remove(5))
        .then(of().numbers().at(4).set(50))
        .then(of().numbers().at(5).set(50))
        .then(of().numbers().swap(0, 4))
        .then(of().numbers().swap(0, 0))
        .then(of().numbers().swap(0, 5))
        .then(of().numbers().replace(1, 20))
        .then(of().numbers().replace(5, 20))
        .then(of().numbers().pop())
        .then(of().numbers().truncate(9))
        .then(of().numbers().truncate(1))
        .then(of().numbers().clear())
        .then(of().numbers().pop())
        .then(of().grid().extend([UVec::default(), [Some(1), None].into_iter().collect()]))
        .then(of().grid().at(0).push(None))
        .then(of().grid().at(1).at(1).put_some(9))
        .then(of().grid().swap(0, 1))
        .then(of().stack().pop())
        .then(of().stack().top().insert(1, Line::default()))
        .then(of().stack().push(UMap::default()))
        .then(of().stack().top().insert(1, Line::default()))
        .then(of().stack().push(UMap::default()))
        .then(of().stack().top().insert(2, Line::default()))
        .then(of().stack().pop())
        .then(of().stack().top().at(1).best().raise_to(3))
        .then(of().stack().top().at(2).best().raise_to(3))
        .then(of().stack().clear())
        .not(|to| [1, 10].into_iter().for_each(|it| to.uint(it)))
        .not(|to| [1 << 2, 4].into_iter().for_each(|it| to.uint(it)))
        .check();
}

#[test]
fn a_world() {
    let of = plan::<World>;
    let hero = |name: &str| Hero { name: Title(name.to_owned()), ..Default::default() };
    let of_one = || plan::<World>().heroes().at(Player(1));
    History::of(World::default())
        .then(of().heroes().extend([(Player(1), hero("Ada")), (Player(4), hero("Bob"))]))
        .then(of_one().bag().push(Item::named("bow")))
        .then(of_one().line().seen().extend([3, 4, 9]))
        .then(of_one().pet().some().line().damage().add(1))
        .then(of_one().pet().put_some(Pet { name: "Rex".to_owned(), line: Line::default() }))
        .then(of_one().pet().some().line().damage().add(1))
        .then(of().board().at(Player(4)).damage().add(30))
        .then(of().board().at(Player(4)).damage().sub(30))
        .then(WorldUpdate {
            delta: of().board().at(Player(1)).best().raise_to(9).delta,
            phase: Some(Set(2)),
            heroes: Some(ucore::UMapUpdate::Remove(Player(4))),
        })
        .then(WorldUpdate {
            delta: of().board().at(Player(1)).best().raise_to(10).delta,
            phase: Some(Set(3)),
            heroes: Some(ucore::UMapUpdate::Remove(Player(4))),
        })
        .then(of().phase().set(4))
        .check();
}
