// Messages in and out: bytes become checked values here, by the forms of their types.

import { produce } from 'immer';
import { close } from './bytes';
import { open } from './items';
import type { PlayerMessage, ShardMessage } from './protocol';
import {
  Ack,
  Board,
  BossCard,
  Gen,
  Hello,
  Hit,
  InputSeq,
  PlayerType,
  ShardType,
  Spoils,
  State,
  Token,
  Welcome,
} from './protocol';
import type { Form, Items } from './ucore';
import { DecodeError, decodeState, encodeState, u64 } from './ucore';

export { DecodeError } from './ucore';

function takeBody<T>(form: Form<T>, from: Items): T {
  const body = from.array((items) => form.read('open', items));
  from.end();
  return body;
}

function message<T>(type: number, form: Form<T>, body: T): Uint8Array<ArrayBuffer> {
  const items: unknown[] = [];
  form.write(body, 'open', items);
  return close([type, items]);
}

/** Reads what a shard says on one connection. */
export class ShardReader {
  #state: State | null = null;

  /** A message; null if a newer shard says something that this client does not know. */
  read(bytes: Uint8Array): ShardMessage | null {
    const from = open(bytes);
    const type = u64.read('closed', from);
    switch (type) {
      case ShardType.Welcome:
        return [type, takeBody(Welcome, from)];
      case ShardType.Ack:
        return [type, takeBody(Ack, from)];
      case ShardType.State:
        return [type, this.#learn(takeBody(State, from))];
      case ShardType.Boss:
        return [type, takeBody(BossCard, from)];
      case ShardType.Change:
        return [ShardType.State, this.#learn(this.#change(from))];
      case ShardType.Board:
        return [type, takeBody(Board, from)];
      case ShardType.Spoils:
        return [type, takeBody(Spoils, from)];
      default:
        return null;
    }
  }

  #learn(state: State): State {
    this.#state = state;
    return state;
  }

  #change(from: Items): State {
    const before = this.#state;
    if (before === null) throw new DecodeError('a Change came before a State');
    const state = produce(before, (draft: State) => {
      from.array((items) => State.apply(draft, 'open', items));
    });
    from.end();
    return state;
  }
}

export function encodePlayer([type, body]: PlayerMessage): Uint8Array<ArrayBuffer> {
  switch (type) {
    case PlayerType.Hello:
      return message(type, Hello, body);
    case PlayerType.Hit:
      return message(type, Hit, body);
  }
}

/** The other side's half, for tests that play a shard. */
export function decodePlayer(bytes: Uint8Array): PlayerMessage | null {
  const from = open(bytes);
  const type = u64.read('closed', from);
  switch (type) {
    case PlayerType.Hello:
      return [type, takeBody(Hello, from)];
    case PlayerType.Hit:
      return [type, takeBody(Hit, from)];
    default:
      return null;
  }
}

/** The other side's half, for tests that play a shard. */
export function encodeShard([type, body]: ShardMessage): Uint8Array<ArrayBuffer> {
  switch (type) {
    case ShardType.Welcome:
      return message(type, Welcome, body);
    case ShardType.Ack:
      return message(type, Ack, body);
    case ShardType.State:
      return message(type, State, body);
    case ShardType.Boss:
      return message(type, BossCard, body);
    case ShardType.Board:
      return message(type, Board, body);
    case ShardType.Spoils:
      return message(type, Spoils, body);
  }
}

/** An input sequence; throws what is none. */
export function toInputSeq(value: number): InputSeq {
  return decodeState(InputSeq, close([value]));
}

/** A generation from the browser's storage; null if it is none. */
export function parseGen(stored: string | null): Gen | null {
  if (stored === null || !/^\d{1,9}$/.test(stored)) return null;
  return decodeState(Gen, close([Number(stored)]));
}

/** A token from the browser's storage; null if it is none. */
export function parseToken(stored: string | null): Token | null {
  if (stored === null || !/^[0-9a-f]{32}$/.test(stored)) return null;
  return decodeState(Token, encodeState(Token, stored as Token));
}
