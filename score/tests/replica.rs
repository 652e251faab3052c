//! One replica, and answers by hand: what it makes of a log that is not the one that it follows.
#![allow(clippy::panic, reason = "a panic is how a test fails")]

use protocol::{
    Base, Edit, GroupAnswer, GroupEntry, GroupName, GroupPage, GroupRefusal, GroupRequest, Kept,
    KeptMark, Micros, Refused, Seen, StateHash, Unavailable,
};
use score::{Asked, Error, Intent, Part, Question, Replica, Transaction};
use std::sync::{Arc, Mutex};
use ucore::{Bin, Blob, Snapshot, UVec, UVecOps, Updatable, Version, WriterId, plan};

type List = UVec<u32>;

struct Program {
    replica: Replica<List>,
    head: Arc<Snapshot<List>>,
    now: Micros,
}

impl Program {
    fn new() -> Self {
        Self::that_keeps(false)
    }

    fn that_keeps(keeps: bool) -> Self {
        let group = GroupName("list".to_owned());
        let part = Part { group, create: false, keeps, mark_entries: 4, seed: [1; 16] };
        let head = Arc::new(Replica::first(List::default()));
        Self { replica: Replica::new(part), head, now: Micros(0) }
    }

    fn ask(&mut self) -> Option<Asked> {
        self.replica.poll_request(self.now, &self.head)
    }

    fn hear(&mut self, kind: Question, answer: Result<GroupAnswer, Unavailable>) {
        self.replica.handle_answer(self.now, &mut self.head, kind, answer);
    }

    fn seen(&self) -> Seen {
        Seen { version: self.head.version, chain: self.head.chain }
    }

    /// What it asks now, until it waits.
    fn ask_all(&mut self) -> Vec<GroupRequest> {
        std::iter::from_fn(|| self.ask()).map(|asked| asked.request).collect()
    }

    /// Lets time pass until something is due.
    fn wait(&mut self) {
        self.now = self.replica.poll_timeout().expect("something is due");
        self.replica.handle_time(self.now);
    }

    /// Wants a push, for two seconds.
    fn push(&mut self, value: u32) -> Told {
        let told = Told::default();
        let intent = Push { update: plan::<List>().push(value), told: Arc::clone(&told) };
        self.replica.handle_intent(Box::new(intent), self.now + Micros::from_millis(2_000));
        told
    }

    /// Follows a log of pushes from its beginning.
    fn begin(&mut self, entries: Vec<GroupEntry>) {
        let asked = self.ask().expect("it wants to know the log");
        assert_eq!(asked.kind, Question::Fetch);
        let at = self.seen();
        let head = entries.last().map_or(at.version, |entry| entry.version);
        let base = Some(Base { at, value: None });
        let page = GroupPage { base, entries, head, kept: None };
        self.hear(Question::Fetch, Ok(GroupAnswer::Page(page)));
    }
}

/// What became of a push.
type Told = Arc<Mutex<Option<Result<Version, Error>>>>;

struct Push {
    update: <List as Updatable>::Update,
    told: Told,
}

impl Intent<List> for Push {
    fn update(&self) -> Option<&<List as Updatable>::Update> {
        Some(&self.update)
    }

    fn run(&mut self, _: &mut Transaction<'_, List>) -> Result<(), Error> {
        Ok(())
    }

    fn looks(&self) -> bool {
        false
    }

    fn before(&mut self, _: &List) {}

    fn done(self: Box<Self>, outcome: Result<Version, Error>) {
        *self.told.lock().expect("one thread") = Some(outcome);
    }
}

fn refused(why: GroupRefusal) -> Result<GroupAnswer, Unavailable> {
    Ok(GroupAnswer::Refused(Refused { why }))
}

fn kept_at(version: u64) -> KeptMark {
    KeptMark { version: Version(version), hash: StateHash(Bin([version.to_le_bytes()[0]; 8])) }
}

/// A log of these pushes, after a position.
fn pushes(mut seen: Seen, values: &[u32]) -> Vec<GroupEntry> {
    let entry = |value: &u32| {
        let updates = Blob::of(&vec![plan::<List>().push(*value)]);
        let edit = Edit { writer: WriterId(Bin([9; 16])), seq: 1, ordered: true, updates };
        let entry = GroupEntry::after(seen, &edit);
        seen = entry.seen();
        entry
    };
    values.iter().map(entry).collect()
}

fn page(entries: Vec<GroupEntry>) -> Result<GroupAnswer, Unavailable> {
    let head = entries.last().map_or(Version(0), |entry| entry.version);
    Ok(GroupAnswer::Page(GroupPage { base: None, entries, head, kept: None }))
}

#[test]
fn entries_of_another_log_are_not_applied_and_the_copy_is_taken_anew() {
    let mut program = Program::new();
    let start = program.seen();
    program.begin(pushes(start, &[1, 2]));
    assert_eq!(program.head.value[..], [1, 2]);
    assert_eq!(program.ask().expect("it waits").kind, Question::Follow);
    // The third entry of a log whose second one is another.
    let other = pushes(start, &[1, 7, 8]);
    program.hear(Question::Follow, page(other[2..].to_vec()));
    assert_eq!(program.head.value[..], [1, 2], "nothing of it was applied");
    assert_eq!(program.replica.counts().resyncs, 1);
    program.begin(Vec::new());
    assert!(program.replica.has_caught_up(program.head.version));
}

#[test]
fn a_copy_at_the_same_version_of_another_log_is_noticed_too() {
    let mut program = Program::new();
    let start = program.seen();
    program.begin(pushes(start, &[1, 2]));
    program.ask();
    program.hear(Question::Follow, page(pushes(start, &[1, 7, 8])));
    assert_eq!(program.replica.counts().resyncs, 1);
}

#[test]
fn entries_that_came_on_another_way_are_passed_over() {
    let mut program = Program::new();
    let start = program.seen();
    let log = pushes(start, &[1, 2, 3]);
    program.begin(log[..2].to_vec());
    program.ask();
    program.hear(Question::Follow, page(log));
    assert_eq!(program.head.value[..], [1, 2, 3]);
    assert_eq!(program.replica.counts().resyncs, 0);
}

#[test]
fn a_value_that_can_not_be_read_is_not_begun_with() {
    let mut program = Program::new();
    program.ask();
    let at = Seen { version: Version(4), ..program.seen() };
    let base = Some(Base { at, value: Some(Blob::from(vec![0xc1])) });
    let unreadable = GroupPage { base, entries: Vec::new(), head: Version(4), kept: None };
    program.hear(Question::Fetch, Ok(GroupAnswer::Page(unreadable)));
    assert!(program.ask().is_none(), "not at once");
    program.now = program.replica.poll_timeout().expect("later");
    program.replica.handle_time(program.now);
    let asked = program.ask().expect("it asks again");
    let GroupRequest::Follow(follow) = asked.request else { panic!("for a page") };
    assert_eq!((follow.seen, follow.distrust), (None, Some(Version(4))));
    assert!(program.head.value.check(&plan::<List>().push(1)).is_ok(), "what it had is whole");
}

/// Pushes with enough bytes for a value to be kept.
fn many() -> Vec<u32> {
    (0..64).map(|at| u32::MAX - at).collect()
}

#[test]
fn a_value_whose_answer_is_lost_is_brought_again_though_the_log_does_not_go_on() {
    let mut program = Program::that_keeps(true);
    program.begin(pushes(program.seen(), &many()));
    let is_keep = |request: &GroupRequest| matches!(request, GroupRequest::Checkpoint(_));
    program.ask_all();
    program.wait();
    assert!(program.ask_all().iter().any(is_keep));
    // At its bound, the log has no other mark before a value is kept.
    program.hear(Question::Keep, Err(Unavailable::Unknown("lost".to_owned())));
    for _ in 0..4 {
        if program.ask_all().iter().any(is_keep) {
            return program.hear(Question::Keep, Ok(GroupAnswer::Kept(Kept { kept: None })));
        }
        program.wait();
    }
    panic!("it was never brought again");
}

#[test]
fn who_is_refused_for_want_of_a_kept_value_reads_on_and_brings_it() {
    let mut program = Program::that_keeps(true);
    let log = pushes(program.seen(), &many());
    program.begin(log[..2].to_vec());
    let told = program.push(7);
    assert!(matches!(program.ask_all()[..], [GroupRequest::Propose(_), ..]));
    program.hear(Question::Propose, refused(GroupRefusal::Full));
    program.wait();
    let asked = program.ask_all();
    let is_fetch = |request: &GroupRequest| match request {
        GroupRequest::Follow(follow) => follow.wait_ms == 0,
        GroupRequest::Found(_)
        | GroupRequest::Propose(_)
        | GroupRequest::Checkpoint(_)
        | GroupRequest::Dispute(_)
        | GroupRequest::Leave(_) => false,
    };
    assert!(asked.iter().any(is_fetch), "{asked:?}");
    program.hear(Question::Fetch, page(log[2..].to_vec()));
    for _ in 0..40 {
        if program.ask_all().iter().any(|it| matches!(it, GroupRequest::Checkpoint(_))) {
            assert!(told.lock().unwrap().is_none(), "its push waits");
            return;
        }
        program.hear(Question::Propose, refused(GroupRefusal::Full));
        program.hear(Question::Fetch, page(Vec::new()));
        program.wait();
    }
    panic!("it keeps nothing");
}

#[test]
fn what_was_refused_until_its_time_was_over_was_not_done_and_is_not_proposed_again() {
    for answer in [refused(GroupRefusal::Full), Err(Unavailable::Refused("not sent".to_owned()))] {
        let mut program = Program::new();
        program.begin(Vec::new());
        let told = program.push(7);
        let is_propose = |request: &GroupRequest| matches!(request, GroupRequest::Propose(_));
        assert!(program.ask_all().iter().any(is_propose));
        program.hear(Question::Propose, answer);
        while told.lock().unwrap().is_none() {
            program.wait();
        }
        let told = told.lock().unwrap().take();
        let Some(Err(Error::TimedOut { why })) = told else { panic!("nothing, and not {told:?}") };
        assert!(why.contains("full") || why.contains("not sent"), "{why}");
        program.now = program.now + Micros::from_millis(9_000);
        program.replica.handle_time(program.now);
        assert!(!program.ask_all().iter().any(is_propose));
    }
}

#[test]
fn an_older_word_about_what_is_kept_is_looked_into_before_the_copy_is_taken_anew() {
    let told = |kept| {
        let page = GroupPage { base: None, entries: Vec::new(), head: Version(4), kept };
        Ok(GroupAnswer::Page(page))
    };
    for (kept, resyncs) in [(Some(kept_at(8)), 0), (None, 1)] {
        let mut program = Program::new();
        program.ask();
        let at = Seen { version: Version(4), ..program.seen() };
        let base = Some(Base { at, value: Some(Blob::of(&List::default())) });
        let known = Some(kept_at(8));
        let begun = GroupPage { base, entries: Vec::new(), head: Version(4), kept: known };
        program.hear(Question::Fetch, Ok(GroupAnswer::Page(begun)));
        program.ask_all();
        program.hear(Question::Follow, told(None));
        assert_eq!(program.replica.counts().resyncs, 0, "it may have been on its way for long");
        let asked = program.ask().expect("it asks at once").kind;
        assert_eq!(asked, Question::Fetch);
        program.hear(Question::Fetch, told(kept));
        assert_eq!(program.replica.counts().resyncs, resyncs);
    }
}

#[test]
fn who_can_not_wait_for_what_comes_proposes_nevertheless_at_once() {
    let mut program = Program::new();
    program.begin(Vec::new());
    program.ask_all();
    let full = "there is no room for one more who waits";
    program.hear(Question::Follow, Err(Unavailable::Refused(full.to_owned())));
    assert!(program.ask_all().is_empty(), "it does not ask for it again at once");
    program.push(7);
    assert!(matches!(program.ask_all()[..], [GroupRequest::Propose(_)]));
    program.hear(Question::Propose, refused(GroupRefusal::TooLarge));
    assert!(program.ask_all().is_empty(), "nor now");
    program.wait();
    assert!(matches!(program.ask_all()[..], [GroupRequest::Follow(_)]));
}

#[test]
fn a_full_log_has_its_value_brought_however_little_has_come_since_the_last_one() {
    let mut program = Program::that_keeps(true);
    program.begin(pushes(program.seen(), &[1, 2, 3, 4]));
    program.push(7);
    for _ in 0..40 {
        if program.ask_all().iter().any(|it| matches!(it, GroupRequest::Checkpoint(_))) {
            return;
        }
        program.hear(Question::Propose, refused(GroupRefusal::Full));
        program.hear(Question::Fetch, page(Vec::new()));
        program.wait();
    }
    panic!("it keeps nothing");
}
