// What a form looks like in words, as `ucore::Schema` writes them, and what its values begin with.

import type { Inner, Shape } from '../forms';
import type { Form } from '../ucore';
import { isCommuting, isDelta } from '../ucore';
import { xxh64 } from './xxh64';

// Every browser has it, but of the types it comes only with those of a document.
declare const TextEncoder: new () => { encode(text: string): Uint8Array };

/** The layout of a form's values, in one line. Equal layouts have equal texts. */
export function schemaText({ shape }: Inner): string {
  switch (shape.kind) {
    case 'leaf':
      return shape.text;
    case 'counter':
    case 'max':
    case 'min':
      return shape.kind;
    case 'named':
      return `${shape.name}(${schemaText(shape.of)})`;
    case 'codes':
      return `${shape.name}(${schemaText(shape.integers)})[${codeTexts(shape.table).join(', ')}]`;
    case 'option':
    case 'nested':
      return `option<${schemaText(shape.of)}>`;
    case 'alone':
      return schemaText(shape.of);
    case 'list':
    case 'reg':
    case 'gset':
      return `${shape.kind}<${schemaText(shape.of)}>`;
    case 'uvec':
    case 'ustack':
      return `${shape.kind.slice(1)}<${schemaText(shape.of)}>`;
    case 'lines':
    case 'gmap':
    case 'umap':
      return linesText(shape);
    case 'tuple':
      return `(${shape.parts.map(schemaText).join(', ')})`;
    case 'record':
      return `record ${shape.name}{${Object.entries(shape.fields)
        .map(([name, form], tag) => `${tag} ${name}: ${schemaText(form)}`)
        .join(', ')}}`;
    case 'struct':
      return structText(shape);
  }
}

function codeTexts(table: Readonly<Record<string, number>>): string[] {
  // Rust knows no code 0 of that name.
  const known = Object.entries(table).filter(([name, code]) => name !== 'Unknown' || code !== 0);
  return known.map(([name, code]) => `${code} ${name}`);
}

function linesText({ kind, key, of }: Extract<Shape, { key: Inner }>): string {
  const name = kind === 'umap' ? 'map' : kind;
  return `${name}<${schemaText(key)}, ${schemaText(of)}>`;
}

function structText({ name, fields }: Extract<Shape, { kind: 'struct' }>): string {
  const texts = Object.entries(fields).map(([name, field]) => {
    const lane = isDelta(field) ? 'delta' : 'ordered';
    return `${field[0]} ${name}: ${lane} ${schemaText(field[1])}`;
  });
  return `${name}{${texts.join(', ')}}`;
}

/** The hash of the layout, which programs compare before they share anything. */
export function schemaHash(form: Inner): string {
  return xxh64(new TextEncoder().encode(schemaText(form)));
}

/** What Rust's `Default` makes. Codes have none, so a value with codes has to be given. */
export function firstValue<T>(form: Form<T>): T {
  return first(form) as T;
}

function first(form: Inner): unknown {
  if (isCommuting(form)) return form.fresh();
  const { shape } = form;
  switch (shape.kind) {
    case 'leaf':
      return firstLeaf(shape.text);
    case 'counter':
    case 'max':
    case 'min':
    case 'gset':
    case 'gmap':
      throw new Error('what only accumulates has a first value of its own');
    case 'named':
    case 'reg':
    case 'alone':
      return first(shape.of);
    case 'codes':
      throw new Error(`${shape.name} has no first value: say which one the structure begins with`);
    case 'option':
    case 'nested':
      return null;
    case 'list':
    case 'uvec':
    case 'ustack':
      return [];
    case 'lines':
    case 'umap':
      return new Map();
    case 'tuple':
      return shape.parts.map(first);
    case 'record':
      return fieldsOf(Object.entries(shape.fields));
    case 'struct':
      return fieldsOf(Object.entries(shape.fields).map(([name, [, form]]) => [name, form]));
  }
}

function fieldsOf(fields: [name: string, form: Inner][]): unknown {
  return Object.fromEntries(fields.map(([name, form]) => [name, first(form)]));
}

function firstLeaf(text: string): unknown {
  if (text === 'bool') return false;
  if (text === 'nil') return null;
  if (text === 'text') return '';
  if (text === 'char') return '\0';
  if (text === 'blob') return new Uint8Array();
  if (text.startsWith('bytes')) return '00'.repeat(Number(text.slice(5)));
  return 0;
}
