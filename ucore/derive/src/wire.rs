//! The bytes of a struct's value: an array of its fields.

use crate::fields::named;
use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{DeriveInput, Ident, Result, Type};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = named(input, "Wire")?;
    let names: Vec<_> = fields.iter().filter_map(|field| field.ident.as_ref()).collect();
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let none = quote!(::core::option::Option::None);
    let rows: Vec<_> = (0..)
        .zip(names.iter().zip(&types))
        .map(|(tag, (name, of))| field(name, tag, &none, of))
        .collect();
    let wire = wire(&input.ident, &names, &types);
    let typed = typed(&input.ident, &quote!(Record), &rows);
    Ok(quote!(#wire #typed))
}

pub(crate) fn wire(name: &Ident, names: &[&Ident], types: &[&Type]) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl ::ucore::Wire for #name {
            fn write(&self, run: ::ucore::Run, to: &mut ::ucore::Writer) {
                to.list(run, |to| {
                    #( ::ucore::Wire::write(&self.#names, ::ucore::Run::Closed, to); )*
                });
            }

            fn read(
                run: ::ucore::Run,
                from: &mut ::ucore::Reader<'_>,
            ) -> ::core::result::Result<Self, ::ucore::DecodeError> {
                from.list(run, |from| {
                    ::core::result::Result::Ok(Self { #(
                        #names: <#types as ::ucore::Wire>::read(::ucore::Run::Closed, from)?,
                    )* })
                })
            }

            fn fits(&self) -> ::core::result::Result<(), ::ucore::Reject> {
                #( ::ucore::Wire::fits(&self.#names)?; )*
                ::core::result::Result::Ok(())
            }
        }
    }
}

/// The schema of a struct, from those of its fields.
pub(crate) fn typed(name: &Ident, kind: &TokenStream, fields: &[TokenStream]) -> TokenStream {
    let text = name.unraw().to_string();
    quote! {
        #[automatically_derived]
        impl ::ucore::Typed for #name {
            const SCHEMA: &'static ::ucore::Schema =
                &::ucore::Schema::#kind(#text, &[#(#fields),*]);
        }
    }
}

/// The schema of one field.
pub(crate) fn field(name: &Ident, tag: u32, lane: &TokenStream, of: &Type) -> TokenStream {
    let text = name.unraw().to_string();
    quote! {
        ::ucore::Field {
            name: #text,
            tag: #tag,
            lane: #lane,
            schema: <#of as ::ucore::Typed>::SCHEMA,
        }
    }
}
