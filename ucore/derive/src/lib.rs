//! `#[derive(Updatable)]` and `#[derive(Wire)]`; the documentation of `ucore` explains them.

mod fields;
mod updatable;
mod wire;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct updatable, field by field.
///
/// Each field says its tag, a number from 0 to 52 that never changes its meaning, and its lane:
/// `#[update(tag = 0, delta)]` for a field that only accumulates, `#[update(tag = 1, ordered)]` for
/// any other one. For `struct Board` this makes, besides the traits:
///
/// - `BoardDelta`, if there are `delta` fields: what commutes;
/// - `BoardUpdate`, if there are `ordered` fields: a `BoardDelta` and an update for each of them,
///   all or none of which apply;
/// - `BoardOps`: a method for each field that leads to its place.
///
/// `#[update(idempotent)]` on the struct says that its delta may be delivered twice, and is refused
/// unless that is so for all of its fields.
#[proc_macro_derive(Updatable, attributes(update))]
pub fn derive_updatable(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    updatable::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Gives a struct of plain data its bytes: an array of its fields, in the order in which they are
/// declared.
#[proc_macro_derive(Wire)]
pub fn derive_wire(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    wire::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
