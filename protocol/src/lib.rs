//! Every message, its limits, and the boss as an Updatable: what all sides must agree on.
//!
//! This crate is the only one that turns messages into bytes and back. It is pure: no socket, no
//! clock, no random source. What a hit *does* is not here: those rules belong to the authority.

mod ids;
pub mod limits;
mod codec;
mod message;
mod reckoning;
mod spec;
mod scenario;
mod sync;
mod request;
mod numbered;
mod executor;
mod damage;
mod settlement;
mod life;
mod boss;
mod update;
mod entry;
mod board;
mod fame;
mod ledger;
mod door;
mod feed;
mod group;
pub mod mutants;
mod room;

pub use board::{Board, Mark, Share, Standing, Standings};
pub use boss::{Boss, JournalRecord};
pub use codec::{RecordError, decode_record, encode_record};
pub use damage::{JournalDamage, JournalDamageDelta};
pub use door::{DoorAnswer, DoorRequest, Introduce, Introduced, Secret};
pub use entry::{Entry, EntryError};
pub use executor::{
    OpenJournal, Progress, Reign, Settle, SettleAnswer, SettleStep, SettleVerdict, Shares,
    SharesAnswer, Stage,
};
pub use fame::{Fallen, Fame, Profile};
pub use feed::{FeedEvent, Happened, Hurt, Named, Winner};
pub use group::{
    Base, Checkpoint, Dispute, Edit, Follow, Found, Founded, GroupAnswer, GroupEntry, GroupName,
    GroupPage, GroupRefusal, GroupRequest, Kept, KeptMark, Leave, Propose, ProposeVerdict,
    Proposed, Refused, SchemaHash, StateHash,
};
pub use ids::{
    BossId, ExecutorId, Gen, InputSeq, JournalId, Micros, PlayerId, RewardId, SessionId, ShardId,
    SkillId, Tick, Token,
};
pub use ledger::{Ledger, LedgerGeneration, LedgerJournal, LedgerPlayer};
pub use life::{Life, Status};
pub use message::{
    Ack, BossCard, CloseCode, Hello, Hit, MessageError, PlayerMessage, Refusal, RefusalReason,
    ShardMessage, Spoils, State, StateUpdate, Tallies, Tally, Welcome,
};
pub use numbered::Numbered;
pub use request::{Spawn, SpawnAnswer, SyncAnswer, SyncRequest, Unavailable};
pub use room::{
    CallKind, CallOut, Marker, MarkerKind, RoomNote, WarRoom, WarRoomOps, WarRoomUpdate,
};
pub use scenario::{Scenario, ScenarioError};
pub use settlement::{Credit, Grants, Settlement, Step, Term};
pub use spec::{BossSpec, Missing, Phase, Reward, Skill, Timing};
pub use sync::{
    Claim, Enter, EnterAnswer, FollowError, Interval, Join, JoinAnswer, LateLine, Line, LogPage,
    Push, PushAnswer, ReadLog, Seen, Snapshot, Truth, Verdict,
};
pub use update::BossUpdate;

/// The version of the player's protocol. A shard speaks exactly one.
pub const PROTOCOL: u16 = 4;

/// The WebSocket sub-protocol that names [`PROTOCOL`].
pub const SUBPROTOCOL: &str = "worldboss.v4";

/// The WebSocket sub-protocol of the sync service.
pub const SYNC_SUBPROTOCOL: &str = "worldboss.sync.v3";

/// The WebSocket sub-protocol of the door by which pages reach shared structures.
pub const GROUPS_SUBPROTOCOL: &str = "worldboss.groups.v1";

/// Where that door is.
pub const GROUPS_PATH: &str = "/groups";

/// Where the sync service is, when an address names no path.
pub const SYNC_PATH: &str = "/sync";
