// What a player and a shard say to each other. The bodies of the messages are generated.

import type {
  Ack,
  Board,
  BossCard,
  Hello,
  Hit,
  Spoils,
  State,
  Welcome,
} from './generated/messages';

export * from './generated/messages';

/** The first number of a player's message. */
export const PlayerType = { Hello: 1, Hit: 2 } as const;
/** The first number of a shard's message. */
export const ShardType = {
  Welcome: 1,
  Ack: 2,
  State: 3,
  Boss: 4,
  Change: 5,
  Board: 6,
  Spoils: 7,
} as const;

export type PlayerMessage =
  | [type: typeof PlayerType.Hello, body: Hello]
  | [type: typeof PlayerType.Hit, body: Hit];

/** What a shard has said. A Change is a State by then: it has been applied to the one before. */
export type ShardMessage =
  | [type: typeof ShardType.Welcome, body: Welcome]
  | [type: typeof ShardType.Ack, body: Ack]
  | [type: typeof ShardType.State, body: State]
  | [type: typeof ShardType.Boss, body: BossCard]
  | [type: typeof ShardType.Board, body: Board]
  | [type: typeof ShardType.Spoils, body: Spoils];
