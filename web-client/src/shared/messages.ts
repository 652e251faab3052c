// What a page and the door of its server say to each other about groups, and the bytes of that.

import { close } from '../bytes';
import type { Inner } from '../forms';
import {
  Base,
  Chain,
  Edit,
  Follow,
  GroupName,
  GroupPage,
  Introduce,
  Introduced,
  Kept,
  KeptMark,
  Leave,
  Propose,
  Proposed,
  ProposeVerdict,
  Refused,
  SchemaHash,
  Secret,
  Version,
  WriterId,
} from '../generated/groups';
import type { Run } from '../items';
import { open } from '../items';
import type { Form, Items } from '../ucore';
import { decodeState, option, u64 } from '../ucore';
import { schemaHash } from './schema';

export * from '../generated/groups';

/** The first number of a request. */
export const RequestType = { Propose: 2, Follow: 3, Leave: 6, Introduce: 7 } as const;
/** The first number of an answer. */
export const AnswerType = { Proposed: 2, Page: 3, Kept: 4, Refused: 5, Introduced: 6 } as const;

/** A request about a group. */
export type GroupRequest =
  | [type: typeof RequestType.Propose, body: Propose]
  | [type: typeof RequestType.Follow, body: Follow]
  | [type: typeof RequestType.Leave, body: Leave];

/** The same, or the first request of a connection, which says who asks. */
export type DoorRequest = GroupRequest | [type: typeof RequestType.Introduce, body: Introduce];

/** An answer to a request about a group. */
export type GroupAnswer =
  | [type: typeof AnswerType.Proposed, body: Answered]
  | [type: typeof AnswerType.Page, body: Page]
  | [type: typeof AnswerType.Kept, body: Kept]
  | [type: typeof AnswerType.Refused, body: Refused];

export type DoorAnswer = GroupAnswer | [type: typeof AnswerType.Introduced, body: Introduced];

/** The same as a door says it. */
export type SaidAnswer =
  | Exclude<DoorAnswer, [type: 2 | 3, body: Page | Answered]>
  | [type: typeof AnswerType.Proposed, body: Proposed]
  | [type: typeof AnswerType.Page, body: GroupPage];

/** The number of a request, by which its answer is known. */
export type Asked = number;

function message<T>(number: Asked, type: number, form: Form<T>, body: T): Uint8Array<ArrayBuffer> {
  const items: unknown[] = [];
  form.write(body, 'open', items);
  return close([number, [type, items]]);
}

/** The bytes of a request with its number. */
export function encodeRequest(number: Asked, [type, body]: DoorRequest): Uint8Array<ArrayBuffer> {
  switch (type) {
    case RequestType.Propose:
      return message(number, type, Propose, body);
    case RequestType.Follow:
      return message(number, type, Follow, body);
    case RequestType.Leave:
      return message(number, type, Leave, body);
    case RequestType.Introduce:
      return message(number, type, Introduce, body);
  }
}

/** The other side's half, for tests that play a door. Null: there is no answer. */
export function encodeAnswer(number: Asked, said: SaidAnswer | null): Uint8Array<ArrayBuffer> {
  if (said === null) return close([number, null]);
  const [type, body] = said;
  switch (type) {
    case AnswerType.Proposed:
      return message(number, type, Proposed, body);
    case AnswerType.Page:
      return message(number, type, GroupPage, body);
    case AnswerType.Kept:
      return message(number, type, Kept, body);
    case AnswerType.Refused:
      return message(number, type, Refused, body);
    case AnswerType.Introduced:
      return message(number, type, Introduced, body);
  }
}

const take = <T>(form: Form<T>, from: Items): T => {
  return from.array((items) => form.read('open', items));
};

/** A group's name; throws what is none. */
export function toGroupName(name: string): GroupName {
  if (!/^[a-z0-9._/-]{1,64}$/.test(name)) {
    throw new Error(`a name has 1 to 64 characters of a-z 0-9 . _ - /, unlike "${name}"`);
  }
  return decodeState(GroupName, close([name]));
}

/** A secret of 16 random bytes. */
export function toSecret(random: Uint8Array): Secret {
  return decodeState(Secret, close([random]));
}

/** A writer's name, for tests: to pages it is told. */
export function toWriterId(digest: Uint8Array): WriterId {
  return decodeState(WriterId, close([digest]));
}

/** The hash of a form's schema, as it travels. */
export function schemaOf(form: Inner): SchemaHash {
  const digits = schemaHash(form).match(/../g) ?? [];
  const bytes = Uint8Array.from(digits, (pair) => Number.parseInt(pair, 16));
  return decodeState(SchemaHash, close([bytes]));
}

/** What an entry of a group's log says. */
export function readEdit(bytes: Uint8Array): Edit {
  return decodeState(Edit, bytes);
}

/** An entry of a group's log: what pages look at, and where in the message the rest of it is. */
export interface Entry {
  version: Version;
  seq: number;
  chainAt: number;
  writerAt: number;
  updatesAt: number;
}

/** A part of a group's log. */
export interface Page extends Omit<GroupPage, 'entries'> {
  entries: Entry[];
  /** The message that it was in. */
  bytes: Uint8Array;
}

/** What became of a proposal. */
export interface Answered extends Omit<Proposed, 'page'> {
  page: Page;
}

function takeEntry(from: Items): Entry {
  const version = Version.read('closed', from);
  const chainAt = from.place();
  return from.message((edit) => {
    const writerAt = edit.place();
    const seq = edit.uint();
    edit.bool();
    return { version, seq, chainAt, writerAt, updatesAt: edit.place() };
  });
}

function takePage(bytes: Uint8Array, run: Run, from: Items): Page {
  return from.list(run, (items) => {
    const base = option(Base).read('closed', items);
    const entries: Entry[] = [];
    items.array((all) => {
      while (all.hasMore()) entries.push(all.array(takeEntry));
    });
    const head = Version.read('closed', items);
    return { base, entries, head, kept: option(KeptMark).read('closed', items), bytes };
  });
}

function takeProposed(bytes: Uint8Array, from: Items): Answered {
  const verdict = ProposeVerdict.read('closed', from);
  const version = Version.read('closed', from);
  const want = from.uint();
  return { verdict, version, want, page: takePage(bytes, 'closed', from) };
}

/** The chain behind an entry. */
export function chainOf({ bytes }: Page, { chainAt }: Entry): Chain {
  return open(bytes).from(chainAt, (items) => Chain.read('closed', items));
}

/** The bytes of an entry's updates. */
export function updatesIn({ bytes }: Page, { updatesAt }: Entry): Uint8Array {
  return open(bytes).from(updatesAt, (items) => items.bin());
}

/** Who wrote an entry. */
export function writerOf({ bytes }: Page, { writerAt }: Entry): WriterId {
  return open(bytes).from(writerAt, (items) => WriterId.read('closed', items));
}

/** `[number, [type, body]]`, or `[number, nil]`. */
function decoded<M>(
  bytes: Uint8Array,
  body: (type: number, from: Items) => M,
): [number: Asked, message: M | null] {
  const from = open(bytes);
  const number = u64.read('closed', from);
  const read = (items: Items) => body(u64.read('closed', items), items);
  const message = from.takeNil() ? null : from.array(read);
  from.end();
  return [number, message];
}

/** An answer, null if there is none, and the number of the request that it is about. */
export function decodeAnswer(bytes: Uint8Array): [number: Asked, answer: DoorAnswer | null] {
  return decoded<DoorAnswer>(bytes, (type, from) => {
    switch (type) {
      case AnswerType.Proposed:
        return [type, from.array((items) => takeProposed(bytes, items))];
      case AnswerType.Page:
        return [type, from.array((items) => takePage(bytes, 'open', items))];
      case AnswerType.Kept:
        return [type, take(Kept, from)];
      case AnswerType.Refused:
        return [type, take(Refused, from)];
      case AnswerType.Introduced:
        return [type, take(Introduced, from)];
    }
    throw from.error('is an unknown type');
  });
}

/** The other side's half, for tests that play a door. */
export function decodeRequest(bytes: Uint8Array): [number: Asked, request: DoorRequest | null] {
  return decoded<DoorRequest>(bytes, (type, from) => {
    switch (type) {
      case RequestType.Propose:
        return [type, take(Propose, from)];
      case RequestType.Follow:
        return [type, take(Follow, from)];
      case RequestType.Leave:
        return [type, take(Leave, from)];
      case RequestType.Introduce:
        return [type, take(Introduce, from)];
    }
    throw from.error('is an unknown type');
  });
}
