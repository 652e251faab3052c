// Takes an update without a value that it would change: what is read here is an update in Rust.

import type { Inner, Shape } from '../forms';
import type { Items, Run } from '../items';
import { eachKey, isDelta, lines, list, takeKey, u8, u32, u64 } from '../ucore';

/** Takes an update. Throws a `DecodeError` if it is none. */
export function skipUpdate(form: Inner, run: Run, from: Items): void {
  const { shape } = form;
  switch (shape.kind) {
    case 'leaf':
    case 'named':
    case 'codes':
    case 'list':
    case 'reg':
    case 'lines':
    case 'record':
      form.read(run, from);
      return;
    case 'counter':
    case 'max':
    case 'min':
    case 'gset':
      // The delta of such a value is another one.
      form.apply(shape.kind === 'gset' ? new Set() : 0, run, from);
      return;
    case 'gmap':
      return skipLines(shape, run, from);
    case 'option':
    case 'nested':
      return skipMaybe(shape.of, run, from);
    case 'alone':
      from.array((items) => skipUpdate(shape.of, 'open', items));
      return;
    case 'tuple':
      for (const part of shape.parts) {
        if (!from.takeNil()) skipUpdate(part, 'closed', from);
      }
      return;
    case 'umap':
      return skipMap(shape, run, from);
    case 'uvec':
      return skipList(shape.of, run, from);
    case 'ustack':
      return skipStack(shape.of, run, from);
    case 'struct':
      return skipStruct(shape, run, from);
  }
}

function skipLines({ key, of }: { key: Inner; of: Inner }, run: Run, from: Items): void {
  let isEmpty = true;
  eachKey(key, run, from, (_, items) => {
    isEmpty = false;
    skipUpdate(of, 'closed', items);
    if (items.saidNothing) throw items.error('changes nothing');
  });
  from.saidNothing = isEmpty;
}

function skipMaybe(of: Inner, run: Run, from: Items): void {
  switch (u8.read('closed', from)) {
    case 0:
      of.read(run, from);
      return;
    case 1:
      return;
    case 2:
      return skipUpdate(of, run, from);
  }
  throw from.error('is no operation');
}

function skipMap({ key, of }: { key: Inner; of: Inner }, run: Run, from: Items): void {
  switch (u8.read('closed', from)) {
    case 0:
      takeKey(key, from);
      of.read(run, from);
      return;
    case 1:
      takeKey(key, from);
      return;
    case 2:
      takeKey(key, from);
      return skipUpdate(of, run, from);
    case 3:
      lines(key, of).read(run, from);
      return;
    case 4:
      return;
  }
  throw from.error('is no operation');
}

function skipList(of: Inner, run: Run, from: Items): void {
  const operation = u8.read('closed', from);
  switch (operation) {
    case 0:
      of.read(run, from);
      return;
    case 1:
    case 8:
      return;
    case 2:
    case 9:
      u32.read('closed', from);
      of.read(run, from);
      return;
    case 4:
      u32.read('closed', from);
      return skipUpdate(of, run, from);
    case 3:
    case 6:
      u32.read('closed', from);
      return;
    case 5:
      u32.read('closed', from);
      u32.read('closed', from);
      return;
    case 7:
      list(of).read(run, from);
      return;
  }
  throw from.error('is no operation');
}

function skipStack(of: Inner, run: Run, from: Items): void {
  switch (u8.read('closed', from)) {
    case 0:
      of.read(run, from);
      return;
    case 1:
    case 3:
      return;
    case 2:
      return skipUpdate(of, run, from);
  }
  throw from.error('is no operation');
}

function skipStruct({ fields }: Extract<Shape, { kind: 'struct' }>, run: Run, from: Items): void {
  const mask = u64.read('closed', from);
  let left = mask;
  for (const field of Object.values(fields)) {
    const [tag, form] = field;
    if (Math.floor(mask / 2 ** tag) % 2 === 0) continue;
    left -= 2 ** tag;
    skipUpdate(form, left === 0 ? run : 'closed', from);
    if (isDelta(field) && from.saidNothing) throw from.error('changes nothing');
  }
  if (left > 0) throw from.error('names a field that is not there');
  from.saidNothing = mask === 0;
}
