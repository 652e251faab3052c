//! What a struct says about its fields, checked.

use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Fields, Ident, LitInt, Result, Type, Visibility};

/// A struct for which `Updatable` is derived.
pub(crate) struct Struct<'a> {
    /// Its fields in the order of their tags.
    pub(crate) fields: Vec<Field<'a>>,
    pub(crate) is_idempotent: bool,
}

pub(crate) struct Field<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) vis: &'a Visibility,
    pub(crate) of: &'a Type,
    pub(crate) tag: u32,
    pub(crate) lane: Lane,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    Delta,
    Ordered,
}

/// A mask of fields is an integer of at most 53 bits.
const TAG_MAX: u32 = 52;

const EXAMPLE: &str = "`#[update(tag = 0, delta)]` or `#[update(tag = 0, ordered)]`";

impl<'a> Struct<'a> {
    pub(crate) fn read(input: &'a DeriveInput) -> Result<Self> {
        let mut fields =
            named(input, "Updatable")?.into_iter().map(read_field).collect::<Result<Vec<_>>>()?;
        if fields.is_empty() {
            return Err(Error::new(
                input.ident.span(),
                "a struct without fields never changes: give it one",
            ));
        }
        for (idx, field) in fields.iter().enumerate() {
            if let Some(first) = fields[..idx].iter().find(|first| first.tag == field.tag) {
                let (tag, first) = (field.tag, first.name);
                let text = format!("tag {tag} belongs to `{first}`: give `{}` another", field.name);
                return Err(Error::new(field.name.span(), text));
            }
        }
        fields.sort_by_key(|field| field.tag);
        let of = Self { fields, is_idempotent: is_idempotent(&input.attrs)? };
        of.check()?;
        Ok(of)
    }

    /// What the compiler would find too, but could not explain.
    fn check(&self) -> Result<()> {
        let has_delta = self.fields.iter().any(|field| field.lane == Lane::Delta);
        for Field { name, of, lane, .. } in &self.fields {
            let is_ordered = *lane == Lane::Ordered;
            if is_ordered && has_delta && *name == "delta" {
                let text = "the update of this struct has a field `delta` for all that commutes: \
                            give this one another name";
                return Err(Error::new(name.span(), text));
            }
            if PLACE_METHODS.iter().any(|method| *name == method) {
                let text =
                    format!("every value or place has a method `{name}`: give this another name");
                return Err(Error::new(name.span(), text));
            }
            if let Some(kind) = without_delta(of).filter(|_| !is_ordered) {
                let text = format!(
                    "{kind} has no delta lane: make `{name}` an `ordered` field; what only \
                     accumulates is a `Counter`, `Max`, `Min`, `GSet` or `GMap`"
                );
                return Err(Error::new(of.span(), text));
            }
        }
        if self.is_idempotent && !has_delta {
            let text = "there is no delta that could be delivered twice: leave \
                        `#[update(idempotent)]` out";
            return Err(Error::new(self.fields[0].name.span(), text));
        }
        Ok(())
    }

    pub(crate) fn of_lane(&self, lane: Lane) -> Vec<&Field<'a>> {
        self.fields.iter().filter(|field| field.lane == lane).collect()
    }
}

/// The fields of a struct that is neither generic nor a tuple.
pub(crate) fn named<'a>(input: &'a DeriveInput, derive: &str) -> Result<Vec<&'a syn::Field>> {
    if !input.generics.params.is_empty() {
        let text = format!("`{derive}` can't be derived for a generic struct: name its types");
        return Err(Error::new(input.generics.span(), text));
    }
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(fields.named.iter().collect()),
            Fields::Unnamed(_) | Fields::Unit => Err(Error::new(
                input.ident.span(),
                "name the fields; for a struct around one number there is `ucore::newtype!`",
            )),
        },
        Data::Enum(_) | Data::Union(_) => Err(Error::new(
            input.ident.span(),
            format!("`{derive}` is for structs; for an enum without data there is `ucore::codes!`"),
        )),
    }
}

/// Names of the methods that lead to a field's place, but are taken.
const PLACE_METHODS: &[&str] =
    &["put", "within", "check", "apply", "lane", "write", "read", "fits", "clone", "eq", "into"];

/// Types that are known to have no delta lane, by their names. The compiler finds all others.
const WITHOUT_DELTA: &[&str] = &[
    "u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "f32", "f64", "bool", "char", "String",
    "Option", "Reg", "UMap", "UVec", "UStack",
];

fn without_delta(of: &Type) -> Option<String> {
    if matches!(of, Type::Tuple(_)) {
        return Some("a tuple".to_owned());
    }
    let Type::Path(path) = of else { return None };
    let name = path.path.segments.last()?.ident.to_string();
    WITHOUT_DELTA.contains(&name.as_str()).then(|| format!("`{name}`"))
}

fn read_field(field: &syn::Field) -> Result<Field<'_>> {
    let Some(name) = &field.ident else {
        return Err(Error::new(field.span(), "name this field"));
    };
    let mut attributes = field.attrs.iter().filter(|attribute| attribute.path().is_ident("update"));
    let (Some(attribute), None) = (attributes.next(), attributes.next()) else {
        let text = format!("say once what `{name}` is: {EXAMPLE}");
        return Err(Error::new(name.span(), text));
    };
    let (mut tag, mut lane) = (None, None);
    attribute.parse_nested_meta(|meta| {
        let found = if meta.path.is_ident("tag") {
            let number: LitInt = meta.value()?.parse()?;
            let value: u32 = number.base10_parse()?;
            if value > TAG_MAX {
                let text = format!("tags go up to {TAG_MAX}: use a smaller one that is free");
                return Err(Error::new(number.span(), text));
            }
            return match tag.replace(value) {
                None => Ok(()),
                Some(_) => Err(meta.error("a field has one tag, which it keeps")),
            };
        } else if meta.path.is_ident("delta") {
            Lane::Delta
        } else if meta.path.is_ident("ordered") {
            Lane::Ordered
        } else {
            return Err(meta.error(format!("expected {EXAMPLE}")));
        };
        match lane.replace(found) {
            None => Ok(()),
            Some(_) => Err(meta.error(
                "a field is in one lane: `delta` if it only accumulates, else `ordered`; an \
                 ordered write would undo deltas that came before it",
            )),
        }
    })?;
    let tag = tag.ok_or_else(|| {
        let text = format!("give `{name}` a tag of its own that it will keep: {EXAMPLE}");
        Error::new(attribute.span(), text)
    })?;
    let lane = lane.ok_or_else(|| {
        let text = format!("say the lane of `{name}`: {EXAMPLE}");
        Error::new(attribute.span(), text)
    })?;
    Ok(Field { name, vis: &field.vis, of: &field.ty, tag, lane })
}

fn is_idempotent(attributes: &[Attribute]) -> Result<bool> {
    let mut found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("update")) {
        attribute.parse_nested_meta(|meta| {
            found = meta.path.is_ident("idempotent");
            if found { Ok(()) } else { Err(meta.error("expected `#[update(idempotent)]`")) }
        })?;
    }
    Ok(found)
}
