// What this player has got of the newest fallen boss.

import type { BossSpec, Gen, Spoils, State } from './protocol';
import { Status } from './protocol';

/** All that the page says of it. The scenario may be another one by the time it is read. */
export interface Victory {
  generation: Gen;
  boss: string;
  rank: number;
  players: number;
  damage: number;
  credit: number;
  hpMax: number;
  /** The names of the rewards. */
  rewards: string[];
}

/** Puts names to what a shard has said. */
export function victory(spoils: Spoils, spec: BossSpec | null, truth: State | null): Victory {
  const { generation, share, players } = spoils;
  const { rank, damage, credit } = share;
  const rewards = share.rewards.map((id) => {
    return spec?.rewards.find((reward) => reward.id === id)?.name ?? `reward ${id}`;
  });
  const hpMax = (truth?.generation === generation ? truth.hp_max : spec?.hp_max) ?? 0;
  const boss = spec?.name ?? 'The boss';
  return { generation, boss, rank, players, damage, credit, hpMax, rewards };
}

/** The steps from a death to the next life, in order. */
export const STEPS = [
  Status.Defeated,
  Status.Collecting,
  Status.Closed,
  Status.Credited,
  Status.Rewarded,
] as const;

/** How many of the steps are done. */
export function stepsDone(status: Status): number {
  return STEPS.filter((step) => step <= status).length;
}
