// Generated from the types of the same names in Rust. Change those, and this follows.

import * as u from '../../src/ucore';

export type Player = u.Branded<number, 'Player'>;
export const Player: u.Form<Player> = u.named('Player', u.u64);

export type Title = u.Branded<string, 'Title'>;
export const Title: u.Form<Title> = u.named('Title', u.text);

export type Cell = u.Branded<[number, number], 'Cell'>;
export const Cell: u.Form<Cell> = u.named('Cell', u.tuple(u.u8, u.u8));

export type Token = u.Branded<string, 'Token'>;
export const Token: u.Form<Token> = u.named('Token', u.bytes(4));

export const Mood = u.codes('Mood', u.u8, {
  Unknown: 0,
  Calm: 1,
  Angry: 200,
});
export type Mood = u.Value<typeof Mood>;

export const Side = u.codes('Side', u.u8, {
  Left: 0,
  Right: 1,
});
export type Side = u.Value<typeof Side>;

export interface Leaves {
  a: number;
  b: number;
  c: number;
  d: number;
  e: number;
  f: number;
  g: number;
  h: number;
  i: number;
  j: number;
  k: boolean;
  l: string;
  player: Player;
  title: Title;
  cell: Cell;
  n: null;
  token: Token;
  mood: Mood;
  m: string;
  type: Side;
}
export const Leaves: u.Form<Leaves> = u.struct('Leaves', {
  a: [0, u.u8],
  b: [1, u.u16],
  c: [2, u.u32],
  d: [3, u.u64],
  e: [4, u.i8],
  f: [5, u.i16],
  g: [6, u.i32],
  h: [7, u.i64],
  i: [8, u.f32],
  j: [9, u.f64],
  k: [10, u.bool],
  l: [11, u.char],
  player: [13, Player],
  title: [14, Title],
  cell: [15, Cell],
  n: [31, u.nil],
  token: [32, Token],
  mood: [33, Mood],
  m: [40, u.text],
  type: [52, Side],
});

export interface Item {
  owner: Player | null;
  name: string;
  price: number;
  marks: number[];
}
export const Item: u.Form<Item> = u.record('Item', {
  owner: u.option(Player),
  name: u.text,
  price: u.i32,
  marks: u.list(u.u8),
});

export interface Shop {
  items: Item[];
  owner: Player | null;
  mood: Mood;
}
export const Shop: u.Form<Shop> = u.record('Shop', {
  items: u.list(Item),
  owner: u.option(Player),
  mood: Mood,
});

export interface Registers {
  item: Item | null;
  bits: (number | null)[];
  maybe_bits: (number | null)[] | null;
  twice: [number | null] | null;
  pair: [number, string];
  lines: Map<Player, Item>;
  shop: Shop;
}
export const Registers: u.Form<Registers> = u.struct('Registers', {
  item: [0, u.reg(u.option(Item))],
  bits: [1, u.reg(u.list(u.option(u.u8)))],
  maybe_bits: [2, u.reg(u.option(u.list(u.option(u.u8))))],
  twice: [3, u.reg(u.nested(u.option(u.u8)))],
  pair: [4, u.reg(u.tuple(u.u8, u.text))],
  lines: [5, u.reg(u.lines(Player, Item))],
  shop: [6, u.reg(Shop)],
});

export interface Maybes {
  number: number | null;
  item: Item | null;
  twice: [number | null] | null;
  pair: [[number | null, number]] | null;
  bits: number[] | null;
  nothing: [null] | null;
}
export const Maybes: u.Form<Maybes> = u.struct('Maybes', {
  number: [0, u.option(u.u8)],
  item: [1, u.option(Item)],
  twice: [2, u.nested(u.option(u.u8))],
  pair: [3, u.nested(u.tuple(u.option(u.u8), u.u8))],
  bits: [4, u.option(u.uvec(u.u8))],
  nothing: [5, u.nested(u.nil)],
});

export interface Pairs {
  plain: [number, string];
  mixed: [number, number[]];
  inner: [[number, number], number];
  three: [number | null, null, number];
}
export const Pairs: u.Form<Pairs> = u.struct('Pairs', {
  plain: [0, u.tuple(u.u8, u.text)],
  mixed: [1, u.tuple(u.counter, u.uvec(u.u8))],
  inner: [2, u.tuple(u.alone(u.tuple(u.u8, u.u8)), u.u8)],
  three: [3, u.tuple(u.alone(u.reg(u.option(u.u8))), u.alone(u.nil), u.u8)],
});

export interface Line {
  damage: number;
  best: number;
  seen: Set<number>;
}
export const Line: u.Commuting<Line> = u.commuting('Line', {
  damage: [0, u.counter],
  best: [1, u.max],
  seen: [2, u.gset(u.u32)],
});

export interface Sums {
  total: number;
  best: number;
  first: number;
  numbers: Set<number>;
  names: Set<string>;
  spots: Set<string>;
  cells: Set<string>;
  lines: Map<Player, Line>;
  groups: Map<Title, Map<number, number>>;
}
export const Sums: u.Commuting<Sums> = u.commuting('Sums', {
  total: [0, u.counter],
  best: [1, u.max],
  first: [2, u.min],
  numbers: [3, u.gset(u.u32)],
  names: [4, u.gset(u.text)],
  spots: [5, u.gset(u.tuple(u.u8, u.text))],
  cells: [6, u.gset(Cell)],
  lines: [7, u.gmap(Player, Line)],
  groups: [8, u.gmap(Title, u.gmap(u.u8, u.counter))],
});

export type Slot = u.Branded<number, 'Slot'>;
export const Slot: u.Form<Slot> = u.named('Slot', u.u8);

export interface Maps {
  titles: Map<Player, Title>;
  bags: Map<Title, Item[]>;
  cells: Map<string, Line>;
  spots: Map<string, number>;
  tokens: Map<Token, Map<number, boolean>>;
  answers: Map<boolean, string>;
  so_deep_that_it_takes_many_lines: Map<
    Player,
    Map<string, ([number, Map<Title, Line>[]] | null)[]>
  >;
}
export const Maps: u.Form<Maps> = u.struct('Maps', {
  titles: [0, u.umap(Player, Title)],
  bags: [1, u.umap(Title, u.uvec(Item))],
  cells: [2, u.umap(Cell, Line)],
  spots: [3, u.umap(u.tuple(Slot, Title), u.u8)],
  tokens: [4, u.umap(Token, u.umap(u.i8, u.bool))],
  answers: [5, u.umap(u.bool, u.char)],
  so_deep_that_it_takes_many_lines: [
    6,
    u.umap(
      Player,
      u.umap(
        u.tuple(Slot, Title),
        u.uvec(u.option(u.tuple(u.counter, u.ustack(u.umap(Title, Line))))),
      ),
    ),
  ],
});

export interface Lists {
  numbers: number[];
  grid: (number | null)[][];
  stack: Map<number, Line>[];
}
export const Lists: u.Form<Lists> = u.struct('Lists', {
  numbers: [0, u.uvec(u.u8)],
  grid: [1, u.uvec(u.uvec(u.option(u.u8)))],
  stack: [2, u.ustack(u.umap(u.u8, Line))],
});

export interface Pet {
  name: string;
  line: Line;
}
export const Pet: u.Form<Pet> = u.struct('Pet', {
  name: [0, u.text],
  line: [1, Line],
});

export interface Hero {
  name: Title;
  bag: Item[];
  line: Line;
  pet: Pet | null;
}
export const Hero: u.Form<Hero> = u.struct('Hero', {
  name: [0, Title],
  bag: [1, u.uvec(Item)],
  line: [2, Line],
  pet: [3, u.option(Pet)],
});

export interface World {
  heroes: Map<Player, Hero>;
  board: Map<Player, Line>;
  phase: number;
}
export const World: u.Form<World> = u.struct('World', {
  heroes: [1, u.umap(Player, Hero)],
  board: [2, u.gmap(Player, Line)],
  phase: [3, u.u8],
});
