//! The golden vectors: every message as bytes beside a readable twin, the same for every language.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use protocol::{
    Ack, Base, Board, BossCard, BossId, BossUpdate, Checkpoint, Claim, Credit, Dispute, DoorAnswer,
    DoorRequest, Edit, Enter, EnterAnswer, Entry, EntryError, ExecutorId, Follow, Found, Founded,
    Gen, GroupAnswer, GroupEntry, GroupName, GroupPage, GroupRefusal, GroupRequest, Hello, Hit,
    InputSeq, Interval, Introduce, Introduced, Join, JoinAnswer, JournalId, Kept, KeptMark,
    LateLine, Leave, Line, LogPage, Mark, Numbered, OpenJournal, PROTOCOL, PlayerId, PlayerMessage,
    Progress, Propose, ProposeVerdict, Proposed, Push, PushAnswer, ReadLog, Refusal, RefusalReason,
    Refused, Reign, RewardId, Scenario, SchemaHash, Secret, Seen, Settle, SettleAnswer, SettleStep,
    SettleVerdict, ShardId, ShardMessage, Share, Shares, SharesAnswer, SkillId, Snapshot, Spawn,
    SpawnAnswer, Spoils, Standing, Standings, State, StateHash, Status, Step, SyncAnswer,
    SyncRequest, Tally, Term, Tick, Token, Truth, Unavailable, Verdict, Welcome, decode_record,
    encode_record,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;
use ucore::prelude::*;
use ucore::{Bin, Blob, Chain, GMapDelta, Max, UMap, UVec, Version, WriterId, plan};

/// Compares a value with its files, and writes what it should be when they differ.
fn check<T: Serialize>(name: &str, value: &T, bytes: &[u8]) {
    let packed = is_in(&format!("{name}.msgpack"), bytes);
    let readable = is_in(&format!("{name}.json"), readable(value).as_bytes());
    assert!(packed && readable, "golden vector `{name}` {CHANGED}");
}

const CHANGED: &str = "has changed and was written anew: look at the difference";

fn readable<T: Serialize>(value: &T) -> String {
    format!("{}\n", serde_json::to_string_pretty(value).unwrap())
}

/// Whether a golden file has these bytes. If not, it has them now.
fn is_in(file: &str, bytes: &[u8]) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(file);
    let same = std::fs::read(&path).is_ok_and(|found| found == bytes);
    if !same {
        std::fs::write(&path, bytes).unwrap();
    }
    same
}

fn player(name: &str, message: &PlayerMessage) {
    let bytes = ucore::encode(message);
    check(name, message, &bytes);
    assert_eq!(PlayerMessage::decode(&bytes).as_ref(), Ok(message));
}

fn shard(name: &str, message: &ShardMessage) {
    let bytes = ucore::encode(message);
    check(name, message, &bytes);
    assert_eq!(ShardMessage::decode(&bytes).as_ref(), Ok(message));
}

fn token() -> Token {
    Token(Bin(std::array::from_fn(|idx| u8::try_from(idx).unwrap())))
}

#[test]
fn what_players_say_has_these_bytes() {
    let name = "Ada".to_owned();
    let hello = Hello { protocol: PROTOCOL, name, session: None, every: 1 };
    player("hello", &PlayerMessage::Hello(hello.clone()));
    let resume = Hello { session: Some(token()), every: 0, ..hello };
    player("hello-resume", &PlayerMessage::Hello(resume));
    let hit = Hit { generation: Gen(3), seq: InputSeq(300), skill: SkillId(1) };
    player("hit", &PlayerMessage::Hit(hit));
}

const STATE: State = State {
    tick: Tick(4_002),
    version: Version(123_456),
    generation: Gen(3),
    status: Status::Alive,
    phase: 1,
    hp_max: 50_000_000,
    hp: 31_415_926,
    predicted: 31_415_000,
    rate: 240_000,
    age_ms: 104,
    counted: Tick(4_001),
    players: 2_000,
    tick_ms: 100,
};

#[test]
fn what_shards_say_has_these_bytes() {
    let tally = Tally { generation: Gen(3), hits: 12, damage: 70_000, late: 0 };
    let last = Tally { generation: Gen(2), hits: 1, damage: 100, late: 100 };
    let welcome = Welcome {
        session: token(),
        player: PlayerId(ucore::INT_MAX),
        resumed: true,
        shard: ShardId(1),
        tick_ms: 100,
        tick: Tick(4_000),
        generation: Gen(3),
        seq: InputSeq(300),
        tallies: [last, tally].into_iter().collect(),
    };
    shard("welcome", &ShardMessage::Welcome(welcome));
    let refused = vec![Refusal { seq: InputSeq(302), reason: RefusalReason::Rate }];
    let (tick, seq) = (Tick(4_001), InputSeq(302));
    let tallies = [tally].into_iter().collect();
    shard("ack", &ShardMessage::Ack(Ack { tick, seq, tallies, refused, folded: false }));
    shard("state", &ShardMessage::State(STATE));
    let before = State { tick: Tick(4_001), hp: 31_440_000, status: Status::Alive, ..STATE };
    shard("change", &ShardMessage::Change(STATE.since(&before)));
    let spec = Scenario::parse(Scenario::default_text()).unwrap().spec;
    shard("boss", &ShardMessage::Boss(BossCard { generation: Gen(3), spec }));
    shard("board", &ShardMessage::Board(board()));
    let share = Share {
        player: PlayerId(7),
        rank: 2,
        damage: 9_000_000,
        credit: 8_910_891,
        rewards: vec![RewardId(1), RewardId(2)],
    };
    let spoils = Spoils { generation: Gen(2), share, players: 2_000 };
    shard("spoils", &ShardMessage::Spoils(spoils));
}

fn board() -> Board {
    let standing = |player, name: &str, damage| Standing {
        player: PlayerId(player),
        name: name.to_owned(),
        damage,
    };
    let mark = |rank, damage| Mark { rank, damage };
    Board {
        generation: Gen(3),
        players: 2_000,
        top: vec![standing(9, "Grace", 90_000), standing(7, "Ada", 70_000)],
        marks: vec![mark(11, 50_000), mark(13, 41_000), mark(2_000, 100)],
    }
}

const TERM: Term = Term { number: 2, executor: ExecutorId(Bin([0xee; 16])) };

fn settled(step: Step) -> BossUpdate {
    BossUpdate::Settle { generation: Gen(1), term: TERM.number, step }
}

fn credit(player: u64, credit: u64) -> Credit {
    Credit { player: PlayerId(player), damage: credit + 10, credit }
}

#[test]
fn the_entries_of_a_log_have_these_fields_blobs_and_chains() {
    let journal = JournalId(Bin([0xab; 16]));
    let parent = Some(JournalId(Bin([0x01; 16])));
    let generation = Gen(1);
    let spec = Box::new(Scenario::parse(Scenario::default_text()).unwrap().spec);
    let players = GMapDelta::line(PlayerId(7), Max::of(150));
    let names = [(PlayerId(7), "Ada".to_owned())].into();
    let interval = Interval { generation, from: 100, to: 250, players, names };
    let updates = [
        BossUpdate::Spawn { generation, term: 0, spec },
        BossUpdate::Join { journal, shard: ShardId(1), parent, inherits: true },
        BossUpdate::Enter { journal, generation },
        BossUpdate::Push {
            journal,
            interval: interval.clone(),
            last: false,
            phase: Some(1),
            death: false,
        },
        BossUpdate::Late { journal, interval, last: true },
        BossUpdate::Term(TERM),
        settled(Step::Collect),
        settled(Step::Wait),
        settled(Step::Close(TRUTH.seen())),
        settled(Step::Credit(vec![credit(9, 30_000_000), credit(7, 20_000_000)])),
        settled(Step::Reward([(PlayerId(7), vec![RewardId(1), RewardId(3)])].into())),
    ];
    let (mut version, mut chain) = (Version(0), Chain::START);
    let mut entries = Vec::new();
    for update in updates {
        let entry = Entry::after(version, chain, &update);
        assert_eq!(entry.follow(version, chain), Ok(update));
        (version, chain) = (entry.version, entry.chain);
        entries.push(entry);
    }
    // A changed, a missing and a repeated entry are each told from what belongs there.
    let mut changed = entries[1].clone();
    changed.fields = changed.fields.replace("s=1", "s=2");
    let at = (entries[0].version, entries[0].chain);
    assert_eq!(changed.follow(at.0, at.1), Err(EntryError::Chain));
    let misplaced = |found: usize| {
        Err(EntryError::Version { expected: Version(2), found: entries[found].version })
    };
    assert_eq!(entries[2].follow(at.0, at.1), misplaced(2));
    assert_eq!(entries[0].follow(at.0, at.1), misplaced(0));
    check("log", &entries, &encode_record(&entries));
    assert_eq!(decode_record::<Vec<Entry>>(&encode_record(&entries)).as_ref(), Ok(&entries));
}

/// A request or an answer of the sync service, with its number.
fn sync<T>(name: &str, number: u64, body: T)
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let wrapped = Numbered::wrap(number, &encode_record(&body));
    let message = Numbered { number, body };
    let bytes = encode_record(&message);
    check(name, &message, &bytes);
    assert_eq!(wrapped, bytes, "{name}");
    assert_eq!(decode_record::<Numbered<T>>(&bytes).as_ref(), Ok(&message), "{name}");
}

/// The only answer to a request that has one.
fn answered(name: &str, number: u64, answer: SyncAnswer) {
    sync::<Result<SyncAnswer, Unavailable>>(name, number, Ok(answer));
}

const TRUTH: Truth = Truth {
    version: Version(4),
    chain: Chain(Bin([0xcc; 20])),
    generation: Gen(1),
    hp_max: 50_000_000,
    damage: 150,
    status: Status::Alive,
    phase: 0,
    players: 2_000,
    waited: 0,
};

#[test]
fn what_is_asked_of_an_authority_has_these_bytes() {
    let (boss, generation) = (BossId(1), Gen(1));
    let (journal, parent) = (JournalId(Bin([0xab; 16])), JournalId(Bin([0x01; 16])));
    let spec = Box::new(Scenario::parse(Scenario::default_text()).unwrap().spec);
    sync("sync-spawn", 1, SyncRequest::Spawn(Spawn { boss, spec }));
    let players = GMapDelta::line(PlayerId(7), Max::of(150));
    let names = [(PlayerId(7), "Ada".to_owned())].into();
    let interval = Interval { generation, from: 0, to: 150, players, names };
    let rest = Interval { from: 100, names: [].into(), ..interval.clone() };
    let lineage = vec![Claim { journal: parent, rests: vec![rest] }];
    sync("sync-join", 2, SyncRequest::Join(Join { boss, journal, shard: ShardId(1), lineage }));
    sync("sync-enter", 3, SyncRequest::Enter(Enter { boss, journal, generation }));
    let seen = TRUTH.seen();
    let push = Push { boss, journal, interval, last: false, online: 12, seen, standings: 0 };
    sync("sync-push", 300, SyncRequest::Push(push));
    sync("sync-truth", 5, SyncRequest::Truth(boss));
    let page = ReadLog { boss, after: Version(4), wait_ms: 30_000 };
    sync("sync-read", 6, SyncRequest::ReadLog(page));
    sync("sync-bosses", 7, SyncRequest::Bosses);
    let (executor, suspects) = (TERM.executor, vec![parent]);
    let reign = Reign { boss, executor, supersedes: Some(1), suspects };
    sync("sync-reign", 10, SyncRequest::Reign(reign));
    let settle = Settle { boss, term: TERM, at: DEAD.stage(), step: SettleStep::Collect };
    sync("sync-settle", 11, SyncRequest::Settle(settle));
    let players = vec![PlayerId(7), PlayerId(8)];
    sync("sync-shares", 12, SyncRequest::Shares(Shares { boss, generation, players }));
}

const DEAD: Truth = Truth { damage: 50_000_020, status: Status::Defeated, waited: 0, ..TRUTH };

#[test]
fn what_an_authority_answers_has_these_bytes() {
    let spec = || Box::new(Scenario::parse(Scenario::default_text()).unwrap().spec);
    answered("sync-spawned", 1, SyncAnswer::Spawn(SpawnAnswer::Begun(TRUTH)));
    let line = Line { player: PlayerId(7), total: 50 };
    let late = vec![LateLine { generation: Gen(1), line }];
    let joined = JoinAnswer::Joined { inherits: true, late, spec: spec(), truth: TRUTH };
    answered("sync-joined", 2, SyncAnswer::Join(joined));
    let journal = JournalId(Bin([0x01; 16]));
    let gap = JoinAnswer::Gap { journal, generation: Gen(1), applied: 50 };
    answered("sync-join-gap", 2, SyncAnswer::Join(gap));
    answered("sync-join-fenced", 2, SyncAnswer::Join(JoinAnswer::Fenced));
    let entered = EnterAnswer::Entered { spec: spec(), truth: TRUTH };
    answered("sync-entered", 3, SyncAnswer::Enter(entered));
    let (verdict, applied) = (Verdict::Counted, 150);
    let mut pushed = PushAnswer {
        verdict,
        applied,
        late: Vec::new(),
        rolled_back: false,
        standings: None,
        truth: TRUTH,
    };
    answered("sync-pushed", 300, SyncAnswer::Push(pushed.clone()));
    let standing = Standing { player: PlayerId(7), name: "Ada".to_owned(), damage: 150 };
    let marks = vec![Mark { rank: 11, damage: 20 }];
    let board = Board { generation: Gen(1), players: 11, top: vec![standing], marks };
    let suspects = vec![JournalId(Bin([0x01; 16]))];
    pushed.standings = Some(Box::new(Standings { number: 9, board, suspects }));
    answered("sync-pushed-standings", 301, SyncAnswer::Push(pushed));
    answered("sync-truth-is", 5, SyncAnswer::Truth(TRUTH));
    let mut base = Snapshot::default();
    let update = BossUpdate::Spawn { generation: Gen(1), term: 0, spec: spec() };
    base.follow(&Entry::after(base.version, base.chain, &update)).unwrap();
    let (journal, shard) = (JournalId(Bin([0xab; 16])), ShardId(1));
    let join = BossUpdate::Join { journal, shard, parent: None, inherits: false };
    let entries = vec![Entry::after(base.version, base.chain, &join)];
    let page = LogPage { base: Some(Box::new(base)), entries };
    answered("sync-page", 6, SyncAnswer::ReadLog(page));
    answered("sync-bosses-are", 7, SyncAnswer::Bosses(vec![BossId(1), BossId(2)]));
    let missing: Result<SyncAnswer, _> = Err(Unavailable::NoBoss(BossId(9)));
    sync("sync-no-boss", 8, missing);
    let why = "this service is stopping; ask again later".to_owned();
    let refused: Result<SyncAnswer, _> = Err(Unavailable::Refused(why));
    sync("sync-refused", 9, refused);
    let (journal, polls) = (JournalId(Bin([0xab; 16])), 12);
    let open = vec![OpenJournal { journal, heard: 11 }];
    let progress = Progress { term: TERM, polls, spec: spec(), open, truth: DEAD };
    answered("sync-progress", 10, SyncAnswer::Reign(progress.clone()));
    let verdict = SettleVerdict::Done;
    answered("sync-settled", 11, SyncAnswer::Settle(SettleAnswer { verdict, progress }));
    let (player, rewards) = (PlayerId(7), vec![RewardId(1)]);
    let share = Share { player, rank: 2, damage: 20_000_010, credit: 20_000_000, rewards };
    let shared = SharesAnswer::Shared { shares: vec![share], players: 2 };
    answered("sync-shared", 12, SyncAnswer::Shares(shared));
}

/// A board, and the ranks of some damages on it.
#[derive(Serialize)]
struct Ranks {
    board: Board,
    ranks: BTreeMap<u64, u32>,
}

/// Players from 1 on have these damages.
fn ranks(top: &[u64], marks: &[(u32, u64)], damages: &[u64]) -> Ranks {
    let standings = (1..).zip(top).map(|(id, damage)| {
        let (player, name) = (PlayerId(id), format!("player {id}"));
        Standing { player, name, damage: *damage }
    });
    let top: Vec<_> = standings.collect();
    let marks: Vec<_> =
        marks.iter().map(|(rank, damage)| Mark { rank: *rank, damage: *damage }).collect();
    let players = marks.last().map_or(u32::try_from(top.len()).unwrap(), |last| last.rank);
    let board = Board { generation: Gen(1), players, top, marks };
    let ranks = damages.iter().map(|damage| (*damage, board.rank(*damage))).collect();
    Ranks { board, ranks }
}

#[test]
fn everybody_finds_the_same_rank_in_every_language() {
    let best = [1_000, 990, 980, 970, 960, 950, 940, 930, 920, 910];
    let marks = [(11, 900), (50, 100), (2_000, 10)];
    let below = [1_001, 1_000, 999, 910, 909, 900, 899, 100, 99, 10, 9, 0];
    let cases = [
        ranks(&[], &[], &[0, 1]),
        ranks(&[300, 200], &[], &[301, 300, 250, 200, 199]),
        ranks(&[50, 50, 50], &[], &[51, 50, 49]),
        ranks(&[ucore::INT_MAX], &[], &[ucore::INT_MAX, ucore::INT_MAX - 1]),
        ranks(&best, &marks, &below),
    ];
    assert!(is_in("ranks.json", readable(&cases).as_bytes()), "golden vector `ranks` {CHANGED}");
}

/// A state, and its HP some milliseconds later.
#[derive(Serialize)]
struct Reckoned {
    hp: u64,
    rate: u64,
    status: Status,
    hp_after: BTreeMap<u64, u64>,
}

#[test]
fn everybody_reckons_the_same_in_every_language() {
    let reckoned = |hp, rate, status| {
        let state = State { hp, rate, status, ..STATE };
        let hp_after = [0, 1, 7, 100, 999, 1_000, 1_499, 1_500, 1_501, 60_000];
        let hp_after = hp_after.into_iter().map(|ms| (ms, state.hp_after(ms))).collect();
        Reckoned { hp, rate, status, hp_after }
    };
    let cases = [
        reckoned(STATE.hp, STATE.rate, Status::Alive),
        reckoned(50, 33, Status::Alive),
        reckoned(1_000, 1_001, Status::Alive),
        reckoned(1, 1_000, Status::Alive),
        reckoned(0, 1_000, Status::Alive),
        reckoned(1 << 52, 0, Status::Alive),
        reckoned(1_000, 500, Status::Defeated),
    ];
    let same = is_in("reckoning.json", readable(&cases).as_bytes());
    assert!(same, "golden vector `reckoning` {CHANGED}");
}

fn group(name: &str, message: &GroupRequest) {
    let bytes = ucore::encode(message);
    check(name, message, &bytes);
    assert_eq!(GroupRequest::decode(&bytes).as_ref(), Ok(message));
}

fn group_answer(name: &str, message: &GroupAnswer) {
    let bytes = ucore::encode(message);
    check(name, message, &bytes);
    assert_eq!(GroupAnswer::decode(&bytes).as_ref(), Ok(message));
}

fn notes() -> (GroupName, SchemaHash) {
    (GroupName("demo/notes".to_owned()), SchemaHash::of::<UMap<i32, UVec<String>>>())
}

/// The first edit of a map of lists: a line, and a word in it.
fn first_edit() -> Edit {
    let notes = plan::<UMap<i32, UVec<String>>>();
    let updates = vec![notes.insert(1, UVec::default()), notes.at(1).push("hello".to_owned())];
    let writer = WriterId(Bin([0xaa; 16]));
    Edit { writer, seq: 1, ordered: true, updates: Blob::of(&updates) }
}

#[test]
fn what_is_asked_of_shared_structures_has_these_bytes() {
    let (group_name, schema) = notes();
    let (edit, start) = (first_edit(), schema.start());
    let name = || group_name.clone();
    group("group-found", &GroupRequest::Found(Found { group: name(), schema, create: true }));
    let propose = Propose { group: name(), schema, edit, expect: Some(Version(0)), seen: start };
    group("group-propose", &GroupRequest::Propose(propose));
    let (seen, distrust) = (Some(start), Some(Version(1_024)));
    let follow = Follow { group: name(), schema, seen, distrust, wait_ms: 25_000 };
    group("group-follow", &GroupRequest::Follow(follow));
    let follow = Follow { group: name(), schema, seen: None, distrust: None, wait_ms: 0 };
    group("group-join", &GroupRequest::Follow(follow));
    let value = Blob::of(&UMap::<i32, UVec<String>>::default());
    let checkpoint = Checkpoint {
        group: name(),
        schema,
        keeper: WriterId(Bin([0xbb; 16])),
        at: Seen { version: Version(1_024), chain: Chain(Bin([0xcc; 20])) },
        hash: StateHash::of_bytes(&value),
        value,
    };
    group("group-checkpoint", &GroupRequest::Checkpoint(checkpoint));
    let dispute = Dispute { group: name(), schema, version: Version(1_024) };
    group("group-dispute", &GroupRequest::Dispute(dispute));
    let writer = WriterId(Bin([0xaa; 16]));
    group("group-leave", &GroupRequest::Leave(Leave { group: name(), writer }));
    let request = SyncRequest::Group(GroupRequest::Leave(Leave { group: name(), writer }));
    sync("sync-group", 7, request);
    let introduce = DoorRequest::Introduce(Introduce { secret: Secret(Bin([0xdd; 16])) });
    let bytes = ucore::encode(&introduce);
    check("group-introduce", &introduce, &bytes);
    assert_eq!(DoorRequest::decode(&bytes), Ok(introduce));
}

#[test]
fn what_is_answered_about_shared_structures_has_these_bytes() {
    let (_, schema) = notes();
    let entry = GroupEntry::after(schema.start(), &first_edit());
    assert_eq!(entry.follow(schema.start()), Ok(first_edit()));
    group_answer("group-founded", &GroupAnswer::Founded(Founded { head: schema.start() }));
    let kept = KeptMark { version: Version(1_024), hash: StateHash(Bin([0xee; 8])) };
    let head = Version(1);
    let page = GroupPage { base: None, entries: vec![entry], head, kept: None };
    let (verdict, version) = (ProposeVerdict::Committed, Version(1));
    let proposed = Proposed { verdict, version, want: 0, page };
    group_answer("group-proposed", &GroupAnswer::Proposed(proposed));
    let value = Some(Blob::of(&UMap::<i32, UVec<String>>::default()));
    let at = Seen { version: Version(1_024), chain: Chain(Bin([0xcc; 20])) };
    let base = Some(Base { at, value });
    let page = GroupPage { base, entries: Vec::new(), head: Version(1_024), kept: Some(kept) };
    group_answer("group-page", &GroupAnswer::Page(page));
    group_answer("group-kept", &GroupAnswer::Kept(Kept { kept: Some(kept) }));
    let refused = Refused { why: GroupRefusal::Schema };
    group_answer("group-refused", &GroupAnswer::Refused(refused));
    let writer = Secret(Bin([0xdd; 16])).writer();
    let introduced = DoorAnswer::Introduced(Introduced { writer });
    let bytes = ucore::encode(&introduced);
    check("group-introduced", &introduced, &bytes);
    assert_eq!(DoorAnswer::decode(&bytes), Ok(introduced));
}
