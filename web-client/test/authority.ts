// A small authority of groups in memory with the door that pages see of it, and a network that
// loses, doubles and reorders.

import { createHash } from 'node:crypto';
import { encode } from '@msgpack/msgpack';
import type { Inner } from '../src/forms';
import * as m from '../src/shared/messages';
import { AnswerType, GroupRefusal, ProposeVerdict, RequestType } from '../src/shared/messages';
import { xxh64 } from '../src/shared/xxh64';
import { decodeState, encodeState } from '../src/ucore';
import type { Dice } from './values';

const NO_CHAIN = '00'.repeat(20);

interface Writer {
  seq: number;
  version: number;
}

interface Checkpoint {
  at: m.Seen;
  value: Uint8Array;
  hash: string;
}

/** One group. */
class Group {
  readonly schema: string;
  entries: m.GroupEntry[] = [];
  start: m.Seen;
  ordered = 0;
  forgotten = 0;
  writers = new Map<string, Writer>();
  checkpoints: Checkpoint[] = [];

  constructor(schema: string) {
    this.schema = schema;
    this.start = seen(0, chain(NO_CHAIN, 0, 'value', encode([Buffer.from(schema, 'hex')])));
  }

  get head(): m.Seen {
    const last = this.entries.at(-1);
    return last === undefined ? this.start : seen(last.version, last.chain);
  }
}

function chain(before: string, version: number, fields: string, blob: Uint8Array): string {
  return createHash('sha1').update(`${before} ${version} ${fields}\n`).update(blob).digest('hex');
}

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

function seen(version: number, of: string): m.Seen {
  return decodeState(m.Seen, encode([version, hex(of)]));
}

/** What the authority of a group does, as far as pages see it. */
export class Authority {
  groups = new Map<string, Group>();
  pageEntriesMax = 1_024;
  refusesProposals: GroupRefusal | null = null;
  /** Whether pages may propose something. */
  allows: (edit: m.Edit) => boolean = () => true;
  /** Whether there is a program that begins each group before a page asks for it. */
  isBeginning = true;

  answer(request: m.DoorRequest): m.SaidAnswer {
    const [type, body] = request;
    if (type === RequestType.Introduce) {
      return [AnswerType.Introduced, { writer: m.toWriterId(hex(body.secret)) }];
    }
    if (type === RequestType.Follow && this.isBeginning && !this.groups.has(body.group)) {
      this.groups.set(body.group, new Group(body.schema));
    }
    const group = this.groups.get(body.group);
    if (group === undefined) return refused(GroupRefusal.NoGroup);
    if (type !== RequestType.Leave && group.schema !== body.schema) {
      return refused(GroupRefusal.Schema);
    }
    switch (type) {
      case RequestType.Follow:
        return [AnswerType.Page, this.page(group, body.seen, body.distrust)];
      case RequestType.Propose:
        return this.propose(group, body);
      case RequestType.Leave:
        group.writers.delete(body.writer);
        return [AnswerType.Kept, { kept: null }];
    }
  }

  /** Whether a Follow has something to tell. */
  hasNews({ group, seen, distrust }: m.Follow): boolean {
    const of = this.groups.get(group);
    if (of === undefined) return true;
    const page = this.page(of, seen, distrust);
    return page.base !== null || page.entries.length > 0;
  }

  group(name: string): Group {
    const group = this.groups.get(name);
    if (group === undefined) throw new Error(`nobody has begun ${name}`);
    return group;
  }

  /** Keeps a value, as a keeper would have brought it. */
  keep(name: string, form: Inner, at: m.Seen, value: m.Base['value'] | object): void {
    const bytes = value instanceof Uint8Array ? value : encodeState(form, value);
    const group = this.group(name);
    group.checkpoints = [...group.checkpoints.slice(-1), { at, value: bytes, hash: xxh64(bytes) }];
  }

  /** Forgets what follows a version, as a store that is brought back from a copy. */
  rollBack(name: string, version: number): void {
    const group = this.group(name);
    group.entries = group.entries.filter((entry) => entry.version <= version);
    group.writers.clear();
    group.ordered = 0;
    for (const { version: at, edit } of group.entries) {
      const { writer, seq, ordered } = m.readEdit(edit);
      group.writers.set(writer, { seq, version: at });
      if (ordered) group.ordered = at;
    }
  }

  /** Puts an edit into the log, whatever is in it. */
  commit(group: Group, edit: m.Edit): number {
    const before = group.head;
    const version = before.version + 1;
    const bytes = encodeState(m.Edit, edit);
    const link = chain(before.chain, version, 'update', bytes);
    group.entries.push({ ...seen(version, link), edit: bytes });
    if (edit.ordered) group.ordered = version;
    group.writers.set(edit.writer, { seq: edit.seq, version });
    return version;
  }

  private propose(group: Group, { edit, expect, seen: from }: m.Propose): m.SaidAnswer {
    if (this.refusesProposals !== null) return refused(this.refusesProposals);
    if (!this.allows(edit)) return refused(GroupRefusal.NotAllowed);
    const said = (verdict: ProposeVerdict, version = 0, want = 0): m.SaidAnswer => {
      const page = this.page(group, from, null);
      return [AnswerType.Proposed, { verdict, ...seenOf(version), want, page }];
    };
    const last = group.writers.get(edit.writer) ?? { seq: 0, version: 0 };
    if (edit.seq === last.seq) return said(ProposeVerdict.Duplicate, last.version);
    if (edit.seq < last.seq || edit.seq === 0) return said(ProposeVerdict.Old);
    if (edit.seq > last.seq + 1) return said(ProposeVerdict.Gap, 0, last.seq + 1);
    if (last.seq === 0 && from.version < group.forgotten) return said(ProposeVerdict.Forgotten);
    const head = group.head.version;
    if (expect !== null && (expect < group.ordered || expect > head)) {
      return said(ProposeVerdict.Conflict, head);
    }
    return said(ProposeVerdict.Committed, this.commit(group, edit));
  }

  private page(group: Group, from: m.Seen | null, distrust: m.Version | null): m.GroupPage {
    const [newest] = group.checkpoints.slice(-1);
    const all = { head: group.head.version, kept: null as m.KeptMark | null };
    if (newest !== undefined) all.kept = keptOf(newest);
    const after = (version: number) => {
      const rest = group.entries.filter((entry) => entry.version > version);
      return rest.slice(0, this.pageEntriesMax);
    };
    const places = [group.start, ...group.entries];
    const isKnown = places.some((at) => at.version === from?.version && at.chain === from.chain);
    if (from !== null && isKnown) return { base: null, entries: after(from.version), ...all };
    const trusted = group.checkpoints.filter(({ at }) => at.version !== distrust).at(-1);
    const base = trusted ?? { at: group.start, value: null };
    const entries = after(base.at.version);
    return { base: { at: base.at, value: base.value }, entries, ...all };
  }
}

function keptOf({ at, hash }: Checkpoint): m.KeptMark {
  return decodeState(m.KeptMark, encode([at.version, hex(hash)]));
}

function seenOf(version: number): { version: m.Version } {
  return { version: decodeState(m.Version, encode([version])) };
}

function refused(why: GroupRefusal): m.SaidAnswer {
  return [AnswerType.Refused, { why }];
}

/** An answer as it comes out of its bytes. */
export function read(said: m.SaidAnswer): m.GroupAnswer {
  const [, answer] = m.decodeAnswer(m.encodeAnswer(1, said));
  if (answer === null || answer[0] === AnswerType.Introduced) throw new Error('nobody asked that');
  return answer;
}

/** A request, or an answer to it, on its way. */
interface Letter {
  request: m.GroupRequest;
  answer: m.GroupAnswer | null;
  deliver(answer: m.GroupAnswer | null): void;
}

/** A network whose letters arrive when the dice say so, lost or twice. */
export class Net {
  readonly authority: Authority;
  readonly #roll: Dice;
  #letters: Letter[] = [];
  /** Of a hundred letters, how many are lost, and how many requests come twice. */
  lost = 0;
  doubled = 0;
  met = { lost: 0, doubled: 0 };

  constructor(authority: Authority, roll: Dice) {
    this.authority = authority;
    this.#roll = roll;
  }

  send(request: m.GroupRequest, deliver: Letter['deliver']): void {
    // Everything passes through its bytes.
    const [, read] = m.decodeRequest(m.encodeRequest(1, request));
    if (read === null || read[0] === RequestType.Introduce) throw new Error('it came otherwise');
    this.#letters.push({ request: read, answer: null, deliver });
  }

  /** One letter goes one way further. False if nothing can move. */
  step(): boolean {
    const ready = this.#letters.filter(({ request, answer }) => {
      if (answer !== null || request[0] !== RequestType.Follow) return true;
      return this.authority.hasNews(request[1]);
    });
    const letter = ready[this.#roll(Math.max(1, ready.length))];
    if (letter === undefined) return false;
    if (this.#roll(100) < this.lost) {
      this.met.lost += 1;
      this.#remove(letter);
      letter.deliver(null);
    } else if (letter.answer === null) {
      const answer = this.authority.answer(letter.request);
      if (this.#roll(100) < this.doubled) {
        this.met.doubled += 1;
        this.authority.answer(letter.request);
      }
      letter.answer = read(answer);
    } else {
      this.#remove(letter);
      letter.deliver(letter.answer);
    }
    return true;
  }

  /** All letters are lost. */
  cut(): void {
    const letters = this.#letters;
    this.#letters = [];
    for (const { deliver } of letters) deliver(null);
  }

  #remove(letter: Letter): void {
    this.#letters = this.#letters.filter((other) => other !== letter);
  }
}
