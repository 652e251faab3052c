//! Every bound, and what happens when it is reached.

/// Bytes of a message from a player. Longer: the connection closes with 1009.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024;

/// A value that nests as deep as this is not decoded.
pub const DEPTH_MAX: usize = 16;

/// Characters of a player's name. Longer: close code 4005.
pub const NAME_CHARS_MAX: usize = 24;

/// Milliseconds from the upgrade to the end of Hello. Later: close code 4001.
pub const HELLO_MS_MAX: u64 = 5_000;

/// Milliseconds that the peer of a closing connection has to answer. Then it is cut.
pub const CLOSE_MS_MAX: u64 = 2_000;

/// Open player connections of a shard. More: the upgrade is answered with 503 and Retry-After.
pub const CONNECTIONS_MAX: usize = 20_000;

/// Sessions that a shard remembers. More: the one away for longest is forgotten; if none is away,
/// the newcomer is closed with 1013.
pub const SESSIONS_MAX: usize = 50_000;

/// Messages that one connection may send within one tick. More: close code 4008.
pub const INPUTS_PER_TICK_MAX: usize = 64;

/// Refusals that wait for a connection which does not read. More: close code 1013.
pub const REFUSALS_WAITING_MAX: usize = 256;

/// Milliseconds of the shortest tick.
pub const TICK_MS_MIN: u16 = 20;

/// Milliseconds of the longest tick, also of a shard that is overloaded.
pub const TICK_MS_MAX: u16 = 1_000;

/// Generations for which a session keeps its tally. Older tallies are dropped.
pub const TALLIES_MAX: usize = 4;

/// Most ticks between two state frames that a client may ask for.
pub const FRAME_EVERY_MAX: u8 = 50;

/// Milliseconds after which a client gets a state frame, whether or not there is anything to see.
pub const FRAME_GAP_MS_MAX: u64 = 1_000;

/// Milliseconds for which a client reckons on from a state. Then the bar stands still.
pub const RECKON_MS_MAX: u64 = 1_500;

/// Ticks whose states a shard remembers, to know what a client sees that has one of them. Who has
/// an older one gets the next state.
pub const RECKONED_TICKS_MAX: usize = 64;

/// Bytes that wait in the outbox of a connection which does not read. Beyond: it skips state
/// frames and boards; a control frame beyond it closes the connection.
pub const OUTBOX_BYTES_MAX: usize = 16 * 1024;

/// Commands that wait for a worker. Full: the sender waits.
pub const WORKER_COMMANDS_MAX: usize = 1_024;

/// Requests that wait for the embedded authority's thread. Full: the sender waits.
pub const AUTHORITY_REQUESTS_MAX: usize = 1_024;

/// Requests that share one synced commit of the embedded authority.
pub const COMMIT_REQUESTS_MAX: usize = 256;

/// HP of a boss: half of what an integer may be, so that overkill always has room.
pub const HP_MAX: u64 = 1 << 52;

/// Bytes that a connection may send within one tick. More: close code 4008.
pub const INPUT_BYTES_PER_TICK_MAX: usize = 16 * 1024;

/// Bytes of a closing connection that are read and thrown away, so that its last words arrive.
pub const LINGER_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a scenario file. Longer: refused.
pub const SCENARIO_BYTES_MAX: usize = 64 * 1024;

/// Phases of a scenario. More: refused.
pub const PHASES_MAX: usize = 16;

/// Skills of a scenario. More: refused.
pub const SKILLS_MAX: usize = 32;

/// Rewards of a scenario. More: refused.
pub const REWARDS_MAX: usize = 16;

/// Closed generations whose whole log and books an authority keeps. Of older ones, the hall of fame
/// and players' profiles tell.
pub const KEEP_GENERATIONS: u32 = 2;

/// Generations in the hall of fame. More: the oldest is forgotten.
pub const HALL_MAX: usize = 256;

/// Players whose profiles a boss keeps. More: those who were away for longest are forgotten, among
/// them those with the least damage. Every snapshot of the boss has them all, some 50 bytes each.
pub const PROFILES_MAX: usize = 100_000;

/// Bosses whose folds a port keeps for those who read their books. More: the one that was asked for
/// longest ago is folded anew when somebody asks.
pub const BOOKS_MAX: usize = 64;

/// Players on the leaderboard, and in a line of the hall of fame. Further ones find their rank by
/// the marks.
pub const TOP_MAX: usize = 10;

/// Ranks below the leaderboard's players whose damage it tells. Whoever is between two of them is
/// told the lower one.
pub const MARKS_MAX: usize = 64;

/// Journals that the leaderboard names as suspects. Further ones are not named.
pub const SUSPECTS_MAX: usize = 256;

/// Older generations of which an authority keeps the books of journals that have not said all.
/// More: the oldest is forgotten, and what a journal still brings for it is recorded nowhere.
pub const REMAINS_MAX: usize = 64;

/// Journals that an authority remembers for one boss. More: joins are refused. Sealed ones go
/// with their generations; one whose disk was lost stays.
pub const JOURNALS_MAX: usize = 65_536;

/// Journals before its own that a shard keeps, to tell an authority that was rolled back. More: the
/// oldest is forgotten; what it had pushed stays counted unless that very roll-back comes.
pub const LINEAGE_MAX: usize = 16;

/// Players with damage in one generation on one shard. More: the newcomer's hits are refused.
pub const PLAYERS_MAX: usize = 1_000_000;

/// Entries of one page of a log.
pub const LOG_PAGE_ENTRIES_MAX: usize = 512;

/// Bytes of the entries of one page of a log. The entry that reaches it is the page's last.
pub const LOG_PAGE_BYTES_MAX: usize = 1024 * 1024;

/// Milliseconds that reading a log may wait for its next entry. A longer wait is cut to this.
pub const READ_WAIT_MS_MAX: u32 = 30_000;

/// Reads of logs in Redis, each on a connection of its own, and as many that wait for their next
/// entry. More: those that wait are refused, the others queue for a while.
pub const REDIS_READERS_MAX: usize = 64;

/// Groups in Redis whose next entries one process waits for, each on a connection of its own. More:
/// whoever waits for another one is refused.
pub const REDIS_GROUP_READERS_MAX: usize = 256;

/// Log entries in Redis between two values that are kept, so that whoever folds the log next begins
/// at the newest one.
pub const REDIS_FOLD_ENTRIES_MAX: u64 = 10_000;

/// Replicas' milliseconds to have what an executor is told. Longer: it is told that nobody knows
/// what became of it, and no step is taken before they have it.
pub const REDIS_STABLE_MS_MAX: u64 = 1_000;

/// Recent versions whose chain an authority can compare with a shard's. Older ones pass.
pub const CHAINS_MAX: usize = 4_096;

/// Positions that the event feed remembers, to find how far a roll-back reaches. Further: it tells
/// everything anew, from the oldest entry that can be shown.
pub const FEED_POSITIONS_MAX: usize = 65_536;

/// Tick records of a journal between two checkpoints.
pub const JOURNAL_RECORDS_MAX: u32 = 256;

/// Log entries of the embedded authority between two snapshots, as long as they have fewer bytes
/// than the last snapshot: a large one is not written again for a few entries.
pub const SNAPSHOT_ENTRIES_MAX: u64 = 1_024;

/// Ticks whose totals a shard remembers to tell which tick is counted. More: they are merged.
pub const TICKS_UNCOUNTED_MAX: usize = 1_024;

/// Bytes of one WebSocket frame of the sync service, so that no header reserves more. Longer: the
/// connection closes with 1009. Longer messages travel in several frames.
pub const SYNC_FRAME_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a whole message of the sync service. The longest push has 125 MB: a million players,
/// each with an id, a total, and a new name of 24 characters of 4 bytes. This is twice as much,
/// for what a join brings of two generations, and for snapshots. A longer request is not sent, or
/// closes the connection with 1009; a longer answer is refused in words.
pub const SYNC_MESSAGE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Bytes of all messages that a sync service holds, coming and going, and of all answers that a
/// door holds. Beyond: a request of more than [`SYNC_SPARED_BYTES_MAX`] closes its connection with
/// 1013, and such an answer is refused in words; at a door there is none, and the page asks again.
pub const SYNC_HELD_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// Bytes of a message that a sync service always has room for, so that large ones never keep
/// ordinary ones out. Larger: [`SYNC_HELD_BYTES_MAX`] applies.
pub const SYNC_SPARED_BYTES_MAX: usize = 1024 * 1024;

/// Open connections of a sync service. More: the upgrade is answered with 503 and Retry-After.
pub const SYNC_CONNECTIONS_MAX: usize = 1_024;

/// Requests of one sync connection that are open at a time. More: a client fails them at once, as
/// not sent; a service reads no further until one is answered.
pub const SYNC_REQUESTS_MAX: usize = 256;

/// Milliseconds without a single byte from the other side after which a sync service closes a
/// connection, with 1008. Clients ping far more often.
pub const SYNC_SILENCE_MS_MAX: u64 = 30_000;

/// Milliseconds that one frame of the sync service may take to leave. Longer: the connection is
/// cut, because its peer does not read.
pub const SYNC_WRITE_MS_MAX: u64 = 10_000;

/// Characters of a group's name. Longer, or other ones than `a-z 0-9 . _ - /`: refused.
pub const GROUP_NAME_CHARS_MAX: usize = 64;

/// Groups of one authority. More: refused.
pub const GROUPS_MAX: usize = 10_000;

/// Writers that a group remembers. More: those are forgotten whose last update is no longer in the
/// kept log, or if there are none, not behind the newest kept value; where there is none either,
/// newcomers are refused.
pub const GROUP_WRITERS_MAX: usize = 16_384;

/// Updates in one entry of a group's log. More: those behind them go into the next one.
pub const GROUP_UPDATES_MAX: usize = 1_024;

/// Bytes of the updates in one entry of a group's log. More: refused.
pub const GROUP_UPDATES_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a shared value that is kept. More: refused, so the group's log reaches its bound.
pub const GROUP_VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Entries from one version at which a group's value may be kept to the next. More: who comes late
/// reads more that follows the kept value. Fewer: all write and hash the value more often.
pub const GROUP_MARK_ENTRIES: u64 = 128;

/// Entries of a group's log behind the older of its two checkpoints. At the bound, proposals are
/// refused until a newer checkpoint comes; if none can come, because the newest one is at the last
/// mark, the log goes on to the next mark.
pub const GROUP_LOG_ENTRIES_MAX: u64 = 65_536;

/// Bytes of the edits in a group's kept log. At the bound, the same.
pub const GROUP_LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Entries of one page of a group's log.
pub const GROUP_PAGE_ENTRIES_MAX: usize = 1_024;

/// Bytes of the edits in one page of a group's log. The entry that reaches it is the page's last.
pub const GROUP_PAGE_BYTES_MAX: usize = 256 * 1024;

/// Operations of one program on one shared structure that are not done. More: refused at once.
pub const GROUP_WAITING_MAX: usize = 16_384;

/// Changes of a shared value that wait for a reader of changes which does not read. More: it is
/// told to look at the whole value instead.
pub const GROUP_CHANGES_MAX: usize = 1_024;

/// Bytes of a message from a page at the door of shared structures. Longer: the connection closes
/// with 1009.
pub const DOOR_MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// Bytes of the updates that a page proposes at once. More: refused.
pub const DOOR_UPDATES_BYTES_MAX: usize = 8 * 1024;

/// Open connections of a door. More: the upgrade is answered with 503 and Retry-After.
pub const DOOR_CONNECTIONS_MAX: usize = 4_096;

/// Requests of one page that are open at a time. More: the connection closes with 1008.
pub const DOOR_REQUESTS_MAX: usize = 16;

/// Requests that a page may make a second, and as many that it may have saved. More: the connection
/// closes with 1008.
pub const DOOR_RATE_MAX: u32 = 50;

/// Milliseconds without a word from a page, an answer to a ping included, after which its
/// connection is closed.
pub const DOOR_SILENCE_MS_MAX: u64 = 30_000;

/// Markers in a war room. More: refused.
pub const ROOM_MARKERS_MAX: usize = 64;

/// Call-outs in a war room. More: refused until older ones go.
pub const ROOM_CALLS_MAX: usize = 20;

/// Names in a ready check. More: refused.
pub const ROOM_READY_MAX: usize = 256;

/// Notes in a war room. More: refused until older ones go.
pub const ROOM_NOTES_MAX: usize = 32;

/// Characters of a note. Longer: refused.
pub const ROOM_NOTE_CHARS_MAX: usize = 140;

/// Keepers that a group bars, because a value that they brought was not what its log makes. More:
/// the first one may bring values again.
pub const GROUP_BARRED_MAX: usize = 64;

/// Newest entries of each group that are kept in memory for those who follow it. Older ones are
/// read from where the log is kept.
pub const GROUP_RECENT_ENTRIES_MAX: usize = 4_096;

/// Bytes of a group's newest edits in memory. Beyond: the oldest ones go.
pub const GROUP_RECENT_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of the newest edits of all groups in memory. Beyond: a group keeps what came with its last
/// commit.
pub const GROUPS_RECENT_BYTES_MAX: usize = 256 * 1024 * 1024;
