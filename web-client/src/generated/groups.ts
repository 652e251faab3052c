// Generated from the types of the same names in Rust. Change those, and this follows.

import * as u from '../ucore';

export type WriterId = u.Branded<string, 'WriterId'>;
export const WriterId: u.Form<WriterId> = u.named('WriterId', u.bytes(16));

export interface Edit {
  writer: WriterId;
  seq: number;
  ordered: boolean;
  updates: Uint8Array;
}
export const Edit: u.Form<Edit> = u.record('Edit', {
  writer: WriterId,
  seq: u.u64,
  ordered: u.bool,
  updates: u.blob,
});

export type GroupName = u.Branded<string, 'GroupName'>;
export const GroupName: u.Form<GroupName> = u.named('GroupName', u.text);

export type SchemaHash = u.Branded<string, 'SchemaHash'>;
export const SchemaHash: u.Form<SchemaHash> = u.named('SchemaHash', u.bytes(8));

export type Version = u.Branded<number, 'Version'>;
export const Version: u.Form<Version> = u.named('Version', u.u64);

export type Chain = u.Branded<string, 'Chain'>;
export const Chain: u.Form<Chain> = u.named('Chain', u.bytes(20));

export interface Seen {
  version: Version;
  chain: Chain;
}
export const Seen: u.Form<Seen> = u.record('Seen', {
  version: Version,
  chain: Chain,
});

export interface Propose {
  group: GroupName;
  schema: SchemaHash;
  edit: Edit;
  expect: Version | null;
  seen: Seen;
}
export const Propose: u.Form<Propose> = u.record('Propose', {
  group: GroupName,
  schema: SchemaHash,
  edit: Edit,
  expect: u.option(Version),
  seen: Seen,
});

export interface Follow {
  group: GroupName;
  schema: SchemaHash;
  seen: Seen | null;
  distrust: Version | null;
  wait_ms: number;
}
export const Follow: u.Form<Follow> = u.record('Follow', {
  group: GroupName,
  schema: SchemaHash,
  seen: u.option(Seen),
  distrust: u.option(Version),
  wait_ms: u.u32,
});

export interface Leave {
  group: GroupName;
  writer: WriterId;
}
export const Leave: u.Form<Leave> = u.record('Leave', {
  group: GroupName,
  writer: WriterId,
});

export type Secret = u.Branded<string, 'Secret'>;
export const Secret: u.Form<Secret> = u.named('Secret', u.bytes(16));

export interface Introduce {
  secret: Secret;
}
export const Introduce: u.Form<Introduce> = u.record('Introduce', {
  secret: Secret,
});

export interface Introduced {
  writer: WriterId;
}
export const Introduced: u.Form<Introduced> = u.record('Introduced', {
  writer: WriterId,
});

export const ProposeVerdict = u.codes('ProposeVerdict', u.u8, {
  Unknown: 0,
  Committed: 1,
  Duplicate: 2,
  Conflict: 3,
  Gap: 4,
  Old: 5,
  Forgotten: 6,
});
export type ProposeVerdict = u.Value<typeof ProposeVerdict>;

export interface Base {
  at: Seen;
  value: Uint8Array | null;
}
export const Base: u.Form<Base> = u.record('Base', {
  at: Seen,
  value: u.option(u.blob),
});

export interface GroupEntry {
  version: Version;
  chain: Chain;
  edit: Uint8Array;
}
export const GroupEntry: u.Form<GroupEntry> = u.record('GroupEntry', {
  version: Version,
  chain: Chain,
  edit: u.blob,
});

export type StateHash = u.Branded<string, 'StateHash'>;
export const StateHash: u.Form<StateHash> = u.named('StateHash', u.bytes(8));

export interface KeptMark {
  version: Version;
  hash: StateHash;
}
export const KeptMark: u.Form<KeptMark> = u.record('KeptMark', {
  version: Version,
  hash: StateHash,
});

export interface GroupPage {
  base: Base | null;
  entries: GroupEntry[];
  head: Version;
  kept: KeptMark | null;
}
export const GroupPage: u.Form<GroupPage> = u.record('GroupPage', {
  base: u.option(Base),
  entries: u.list(GroupEntry),
  head: Version,
  kept: u.option(KeptMark),
});

export interface Proposed {
  verdict: ProposeVerdict;
  version: Version;
  want: number;
  page: GroupPage;
}
export const Proposed: u.Form<Proposed> = u.record('Proposed', {
  verdict: ProposeVerdict,
  version: Version,
  want: u.u64,
  page: GroupPage,
});

export interface Kept {
  kept: KeptMark | null;
}
export const Kept: u.Form<Kept> = u.record('Kept', {
  kept: u.option(KeptMark),
});

export const GroupRefusal = u.codes('GroupRefusal', u.u8, {
  Unknown: 0,
  NoGroup: 1,
  Name: 2,
  Schema: 3,
  TooLarge: 4,
  Full: 5,
  TooManyGroups: 6,
  TooManyWriters: 7,
  NotAMark: 8,
  NotInTheLog: 9,
  TooOld: 10,
  WrongHash: 11,
  Barred: 12,
  NotAllowed: 13,
});
export type GroupRefusal = u.Value<typeof GroupRefusal>;

export interface Refused {
  why: GroupRefusal;
}
export const Refused: u.Form<Refused> = u.record('Refused', {
  why: GroupRefusal,
});

export const GROUPS_SUBPROTOCOL = 'worldboss.groups.v1';
export const GROUPS_PATH = '/groups';
export const GROUP_MARK_ENTRIES = 128;
export const GROUP_UPDATES_MAX = 1024;
export const DOOR_UPDATES_BYTES_MAX = 8192;
export const DOOR_RATE_MAX = 50;
