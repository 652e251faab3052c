//! Random histories of groups: what is asked, chosen by where the model is.

use crate::model::{Group, Model};
use authority::machine::group::Bounds;
use proptest::prelude::*;
use proptest::sample::Index;
use protocol::{
    Checkpoint, Dispute, Edit, Follow, Found, GroupName, GroupRequest, Leave, Propose,
    ProposeVerdict, Proposed, SchemaHash, Seen, StateHash,
};
use std::collections::BTreeMap;
use ucore::{Bin, Blob, Chain, Version, WriterId};

/// Bounds that a short history meets.
pub(crate) fn small() -> Bounds {
    Bounds {
        groups: 2,
        writers: 3,
        barred: 1,
        updates_bytes: 24,
        value_bytes: 64,
        mark_entries: 4,
        log_entries: 20,
        log_bytes: 700,
        page_entries: 5,
        page_bytes: 200,
    }
}

/// A step of a history.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Found {
        group: u8,
        other: bool,
        create: bool,
    },
    Propose {
        group: u8,
        writer: u8,
        seq: Pick,
        expect: Option<Place>,
        seen: Place,
        bytes: u8,
    },
    Follow {
        group: u8,
        seen: Option<Place>,
        distrust: Option<Place>,
    },
    Keep {
        group: u8,
        keeper: u8,
        at: Place,
        bytes: u8,
        lie: bool,
    },
    Dispute {
        group: u8,
        at: Place,
    },
    Leave {
        group: u8,
        writer: u8,
    },
    /// What was asked before, perhaps of another structure.
    Again {
        past: Index,
        other: bool,
    },
    Restart,
    Save,
    RollBack,
}

/// Which number a proposal has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pick {
    Next,
    Again,
    Skipped,
    Older,
    First,
    Zero,
}

/// A position, by where the log is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Head,
    Ordered,
    Start,
    Newest,
    Older,
    /// The mark that follows the newest kept value, or so many behind it.
    Mark(u8),
    /// So many before the head.
    Before(u8),
    /// The same, of another past.
    Forked(u8),
    Beyond,
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        6 => Just(Place::Head),
        3 => Just(Place::Ordered),
        3 => Just(Place::Start),
        2 => Just(Place::Newest),
        1 => Just(Place::Older),
        6 => (0..3_u8).prop_map(Place::Mark),
        6 => (0..24_u8).prop_map(Place::Before),
        2 => (0..8_u8).prop_map(Place::Forked),
        1 => Just(Place::Beyond),
    ]
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![
        20 => Just(Pick::Next),
        4 => Just(Pick::Again),
        1 => Just(Pick::Skipped),
        1 => Just(Pick::Older),
        4 => Just(Pick::First),
        1 => Just(Pick::Zero),
    ]
}

/// Group 0 nearly always; 3 has a name that can't be one.
fn group() -> impl Strategy<Value = u8> {
    prop_oneof![30 => Just(0_u8), 3 => Just(1), 1 => 2..=3_u8]
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let found = (0..4_u8, prop::bool::weighted(0.2), any::<bool>())
        .prop_map(|(group, other, create)| Step::Found { group, other, create });
    let expect = prop::option::of(place());
    let propose = (group(), 0..9_u8, pick(), expect, place(), 0..26_u8).prop_map(
        |(group, writer, seq, expect, seen, bytes)| Step::Propose {
            group,
            // Most are of one writer, so that the others fall behind the kept log.
            writer: writer.saturating_sub(5),
            seq,
            expect,
            seen,
            bytes,
        },
    );
    let follow = (group(), prop::option::of(place()), prop::option::of(place()))
        .prop_map(|(group, seen, distrust)| Step::Follow { group, seen, distrust });
    let mark = prop_oneof![3 => Just(Place::Mark(0)), 2 => place()];
    let keep = (group(), 0..3_u8, mark, 0..68_u8, prop::bool::weighted(0.1))
        .prop_map(|(group, keeper, at, bytes, lie)| Step::Keep { group, keeper, at, bytes, lie });
    let disputed = prop_oneof![3 => Just(Place::Newest), 1 => place()];
    let dispute = (group(), disputed).prop_map(|(group, at)| Step::Dispute { group, at });
    let leave = (group(), 0..4_u8).prop_map(|(group, writer)| Step::Leave { group, writer });
    let again = (any::<Index>(), prop::bool::weighted(0.3))
        .prop_map(|(past, other)| Step::Again { past, other });
    let step = prop_oneof![
        2 => found,
        40 => propose,
        10 => follow,
        10 => keep,
        4 => dispute,
        1 => leave,
        2 => again,
        1 => Just(Step::Restart),
        1 => Just(Step::Save),
        1 => Just(Step::RollBack),
    ];
    prop::collection::vec(step, 1..200)
}

/// A history that meets what random ones seldom do: more groups than there may be, a writer that
/// was forgotten, and a log with nothing to begin with but what is in doubt.
pub(crate) fn tour() -> Vec<Step> {
    let propose =
        |writer, seq, seen| Step::Propose { group: 0, writer, seq, expect: None, seen, bytes: 1 };
    let next = |writer| propose(writer, Pick::Next, Place::Head);
    let keep = |keeper| Step::Keep { group: 0, keeper, at: Place::Mark(0), bytes: 1, lie: false };
    let found = |group| Step::Found { group, other: false, create: true };
    let mut steps = vec![found(0), found(1), found(2), next(1), next(2)];
    steps.extend((0..10).map(|_| next(0)));
    steps.extend([keep(0), keep(1), next(3), propose(1, Pick::First, Place::Start)]);
    steps.push(Step::Dispute { group: 0, at: Place::Newest });
    steps.push(Step::Follow { group: 0, seen: None, distrust: Some(Place::Newest) });
    steps
}

/// The programs that ask: what each writer knows of itself.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    /// Names of this history's groups begin so.
    prefix: String,
    /// Writers by group and place: how many were there before, and its last number.
    writers: BTreeMap<(GroupName, u8), (u8, u64)>,
    /// All that was asked.
    past: Vec<GroupRequest>,
}

impl Programs {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..Self::default() }
    }

    pub(crate) fn name(&self, group: u8) -> GroupName {
        let name = if group == 3 { "No name".to_owned() } else { format!("g{group}") };
        GroupName(format!("{}{name}", self.prefix))
    }

    /// The request of a step; none for those that are no requests.
    pub(crate) fn request(&mut self, step: &Step, model: &Model) -> Option<GroupRequest> {
        let request = match step {
            Step::Again { past, other } if !self.past.is_empty() => {
                let past = past.get(&self.past).clone();
                Some(if *other { of_another_schema(past) } else { past })
            }
            _ => self.new_request(step, model),
        };
        self.past.extend(request.clone());
        request
    }

    fn new_request(&mut self, step: &Step, model: &Model) -> Option<GroupRequest> {
        let schema = schema(false);
        Some(match *step {
            Step::Found { group, other, create } => {
                let (group, schema) = (self.name(group), self::schema(other));
                GroupRequest::Found(Found { group, schema, create })
            }
            Step::Propose { group, writer, seq, expect, seen, bytes } => {
                let group = self.name(group);
                let of = model.0.get(&group);
                let known = self.writers.get(&(group.clone(), writer));
                let (incarnation, last) = known.copied().unwrap_or_default();
                let seq = match seq {
                    Pick::Next => last + 1,
                    Pick::Again => last,
                    Pick::Skipped => last + 2,
                    Pick::Older => last.saturating_sub(1),
                    Pick::First => 1,
                    Pick::Zero => 0,
                };
                let expect = expect.map(|place| seen_at(of, place).version);
                let updates = Blob(vec![writer; bytes.into()].into());
                let writer = id(writer, incarnation);
                let edit = Edit { writer, seq, ordered: bytes % 3 == 0, updates };
                let seen = seen_at(of, seen);
                GroupRequest::Propose(Propose { group, schema, edit, expect, seen })
            }
            Step::Follow { group, seen, distrust } => {
                let group = self.name(group);
                let of = model.0.get(&group);
                let seen = seen.map(|place| seen_at(of, place));
                let distrust = distrust.map(|place| seen_at(of, place).version);
                GroupRequest::Follow(Follow { group, schema, seen, distrust, wait_ms: 0 })
            }
            Step::Keep { group, keeper, at, bytes, lie } => {
                let group = self.name(group);
                let at = seen_at(model.0.get(&group), at);
                let value = Blob(vec![keeper; bytes.into()].into());
                let hash = StateHash::of_bytes(if lie { b"a lie" } else { &value });
                let keeper = id(keeper, 99);
                GroupRequest::Checkpoint(Checkpoint { group, schema, keeper, at, hash, value })
            }
            Step::Dispute { group, at } => {
                let group = self.name(group);
                let version = seen_at(model.0.get(&group), at).version;
                GroupRequest::Dispute(Dispute { group, schema, version })
            }
            Step::Leave { group, writer } => {
                let group = self.name(group);
                let known = self.writers.entry((group.clone(), writer)).or_default();
                let left = id(writer, known.0);
                *known = (known.0 + 1, 0);
                GroupRequest::Leave(Leave { group, writer: left })
            }
            Step::Again { .. } | Step::Restart | Step::Save | Step::RollBack => return None,
        })
    }

    /// A writer is told what became of its proposal. It may be one of long ago.
    pub(crate) fn told(&mut self, asked: &Propose, answer: &Proposed) {
        let writer = asked.edit.writer.0.0;
        let known = self.writers.entry((asked.group.clone(), writer[0])).or_default();
        if known.0 == writer[15] {
            match answer.verdict {
                ProposeVerdict::Committed => known.1 = asked.edit.seq,
                // It has been forgotten, or its proposals were taken back.
                ProposeVerdict::Gap => known.1 = answer.want - 1,
                ProposeVerdict::Duplicate
                | ProposeVerdict::Conflict
                | ProposeVerdict::Old
                | ProposeVerdict::Forgotten => {}
            }
        }
    }
}

fn of_another_schema(mut request: GroupRequest) -> GroupRequest {
    let other = schema(true);
    match &mut request {
        GroupRequest::Found(it) => it.schema = other,
        GroupRequest::Propose(it) => it.schema = other,
        GroupRequest::Follow(it) => it.schema = other,
        GroupRequest::Checkpoint(it) => it.schema = other,
        GroupRequest::Dispute(it) => it.schema = other,
        GroupRequest::Leave(_) => {}
    }
    request
}

fn id(writer: u8, incarnation: u8) -> WriterId {
    let mut bytes = [writer; 16];
    bytes[15] = incarnation;
    WriterId(Bin(bytes))
}

pub(crate) fn schema(other: bool) -> SchemaHash {
    SchemaHash(Bin([u8::from(other); 8]))
}

fn seen_at(group: Option<&Group>, place: Place) -> Seen {
    let Some(group) = group else { return schema(false).start() };
    let head = group.head();
    let kept = |newest: usize| group.kept.iter().rev().nth(newest).map_or(head, |kept| kept.at);
    let before = |back: u8| group.at(head.version.0.saturating_sub(back.into())).unwrap_or(head);
    match place {
        Place::Head => head,
        Place::Ordered => group.at(group.ordered().0).unwrap_or(head),
        Place::Start => schema(false).start(),
        Place::Newest => kept(0),
        Place::Older => kept(1),
        Place::Mark(back) => {
            let newest = group.kept.last().map_or(0, |kept| kept.at.version.0 / 4);
            group.at((newest + 1 + u64::from(back)) * 4).unwrap_or(head)
        }
        Place::Before(back) => before(back),
        Place::Forked(back) => Seen { chain: Chain(Bin([0xfe; 20])), ..before(back) },
        Place::Beyond => Seen { version: Version(head.version.0 + 2), ..head },
    }
}
