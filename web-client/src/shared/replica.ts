// One shared structure: what its log made of it, and what this page has done on top of that.
//
// A machine: requests come out of `poll`, answers go into `handleAnswer`, and time is told to it.
// The state is the log's alone. Recipes run on the view, and travel as updates that rest on the
// state; if that has changed otherwise meanwhile, they run again on what it is now. A proposal
// whose answer is lost is sent again to the letter: its number makes it count once.

import type { Patch } from 'immer';
import { backoffMs } from '../backoff';
import type { Form } from '../ucore';
import type { Author } from './log';
import { Log } from './log';
import type {
  Answered,
  GroupAnswer,
  GroupName,
  GroupRequest,
  Page,
  SchemaHash,
  Seen,
  Version,
  WriterId,
} from './messages';
import * as messages from './messages';
import { AnswerType, GroupRefusal, ProposeVerdict, RequestType } from './messages';
import type { Recipe } from './recipe';
import { asError, run, runFitting } from './recipe';
import { refusalText } from './refusal';
import type { Updates } from './updates';
import { updatesOf } from './updates';

/** Recipes that wait for their answer. More: `mutate` refuses them. */
export const RECIPES_MAX = 1_000;
/** How long the authority may wait for news. */
export const FOLLOW_MS = 25_000;

/** Which structure it is, and who writes to it here. */
export interface Spec<T> {
  group: GroupName;
  form: Form<T>;
  schema: SchemaHash;
  /** What the structure begins with. */
  first: T;
  /** The number of the last proposal that the page's writer has made there. */
  seq: number;
}

/** What is known about the structure. */
export type Phase =
  /** Nothing yet: the state is what the structure begins with. It may be held up. */
  | { kind: 'loading'; why: string }
  | { kind: 'live' }
  /** It will not change any more, and takes no recipes. */
  | { kind: 'ended'; why: string };

/** When it is, and a random number from 0 up to 1. */
export interface Moment {
  now: number;
  luck: number;
}

/** Tells that a recipe is in the log, or why it never will be. */
export type Settle = (error: Error | null) => void;

/** A recipe that the log does not have yet, and who waits for that. */
interface Pending<T> {
  recipe: Recipe<T>;
  settle: Settle;
}

type Proposal = Extract<GroupRequest, [type: typeof RequestType.Propose, body: messages.Propose]>;

/** Recipes on their way into the log. */
interface Flight<T> {
  pending: Pending<T>[];
  /** Whether it is one recipe that may be what was wrong with several. */
  isSuspect: boolean;
  request: Proposal;
  /** What the recipes made of `base`, and whether that is what the request says. */
  base: T;
  after: T;
  isOriginal: boolean;
  /** How often it was sent without an answer that says what became of it, or was refused. */
  sends: number;
  refusals: number;
  /** Whether entries were passed over since, among which it may be. */
  isPassed: boolean;
  notBefore: number;
  /** What is known once the state has that version: it is in the log, or not. */
  until: { kind: 'committed' | 'absent'; version: Version; seq: number } | null;
}

/** The queue's recipes on what is below them: the state, or what is under way. */
interface Ahead<T> {
  below: T;
  after: T;
  patches: Patch[];
  /** How many of the queue have run. */
  ran: number;
  /** Whether some of these had to be left out, because they threw. */
  isPartial: boolean;
}

/** One shared structure. */
export class Replica<T> {
  readonly #spec: Spec<T>;
  readonly #log: Log<T>;
  #phase: Phase = { kind: 'loading', why: '' };
  #writer: WriterId | null = null;
  /** The number of the last proposal that is in the log. */
  #seq: number;
  #queue: Pending<T>[] = [];
  /** So many recipes at the head of the queue travel alone: something was wrong with one. */
  #suspects = 0;
  #flight: Flight<T> | null = null;
  #ahead: Ahead<T> | null = null;
  /** The requests that are under way. */
  readonly #asked = new Set<GroupRequest>();
  /** Nothing is asked before this time, after so many failures in a row. */
  #notBefore = 0;
  #failures = 0;
  #reruns = 0;

  constructor(spec: Spec<T>) {
    this.#spec = spec;
    this.#log = new Log(spec.form, spec.first);
    this.#seq = spec.seq;
  }

  /** What the log has made. */
  get state(): T {
    return this.#log.state;
  }

  /** The state with all recipes that are not in the log yet. The same object if nothing changed. */
  get view(): T {
    return this.#look().after;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The newest version that the state has; 0 before anything is known. */
  get version(): number {
    return this.#log.version;
  }

  /** How often the state turned out not to be the log's, and was taken anew. */
  get resyncs(): number {
    return this.#log.resyncs;
  }

  /** How often a recipe ran again, because the log had something else by then. */
  get reruns(): number {
    return this.#reruns;
  }

  /** The number of the last proposal that was made. */
  get seq(): number {
    return this.#flight?.request[1].edit.seq ?? this.#seq;
  }

  /** How many recipes are not in the log yet. */
  get pending(): number {
    return this.#queue.length + (this.#flight?.pending.length ?? 0);
  }

  /** When `poll` is worth a look even if nothing else happens. */
  get wakeAt(): number {
    return Math.max(this.#notBefore, this.#flight?.notBefore ?? 0);
  }

  /** Says who the page's writer is. Nothing is proposed before. */
  introduce(writer: WriterId): void {
    this.#writer = writer;
  }

  /** Runs a recipe on the view at once, and brings it into the log. */
  mutate(recipe: Recipe<T>, settle: Settle): void {
    if (this.#phase.kind === 'ended') throw new Error(this.#phase.why);
    if (this.pending >= RECIPES_MAX) {
      throw new Error(`${RECIPES_MAX} changes wait for the server; wait until some are done`);
    }
    this.#queue.push({ recipe, settle });
  }

  /** The next request, if one is due. Look again until there is none. */
  poll(now: number): GroupRequest | null {
    if (this.#phase.kind === 'ended' || now < this.#notBefore) return null;
    const request = this.#next(now);
    if (request !== null) this.#asked.add(request);
    return request;
  }

  /** Ends it. Gives the request that tells the authority, if that may know the writer. */
  close(): GroupRequest | null {
    if (this.#phase.kind === 'ended') return null;
    const { group } = this.#spec;
    const writer = this.#writer;
    this.#seq = this.seq;
    this.#end('this structure was closed');
    return this.#seq > 0 && writer !== null ? [RequestType.Leave, { group, writer }] : null;
  }

  /** Nobody knows what became of a request: its answer does not come any more. */
  handleLost(request: GroupRequest): void {
    this.#asked.delete(request);
  }

  /** The same, and the server can't say. */
  handleSilence(at: Moment, request: GroupRequest): void {
    if (this.#asked.delete(request)) this.#fail(at);
  }

  handleAnswer(at: Moment, request: GroupRequest, [type, body]: GroupAnswer): void {
    if (!this.#asked.delete(request) || this.#phase.kind === 'ended') return;
    switch (type) {
      case AnswerType.Page:
        if (request[0] === RequestType.Follow) this.#handlePage(at, request[1].seen, body);
        return;
      case AnswerType.Proposed:
        if (request[0] === RequestType.Propose) this.#handleProposed(at, request, body);
        return;
      case AnswerType.Kept:
        return;
      case AnswerType.Refused:
        return this.#handleRefused(at, request, body.why);
    }
  }

  #next(now: number): GroupRequest | null {
    const { group, schema } = this.#spec;
    const kinds = new Set(Array.from(this.#asked, ([type]) => type));
    if (kinds.has(RequestType.Propose)) return null;
    const [from, writer] = [this.#log.seen, this.#writer];
    if (from !== null && writer !== null && this.#flight === null) this.#launch(from, writer);
    const flight = this.#flight;
    if (flight !== null && flight.until === null && now >= flight.notBefore) {
      flight.sends += 1;
      return flight.request;
    }
    if (kinds.has(RequestType.Follow)) return null;
    const [seen, distrust] = [this.#log.seen, this.#log.distrust];
    return [RequestType.Follow, { group, schema, seen, distrust, wait_ms: FOLLOW_MS }];
  }

  /** Makes a proposal of as much of the queue as goes into one. */
  #launch(seen: Seen, writer: WriterId): void {
    let len = this.#suspects > 0 ? 1 : this.#queue.length;
    while (len > 0) {
      const ran = this.#ranOf(len);
      if (ran === null) return;
      const made = this.#updates(ran);
      if (made instanceof Error) {
        // Which of them it is, the halves will tell.
        if (ran.len === 1) this.#drop(0, made);
        len = ran.len === 1 ? this.#queue.length : Math.ceil(ran.len / 2);
        if (this.#suspects > 0) len = Math.min(len, 1);
        continue;
      }
      const pending = this.#queue.splice(0, ran.len);
      const isSuspect = this.#suspects > 0;
      this.#suspects = Math.max(0, this.#suspects - ran.len);
      this.#ahead = null;
      if (made.len > 0) {
        this.#flight = { ...this.#flightOf(seen, writer, ran.after, made), pending, isSuspect };
        return;
      }
      // They have changed nothing that the log would have to know.
      for (const { settle } of pending) settle(null);
      len = this.#suspects > 0 ? 1 : this.#queue.length;
    }
  }

  /** What the first recipes of the queue make of the state; null if none is left. */
  #ranOf(most: number): { len: number; after: T; patches: Patch[] } | null {
    const { after, patches } = this.#look();
    const len = Math.min(most, this.#queue.length);
    if (len === 0) return null;
    if (len === this.#queue.length) return { len, after, patches };
    const recipes = this.#queue.slice(0, len).map(({ recipe }) => recipe);
    const ran = run(this.#log.state, recipes);
    if (ran.kind === 'done') return { len, after: ran.after, patches: ran.patches };
    this.#drop(ran.index, asError(ran.reason));
    return this.#ranOf(len);
  }

  #updates({ after, patches }: { after: T; patches: Patch[] }): Updates | Error {
    try {
      const made = updatesOf(this.#spec.form, this.#log.state, after, patches);
      const isFew = made.len <= messages.GROUP_UPDATES_MAX;
      const fits = isFew && made.bytes.length <= messages.DOOR_UPDATES_BYTES_MAX;
      return fits ? made : new Error('too many changes at once; make them in smaller parts');
    } catch (error) {
      return asError(error);
    }
  }

  #flightOf(
    seen: Seen,
    writer: WriterId,
    after: T,
    { bytes, lane }: Updates,
  ): Omit<Flight<T>, 'pending' | 'isSuspect'> {
    const { group, schema } = this.#spec;
    const ordered = lane === 'ordered';
    const edit = { writer, seq: this.#seq + 1, ordered, updates: bytes };
    const expect = ordered ? seen.version : null;
    return {
      request: [RequestType.Propose, { group, schema, edit, expect, seen }],
      base: this.#log.state,
      after,
      isOriginal: true,
      sends: 0,
      refusals: 0,
      isPassed: false,
      notBefore: 0,
      until: null,
    };
  }

  #drop(index: number, error: Error): void {
    const [pending] = this.#queue.splice(index, 1);
    if (index < this.#suspects) this.#suspects -= 1;
    this.#ahead = null;
    pending?.settle(error);
  }

  /** Lets recipes run that have not, on what they rest on now. */
  #look(): Ahead<T> {
    const below = this.#below();
    const isFirm = this.#phase.kind === 'live' && this.#flight === null;
    let ahead = this.#ahead;
    if (ahead === null || !Object.is(ahead.below, below) || (ahead.isPartial && isFirm)) {
      ahead = { below, after: below, patches: [], ran: 0, isPartial: false };
      this.#ahead = ahead;
    }
    const recipes = this.#queue.slice(ahead.ran).map(({ recipe }) => recipe);
    if (recipes.length === 0) return ahead;
    const ran = run(ahead.after, recipes);
    if (ran.kind === 'done') {
      ahead.after = ran.after;
      ahead.patches = [...ahead.patches, ...ran.patches];
    } else if (isFirm) {
      // It rests on what the log has made, so nothing that is under way can cure it.
      this.#drop(ahead.ran + ran.index, asError(ran.reason));
      return this.#look();
    } else {
      ahead.after = runFitting(ahead.after, recipes);
      ahead.isPartial = true;
    }
    ahead.ran = this.#queue.length;
    return ahead;
  }

  /** The state with what is under way. */
  #below(): T {
    const flight = this.#flight;
    if (flight === null) return this.#log.state;
    if (!Object.is(flight.base, this.#log.state)) {
      flight.base = this.#log.state;
      flight.after = runFitting(
        this.#log.state,
        flight.pending.map(({ recipe }) => recipe),
      );
      flight.isOriginal = false;
    }
    return flight.after;
  }

  #handlePage(at: Moment, asked: Seen | null, page: Page): void {
    switch (this.#log.take(asked, page, this.#author)) {
      case 'taken':
        this.#phase = { kind: 'live' };
        this.#failures = 0;
        return this.#land();
      case 'stale':
        return;
      case 'damaged':
      case 'wrong':
        return this.#restart(at);
      case 'hopeless':
        return this.#end('the kept values of this structure are damaged; reload the page later');
    }
  }

  /** What is under way turns up in the log, or was passed over there. */
  readonly #author: Author<T> = {
    made: (page, entry, state) => {
      const flight = this.#flight;
      if (flight === null) return null;
      const { seq, writer } = flight.request[1].edit;
      const isOwn = entry.seq === seq && messages.writerOf(page, entry) === writer;
      this.#notice(flight, entry.version, isOwn);
      const isAsMade = isOwn && flight.isOriginal && Object.is(state, flight.base);
      return isAsMade ? { after: flight.after } : null;
    },
    passed: () => {
      if (this.#flight !== null) this.#flight.isPassed = true;
    },
  };

  /** An entry says whether it is the flight. */
  #notice(flight: Flight<T>, version: Version, isOwn: boolean): void {
    const { seq } = flight.request[1].edit;
    if (isOwn) flight.until = { kind: 'committed', version, seq };
    // The log was rolled back meanwhile, and has something else there.
    else if (flight.until?.kind === 'committed' && flight.until.version === version) {
      flight.until = null;
    }
  }

  /** The state begins anew. */
  #restart(at: Moment): void {
    // What is asked already is asked about another position.
    for (const request of this.#asked) {
      if (request[0] === RequestType.Follow) this.#asked.delete(request);
    }
    this.#fail(at);
  }

  #fail({ now, luck }: Moment): void {
    this.#notBefore = now + luck * backoffMs(this.#failures);
    this.#failures += 1;
  }

  #handleProposed(at: Moment, request: Proposal, answer: Answered): void {
    const flight = this.#flight;
    const isAbout = flight?.request === request;
    this.#handlePage(at, request[1].seen, answer.page);
    // The page may have told already what became of it.
    if (flight === null || !isAbout || this.#flight !== flight) return;
    const { seq } = request[1].edit;
    const { version, want, page } = answer;
    switch (answer.verdict) {
      case ProposeVerdict.Committed:
      case ProposeVerdict.Duplicate:
        flight.until = { kind: 'committed', version, seq };
        return this.#land();
      case ProposeVerdict.Conflict:
        // Whatever follows what it rested on has to be known before it is worth another try.
        if (this.#log.seen?.version === request[1].seen.version) this.#fail(at);
        this.#reruns += flight.pending.length;
        return this.#requeue(flight, seq - 1);
      case ProposeVerdict.Gap:
        return this.#handleAbsent(flight, page.head, Math.max(want, 1) - 1);
      case ProposeVerdict.Forgotten:
        return this.#handleAbsent(flight, page.head, 0);
      case ProposeVerdict.Old:
        return this.#settle(flight, null);
      case ProposeVerdict.Unknown:
        return this.#end('the server is of a newer kind than this page; reload it');
    }
  }

  /** The authority does not know the flight's number; an earlier sending may be in the log. */
  #handleAbsent(flight: Flight<T>, version: Version, seq: number): void {
    if (flight.sends <= 1) return this.#requeue(flight, seq);
    flight.until = { kind: 'absent', version, seq };
    this.#land();
  }

  /** Ends the flight, if the state has what that takes. */
  #land(): void {
    const flight = this.#flight;
    const until = flight?.until ?? null;
    if (flight === null || until === null) return;
    if (until.kind === 'absent' && flight.isPassed) {
      this.#seq = until.seq;
      return this.#settle(flight, new Error('nobody knows whether this change was made: look'));
    }
    if (this.version < until.version) return;
    if (until.kind === 'absent') return this.#requeue(flight, until.seq);
    this.#seq = until.seq;
    this.#settle(flight, null);
  }

  #settle(flight: Flight<T>, error: Error | null): void {
    this.#flight = null;
    for (const { settle } of flight.pending) settle(error);
  }

  /** The flight's recipes will run again. `seq` is the number of the proposal before the next. */
  #requeue(flight: Flight<T>, seq: number): void {
    this.#flight = null;
    this.#seq = seq;
    if (flight.isSuspect) this.#suspects += flight.pending.length;
    this.#queue.unshift(...flight.pending);
    this.#ahead = null;
  }

  #handleRefused(at: Moment, request: GroupRequest, why: GroupRefusal): void {
    const flight = this.#flight?.request === request ? this.#flight : null;
    switch (why) {
      case GroupRefusal.NoGroup:
        // A program will begin it, sooner or later.
        if (flight !== null) flight.sends -= 1;
        if (this.#phase.kind === 'loading') this.#phase.why = refusalText(why);
        return this.#fail(at);
      case GroupRefusal.Full:
      case GroupRefusal.TooManyWriters:
        if (flight === null) return this.#fail(at);
        // This sending did nothing.
        flight.sends -= 1;
        flight.notBefore = at.now + at.luck * backoffMs(flight.refusals);
        flight.refusals += 1;
        return;
      case GroupRefusal.TooLarge:
      case GroupRefusal.NotAllowed:
        if (flight === null) return this.#end(refusalText(why));
        return this.#handleUnfit(flight, why);
      case GroupRefusal.Unknown:
      case GroupRefusal.Name:
      case GroupRefusal.Schema:
      case GroupRefusal.TooManyGroups:
      case GroupRefusal.NotAMark:
      case GroupRefusal.NotInTheLog:
      case GroupRefusal.TooOld:
      case GroupRefusal.WrongHash:
      case GroupRefusal.Barred:
        return this.#end(refusalText(why));
    }
  }

  /**
   * The server would have refused each sending, so the log has none of them. If it is about several
   * recipes, each of them will be tried alone.
   */
  #handleUnfit(flight: Flight<T>, why: GroupRefusal): void {
    const { seq } = flight.request[1].edit;
    if (flight.pending.length > 1) {
      this.#suspects += flight.pending.length;
      return this.#requeue(flight, seq - 1);
    }
    const isRule = why === GroupRefusal.NotAllowed;
    const text = isRule ? 'this change is against the rules of this structure' : refusalText(why);
    this.#seq = seq - 1;
    this.#settle(flight, new Error(text));
  }

  /** What is not in the log by now never will be. */
  #end(why: string): void {
    if (this.#phase.kind === 'ended') return;
    this.#phase = { kind: 'ended', why };
    const pending = [...(this.#flight?.pending ?? []), ...this.#queue];
    this.#flight = null;
    this.#queue = [];
    this.#suspects = 0;
    this.#ahead = null;
    for (const { settle } of pending) settle(new Error(why));
  }
}
