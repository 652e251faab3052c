//! TypeScript from schemas: a type and a form for each thing with a name.
#![expect(clippy::wildcard_enum_match_arm, reason = "some questions are about a few layouts only")]

use crate::{Field, INT_MAX, Lane, Schema};

/// A TypeScript module with everything that has a name in these schemas and in what they hold: each
/// once, behind what it is made of. The same schemas give the same text.
///
/// A name is that of a type, and of a form that reads its values and applies its updates. Forms are
/// built from those of `runtime`, the path of `web-client/src/ucore.ts` as the module imports it.
///
/// | Rust | TypeScript |
/// |---|---|
/// | numbers, [`Counter`](crate::Counter), [`Max`](crate::Max), [`Min`](crate::Min) | `number` |
/// | `char`, `String`; [`Bin`](crate::Bin) in hexadecimal | `string` |
/// | [`Blob`](crate::Blob) | `Uint8Array` |
/// | `Option<T>` | `T \| null`; `[T] \| null` if `T` may itself begin with nil |
/// | tuples | arrays of that length |
/// | `Vec`, [`UVec`](crate::UVec), [`UStack`](crate::UStack) | `T[]` |
/// | `BTreeMap`, [`UMap`](crate::UMap), [`GMap`](crate::GMap) | `Map` |
/// | [`GSet`](crate::GSet) | `Set` |
/// | structs | interfaces |
/// | [`newtype!`](crate::newtype) | branded types |
/// | [`codes!`](crate::codes) | tables of numbers, with `Unknown: 0` for those of a newer program |
///
/// A tuple as a key of a `Map` or a member of a `Set` is a `string`: its parts joined by commas,
/// texts among them in quotation marks. Codes of which one is 0 have no `Unknown`: with them, a
/// number that is not listed is refused.
///
/// ```
/// use ucore::{Counter, GMap, Typed, Updatable};
///
/// #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
/// struct Player(u32);
/// ucore::newtype!(Player(u32));
///
/// #[derive(Debug, Clone, Default, PartialEq, Updatable)]
/// struct Board {
///     #[update(tag = 1, ordered)]
///     phase: u8,
///     #[update(tag = 0, delta)]
///     damage: GMap<Player, Counter>,
/// }
///
/// assert_eq!(
///     ucore::typescript("./ucore", &[Board::SCHEMA]),
///     "\
/// // Generated from the types of the same names in Rust. Change those, and this follows.
///
/// import * as u from './ucore';
///
/// export type Player = u.Branded<number, 'Player'>;
/// export const Player: u.Form<Player> = u.named('Player', u.u32);
///
/// export interface Board {
///   damage: Map<Player, number>;
///   phase: number;
/// }
/// export const Board: u.Form<Board> = u.struct('Board', {
///   damage: [0, u.gmap(Player, u.counter)],
///   phase: [1, u.u8],
/// });
/// "
/// );
/// ```
///
/// # Panics
/// If two different types have one name, or a type has a code 0 that is called `Unknown`, which
/// stands for those of a newer program.
#[must_use]
pub fn typescript(runtime: &str, schemas: &[&'static Schema]) -> String {
    let mut named = Vec::new();
    schemas.iter().for_each(|schema| collect(schema, &mut named));
    let mut module = format!("{HEADER}\n\nimport * as u from '{runtime}';\n");
    for (name, schema) in named {
        module.push('\n');
        module.push_str(&declaration(name, schema));
    }
    module
}

const HEADER: &str =
    "// Generated from the types of the same names in Rust. Change those, and this follows.";
const COLUMNS_MAX: usize = 100;

/// Everything with a name, behind what it is made of.
fn collect(schema: &'static Schema, named: &mut Vec<(&'static str, &'static Schema)>) {
    for part in parts(schema) {
        collect(part, named);
    }
    let (Schema::Named(name, _)
    | Schema::Codes(name, ..)
    | Schema::Record(name, _)
    | Schema::Struct(name, _)) = schema
    else {
        return;
    };
    match named.iter().find(|(known, _)| known == name) {
        Some((_, known)) => assert!(*known == schema, "two different types are called {name}"),
        None => named.push((name, schema)),
    }
}

fn parts(schema: &'static Schema) -> Vec<&'static Schema> {
    match schema {
        Schema::Unsigned(_)
        | Schema::Signed(_)
        | Schema::Float(_)
        | Schema::Bool
        | Schema::Nil
        | Schema::Char
        | Schema::Text
        | Schema::Bytes(_)
        | Schema::Blob
        | Schema::Codes(..)
        | Schema::Counter
        | Schema::Max
        | Schema::Min => Vec::new(),
        Schema::Named(..) => parts(look(schema)),
        Schema::Option(of)
        | Schema::List(of)
        | Schema::Reg(of)
        | Schema::GSet(of)
        | Schema::UVec(of)
        | Schema::UStack(of) => vec![of],
        Schema::Lines(key, value) | Schema::GMap(key, value) | Schema::UMap(key, value) => {
            vec![key, value]
        }
        Schema::Tuple(parts) => parts.to_vec(),
        Schema::Record(_, fields) | Schema::Struct(_, fields) => {
            fields.iter().map(|field| field.schema).collect()
        }
    }
}

/// What a named type looks like. One inside another would have two brands, which nothing has.
fn look(schema: &'static Schema) -> &'static Schema {
    if let Schema::Named(_, of) = schema { look(of) } else { schema }
}

/// Whether the run of some value may begin with nil, as [`crate::Wire::NIL`] says.
fn begins_with_nil(schema: &Schema) -> bool {
    match schema {
        Schema::Nil | Schema::Option(_) => true,
        Schema::Reg(of) | Schema::Named(_, of) => begins_with_nil(of),
        Schema::Tuple([first, ..]) => begins_with_nil(first),
        _ => false,
    }
}

/// The same of an update. That of a tuple begins with that of its first part, which may be none.
fn update_begins_with_nil(schema: &Schema) -> bool {
    match schema {
        Schema::Nil | Schema::Tuple(_) => true,
        Schema::Reg(of) | Schema::Named(_, of) => begins_with_nil(of),
        _ => false,
    }
}

/// Whether all of it accumulates: only that can be in a [`crate::GMap`].
fn commutes(schema: &Schema) -> bool {
    match schema {
        Schema::Counter | Schema::Max | Schema::Min | Schema::GSet(_) | Schema::GMap(..) => true,
        Schema::Struct(_, fields) => fields.iter().all(|field| field.lane == Some(Lane::Delta)),
        _ => false,
    }
}

fn declaration(name: &str, schema: &'static Schema) -> String {
    match schema {
        Schema::Codes(_, max, codes) => {
            let integers = unsigned(*max).flat();
            let table: String =
                unknown(codes).chain(codes.iter().copied()).map(code).collect::<String>();
            format!(
                "export const {name} = u.codes('{name}', {integers}, {{\n{table}}});\n\
                 export type {name} = u.Value<typeof {name}>;\n"
            )
        }
        Schema::Record(_, fields) => {
            let forms = fields.iter().map(|field| (field, form_of(field.schema)));
            structure(name, fields, "Form", &table("record", name, forms))
        }
        Schema::Struct(_, fields) => {
            let forms = fields.iter().map(|field| {
                let tag = Doc::text(field.tag.to_string());
                let mut parts = vec![tag, form_of(field.schema)];
                if field.lane == Some(Lane::Ordered) && commutes(field.schema) {
                    parts.push(Doc::text("'ordered'"));
                }
                (field, Doc::List("[".to_owned(), parts, "]"))
            });
            let (form, function) =
                if commutes(schema) { ("Commuting", "commuting") } else { ("Form", "struct") };
            structure(name, fields, form, &table(function, name, forms))
        }
        _ => {
            let of = look(schema);
            let text = Doc::text(format!("'{name}'"));
            let (brand, form) = (type_of(of).flat(), call("named", [text, form_of(of)]).flat());
            format!(
                "export type {name} = u.Branded<{brand}, '{name}'>;\n\
                 export const {name}: u.Form<{name}> = {form};\n"
            )
        }
    }
}

/// What a code of a newer program is read as, if nothing else has that number.
fn unknown(codes: &[(&'static str, u64)]) -> impl Iterator<Item = (&'static str, u64)> {
    assert!(!codes.contains(&("Unknown", 0)), "a code 0 needs another name than Unknown");
    let is_free = codes.iter().all(|(name, code)| *name != "Unknown" && *code != 0);
    is_free.then_some(("Unknown", 0)).into_iter()
}

fn code((name, code): (&str, u64)) -> String {
    format!("  {name}: {code},\n")
}

fn structure(name: &str, fields: &[Field], form: &str, value: &str) -> String {
    let types = fields.iter().map(|field| {
        let left = format!("  {}: ", property(field));
        format!("{left}{};\n", type_of(field.schema).at(2, left.len()))
    });
    let types: String = types.collect();
    format!(
        "export interface {name} {{\n{types}}}\nexport const {name}: u.{form}<{name}> = {value};\n"
    )
}

fn table<'a>(function: &str, name: &str, fields: impl Iterator<Item = (&'a Field, Doc)>) -> String {
    let lines = fields.map(|(field, form)| {
        let left = format!("  {}: ", property(field));
        format!("{left}{},\n", form.at(2, left.len()))
    });
    let lines: String = lines.collect();
    format!("u.{function}('{name}', {{\n{lines}}})")
}

/// A name that is a word of Rust is none of a property in TypeScript.
fn property(field: &Field) -> &str {
    field.name.strip_prefix("r#").unwrap_or(field.name)
}

fn type_of(schema: &'static Schema) -> Doc {
    match schema {
        Schema::Unsigned(_)
        | Schema::Signed(_)
        | Schema::Float(_)
        | Schema::Counter
        | Schema::Max
        | Schema::Min => Doc::text("number"),
        Schema::Bool => Doc::text("boolean"),
        Schema::Nil => Doc::text("null"),
        Schema::Char | Schema::Text | Schema::Bytes(_) => Doc::text("string"),
        Schema::Blob => Doc::text("Uint8Array"),
        Schema::Named(name, _)
        | Schema::Codes(name, ..)
        | Schema::Record(name, _)
        | Schema::Struct(name, _) => Doc::text(*name),
        Schema::Option(of) if begins_with_nil(of) => {
            Doc::List("[".to_owned(), vec![type_of(of)], "] | null")
        }
        Schema::Option(of) => type_of(of).followed_by(" | null"),
        Schema::Tuple(parts) => {
            Doc::List("[".to_owned(), parts.iter().map(|part| type_of(part)).collect(), "]")
        }
        Schema::List(of) | Schema::UVec(of) | Schema::UStack(of) => match look_through(of) {
            Schema::Option(_) => Doc::List("(".to_owned(), vec![type_of(of)], ")[]"),
            _ => type_of(of).followed_by("[]"),
        },
        Schema::Reg(of) => type_of(of),
        Schema::GSet(key) => Doc::List("Set<".to_owned(), vec![key_of(key)], ">"),
        Schema::Lines(key, value) | Schema::GMap(key, value) | Schema::UMap(key, value) => {
            Doc::List("Map<".to_owned(), vec![key_of(key), type_of(value)], ">")
        }
    }
}

/// A register has no type of its own.
fn look_through(schema: &'static Schema) -> &'static Schema {
    if let Schema::Reg(of) = schema { look_through(of) } else { schema }
}

fn key_of(schema: &'static Schema) -> Doc {
    match look(schema) {
        Schema::Tuple(_) => Doc::text("string"),
        _ => type_of(schema),
    }
}

fn form_of(schema: &'static Schema) -> Doc {
    match schema {
        Schema::Unsigned(max) => unsigned(*max),
        Schema::Signed(bits) => Doc::text(format!("u.i{bits}")),
        Schema::Float(bits) => Doc::text(format!("u.f{bits}")),
        Schema::Bool => Doc::text("u.bool"),
        Schema::Nil => Doc::text("u.nil"),
        Schema::Char => Doc::text("u.char"),
        Schema::Text => Doc::text("u.text"),
        Schema::Bytes(len) => call("bytes", [Doc::text(len.to_string())]),
        Schema::Blob => Doc::text("u.blob"),
        Schema::Named(name, _)
        | Schema::Codes(name, ..)
        | Schema::Record(name, _)
        | Schema::Struct(name, _) => Doc::text(*name),
        Schema::Option(of) if begins_with_nil(of) => call("nested", [form_of(of)]),
        Schema::Option(of) => call("option", [form_of(of)]),
        Schema::Tuple(parts) => call("tuple", parts.iter().map(|part| part_of(part))),
        Schema::List(of) => call("list", [form_of(of)]),
        Schema::Reg(of) => call("reg", [form_of(of)]),
        Schema::Counter => Doc::text("u.counter"),
        Schema::Max => Doc::text("u.max"),
        Schema::Min => Doc::text("u.min"),
        Schema::GSet(key) => call("gset", [form_of(key)]),
        Schema::Lines(key, value) => call("lines", [form_of(key), form_of(value)]),
        Schema::GMap(key, value) => call("gmap", [form_of(key), form_of(value)]),
        Schema::UMap(key, value) => call("umap", [form_of(key), form_of(value)]),
        Schema::UVec(of) => call("uvec", [form_of(of)]),
        Schema::UStack(of) => call("ustack", [form_of(of)]),
    }
}

fn unsigned(max: u64) -> Doc {
    match max {
        0xff => Doc::text("u.u8"),
        0xffff => Doc::text("u.u16"),
        0xffff_ffff => Doc::text("u.u32"),
        u64::MAX => Doc::text("u.u64"),
        _ => call("unsigned", [Doc::text(max.min(INT_MAX).to_string())]),
    }
}

fn part_of(schema: &'static Schema) -> Doc {
    let form = form_of(schema);
    if update_begins_with_nil(schema) { call("alone", [form]) } else { form }
}

fn call(function: &str, arguments: impl IntoIterator<Item = Doc>) -> Doc {
    Doc::List(format!("u.{function}("), arguments.into_iter().collect(), ")")
}

/// Text with places where it may be broken, if it is too long for one line.
enum Doc {
    Text(String),
    List(String, Vec<Self>, &'static str),
    Followed(Box<Self>, &'static str),
}

impl Doc {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn followed_by(self, text: &'static str) -> Self {
        Self::Followed(Box::new(self), text)
    }

    fn flat(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::List(open, parts, close) => {
                let parts: Vec<_> = parts.iter().map(Self::flat).collect();
                format!("{open}{}{close}", parts.join(", "))
            }
            Self::Followed(of, text) => format!("{}{text}", of.flat()),
        }
    }

    /// As it looks behind `column` columns of a line that is indented by `indent`, where one more
    /// character follows.
    fn at(&self, indent: usize, column: usize) -> String {
        let flat = self.flat();
        if column + flat.len() < COLUMNS_MAX {
            return flat;
        }
        match self {
            Self::Text(_) => flat,
            Self::List(open, parts, close) => {
                let inner = indent + 2;
                let parts: Vec<_> = parts
                    .iter()
                    .map(|part| format!("\n{:inner$}{}", "", part.at(inner, inner)))
                    .collect();
                // Parameters of types are the one list that does not end with a comma.
                let end = if *close == ">" { "" } else { "," };
                format!("{open}{}{end}\n{:indent$}{close}", parts.join(","), "")
            }
            Self::Followed(of, text) => format!("{}{text}", of.at(indent, column + text.len())),
        }
    }
}
