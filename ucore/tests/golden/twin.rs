//! Values as JSON, for readers: maps as lists of pairs, so that their keys keep their types.

use crate::types::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use ucore::{Bin, Counter, GMap, GSet, Key, Max, Min, Reg, UMap, UStack, UVec, Updatable, Wire};

/// A value that has a twin.
pub(crate) trait Twin {
    fn twin(&self) -> Value;
}

fn list<'a, T: Twin + 'a>(values: impl IntoIterator<Item = &'a T>) -> Value {
    values.into_iter().map(Twin::twin).collect()
}

fn pairs<'a, K: Twin + 'a, V: Twin + 'a>(lines: impl Iterator<Item = (&'a K, &'a V)>) -> Value {
    lines.map(|(key, value)| json!([key.twin(), value.twin()])).collect()
}

macro_rules! plain {
    ($($type:ty),+) => {$( impl Twin for $type {
        fn twin(&self) -> Value {
            json!(self)
        }
    } )+};
}

macro_rules! by {
    ($($type:ty: |$it:ident| $twin:expr;)+) => {$( impl Twin for $type {
        fn twin(&self) -> Value {
            let $it = self;
            $twin
        }
    } )+};
}

macro_rules! fields {
    ($($name:ident { $($field:ident),+ })+) => {$( impl Twin for $name {
        fn twin(&self) -> Value {
            let fields = [$((stringify!($field), self.$field.twin())),+];
            let named = fields.map(|(name, twin)| (name.trim_start_matches("r#").to_owned(), twin));
            Value::Object(named.into_iter().collect())
        }
    } )+};
}

plain!(u8, u16, u32, u64, i8, i16, i32, i64, f32, f64, bool, char, (), String);

by! {
    Counter: |it| json!(it.get());
    Max: |it| json!(it.get());
    Min: |it| json!(it.get());
    Mood: |it| json!(it.code());
    Side: |it| json!(it.code());
    Player: |it| it.0.twin();
    Slot: |it| it.0.twin();
    Title: |it| it.0.twin();
    Cell: |it| it.0.twin();
    Token: |it| it.0.twin();
}

fields! {
    Item { owner, name, price, marks }
    Shop { items, owner, mood }
    Leaves { a, b, c, d, e, f, g, h, i, j, k, l, m, n, player, title, cell, token, mood, r#type }
    Registers { item, bits, maybe_bits, twice, pair, lines, shop }
    Maybes { number, item, twice, pair, bits, nothing }
    Pairs { plain, mixed, inner, three }
    Line { damage, best, seen }
    Sums { total, best, first, numbers, names, spots, cells, lines, groups }
    Maps { titles, bags, cells, spots, tokens, answers, so_deep_that_it_takes_many_lines }
    Lists { numbers, grid, stack }
    Pet { name, line }
    Hero { name, bag, line, pet }
    World { phase, heroes, board }
}

impl<const N: usize> Twin for Bin<N> {
    fn twin(&self) -> Value {
        json!(self.to_string())
    }
}

impl<T: Twin + Wire> Twin for Option<T> {
    /// In a list of its own where it could itself be nothing.
    fn twin(&self) -> Value {
        match self {
            None => Value::Null,
            Some(value) if T::NIL => json!([value.twin()]),
            Some(value) => value.twin(),
        }
    }
}

impl<A: Twin, B: Twin> Twin for (A, B) {
    fn twin(&self) -> Value {
        json!([self.0.twin(), self.1.twin()])
    }
}

impl<A: Twin, B: Twin, C: Twin> Twin for (A, B, C) {
    fn twin(&self) -> Value {
        json!([self.0.twin(), self.1.twin(), self.2.twin()])
    }
}

impl<T: Twin> Twin for Reg<T> {
    fn twin(&self) -> Value {
        self.get().twin()
    }
}

impl<T: Twin> Twin for Vec<T> {
    fn twin(&self) -> Value {
        list(self)
    }
}

impl<T: Twin> Twin for UVec<T> {
    fn twin(&self) -> Value {
        list(self)
    }
}

impl<T: Twin> Twin for UStack<T> {
    fn twin(&self) -> Value {
        list(self)
    }
}

impl<T: Twin + Ord> Twin for GSet<T> {
    fn twin(&self) -> Value {
        list(self.iter())
    }
}

impl<K: Twin, V: Twin> Twin for BTreeMap<K, V> {
    fn twin(&self) -> Value {
        pairs(self.iter())
    }
}

impl<K: Twin + Key, V: Twin> Twin for GMap<K, V> {
    fn twin(&self) -> Value {
        pairs(self.iter())
    }
}

impl<K: Twin + Key, V: Twin + Updatable> Twin for UMap<K, V> {
    fn twin(&self) -> Value {
        pairs(self.iter())
    }
}
