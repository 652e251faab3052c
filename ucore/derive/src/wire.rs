//! The bytes of a struct's value: an array of its fields.

use crate::fields::named;
use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Ident, Result, Type};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = named(input, "Wire")?;
    let names: Vec<_> = fields.iter().filter_map(|field| field.ident.as_ref()).collect();
    let types: Vec<_> = fields.iter().map(|field| &field.ty).collect();
    let tags: Vec<_> = (0_u32..).take(names.len()).collect();
    let wire = wire(&input.ident, &names, &types);
    let typed = typed(&input.ident, &quote!(Record), &names, &types, &tags);
    Ok(quote!(#wire #typed))
}

pub(crate) fn wire(name: &Ident, names: &[&Ident], types: &[&Type]) -> TokenStream {
    let last = names.len().saturating_sub(1);
    let runs: Vec<_> = (0..names.len())
        .map(|idx| if idx == last { quote!(Open) } else { quote!(Closed) })
        .collect();
    // In an open run the first item is that of the first field.
    let nil = types.first().map(|first| quote!(const NIL: bool = <#first as ::ucore::Wire>::NIL;));
    quote! {
        #[automatically_derived]
        impl ::ucore::Wire for #name {
            #nil

            fn write(&self, run: ::ucore::Run, to: &mut ::ucore::Writer) {
                to.list(run, |to| {
                    #( ::ucore::Wire::write(&self.#names, ::ucore::Run::#runs, to); )*
                });
            }

            fn read(
                run: ::ucore::Run,
                from: &mut ::ucore::Reader<'_>,
            ) -> ::core::result::Result<Self, ::ucore::DecodeError> {
                from.list(run, |from| {
                    // Fields are evaluated in this order, and none of their names becomes that of
                    // a variable.
                    ::core::result::Result::Ok(Self {
                        #( #names: <#types as ::ucore::Wire>::read(::ucore::Run::#runs, from)?, )*
                    })
                })
            }

            fn fits(&self) -> ::core::result::Result<(), ::ucore::Reject> {
                #( ::ucore::Wire::fits(&self.#names)?; )*
                ::core::result::Result::Ok(())
            }
        }
    }
}

pub(crate) fn typed(
    name: &Ident,
    kind: &TokenStream,
    names: &[&Ident],
    types: &[&Type],
    tags: &[u32],
) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl ::ucore::Typed for #name {
            const SCHEMA: &'static ::ucore::Schema = &::ucore::Schema::#kind(
                ::core::stringify!(#name),
                &[#( ::ucore::Field {
                    name: ::core::stringify!(#names),
                    tag: #tags,
                    schema: <#types as ::ucore::Typed>::SCHEMA,
                } ),*],
            );
        }
    }
}
