//! What `#[derive(Updatable)]` makes.

use crate::fields::{Field, Lane, Struct};
use crate::wire;
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Ident, Result, Type, Visibility};

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let of = Struct::read(input)?;
    let plan = Plan {
        name: &input.ident,
        vis: &input.vis,
        delta: format_ident!("{}Delta", input.ident),
        update: format_ident!("{}Update", input.ident),
        deltas: of.of_lane(Lane::Delta),
        ordered: of.of_lane(Lane::Ordered),
        of: &of,
    };
    let (names, types) = (names(of.fields.iter()), types(of.fields.iter()));
    let rows: Vec<_> = of.fields.iter().map(row).collect();
    let parts = [
        wire::wire(plan.name, &names, &types),
        wire::typed(plan.name, &quote!(Struct), &rows),
        plan.delta_struct(),
        plan.update_struct(),
        plan.updatable(),
        plan.accumulate(),
        plan.ops(),
    ];
    Ok(quote!(#(#parts)*))
}

/// A field in the schema.
fn row(field: &Field<'_>) -> TokenStream {
    let lane = match field.lane {
        Lane::Delta => quote!(Delta),
        Lane::Ordered => quote!(Ordered),
    };
    let lane = quote!(::core::option::Option::Some(::ucore::Lane::#lane));
    wire::field(field.name, field.tag, &lane, field.of)
}

struct Plan<'a> {
    name: &'a Ident,
    vis: &'a Visibility,
    /// The name of the delta's type.
    delta: Ident,
    /// The name of the update's type, if there are ordered fields.
    update: Ident,
    deltas: Vec<&'a Field<'a>>,
    ordered: Vec<&'a Field<'a>>,
    of: &'a Struct<'a>,
}

fn names<'a>(fields: impl Iterator<Item = &'a Field<'a>>) -> Vec<&'a Ident> {
    fields.map(|field| field.name).collect()
}

fn types<'a>(fields: impl Iterator<Item = &'a Field<'a>>) -> Vec<&'a Type> {
    fields.map(|field| field.of).collect()
}

impl Plan<'_> {
    /// What commutes, and that it does.
    fn delta_struct(&self) -> TokenStream {
        let Self { name, vis, delta, deltas, .. } = self;
        if deltas.is_empty() {
            return TokenStream::new();
        }
        let (names, types) = (names(deltas.iter().copied()), types(deltas.iter().copied()));
        let vises = deltas.iter().map(|field| field.vis);
        let doc = format!("What commutes in a [`{name}`].");
        let docs = names.iter().map(|name| format!("What `{name}` takes in."));
        let commutes = types
            .iter()
            .map(|of| quote_spanned!(of.span()=> const _: () = ::ucore::part::commutes::<#of>();));
        let idempotent = self.of.is_idempotent.then(|| {
            let checks = types.iter().map(|of| {
                quote_spanned!(of.span()=> const _: () = ::ucore::part::is_idempotent::<#of>();)
            });
            quote!(#(#checks)* impl ::ucore::Idempotent for #delta {})
        });
        let wire = Self::masked(delta, deltas, &[], &quote!(self), &quote!(read));
        let coalesce = self.ordered.is_empty().then(|| {
            quote! {
                #[automatically_derived]
                impl ::ucore::Coalesce for #delta {
                    fn coalesce(&mut self, later: Self) -> ::core::result::Result<(), Self> {
                        ::ucore::part::fold(self, later)
                    }
                }
            }
        });
        quote! {
            #(#commutes)*

            #[doc = #doc]
            #[derive(Debug, Clone, Default, PartialEq)]
            #vis struct #delta {
                #( #[doc = #docs] #vises #names: <#types as ::ucore::Accumulate>::Delta, )*
            }

            #[automatically_derived]
            impl ::ucore::Delta for #delta {
                fn merge(&mut self, other: Self) {
                    #( ::ucore::Delta::merge(&mut self.#names, other.#names); )*
                }

                fn is_identity(&self) -> bool {
                    true #( && ::ucore::Delta::is_identity(&self.#names) )*
                }

                fn fits_with(&self, other: &Self) -> bool {
                    true #( && ::ucore::Delta::fits_with(&self.#names, &other.#names) )*
                }
            }

            #idempotent
            #wire
            #coalesce
        }
    }

    /// What all fields take, if not all of them commute.
    fn update_struct(&self) -> TokenStream {
        let Self { name, vis, delta, update, deltas, ordered, .. } = self;
        if ordered.is_empty() {
            return TokenStream::new();
        }
        let (names, types) = (names(ordered.iter().copied()), types(ordered.iter().copied()));
        let vises = ordered.iter().map(|field| field.vis);
        let doc = format!("An update of a [`{name}`]: all of it applies, or nothing.");
        let docs = names.iter().map(|name| format!("What changes `{name}`."));
        let has_delta = !deltas.is_empty();
        let delta_field =
            has_delta.then(|| quote!(#[doc = "What commutes in it."] pub delta: #delta,));
        let refuse = has_delta.then(|| {
            quote! {
                if !::ucore::Delta::fits_with(&self.delta, &later.delta) {
                    return ::core::result::Result::Err(later);
                }
            }
        });
        let merge = has_delta.then(|| quote!(::ucore::Delta::merge(&mut self.delta, later.delta);));
        let wire = Self::masked(update, deltas, ordered, &quote!(self.delta), &quote!(read.delta));
        quote! {
            #[doc = #doc]
            #[derive(Debug, Clone, Default, PartialEq)]
            #vis struct #update {
                #delta_field
                #( #[doc = #docs]
                #vises #names: ::core::option::Option<<#types as ::ucore::Updatable>::Update>, )*
            }

            #[automatically_derived]
            impl ::ucore::Coalesce for #update {
                fn coalesce(&mut self, later: Self) -> ::core::result::Result<(), Self> {
                    #refuse
                    let parts = 0_u32 #( + u32::from(later.#names.is_some()) )*;
                    // One part refuses before anything has changed.
                    let before = (parts > 1).then(|| (self.clone(), later.clone()));
                    let mut later = later;
                    let folded = true
                        #( && ::ucore::part::coalesce(&mut self.#names, &mut later.#names) )*;
                    if !folded {
                        if let ::core::option::Option::Some((first, rest)) = before {
                            *self = first;
                            later = rest;
                        }
                        return ::core::result::Result::Err(later);
                    }
                    #merge
                    ::core::result::Result::Ok(())
                }
            }

            #wire
        }
    }

    /// The bytes of an update: a mask of the tags of the fields that change, then their updates.
    fn masked(
        name: &Ident,
        deltas: &[&Field<'_>],
        ordered: &[&Field<'_>],
        of: &TokenStream,
        to: &TokenStream,
    ) -> TokenStream {
        let mut fields: Vec<_> = deltas.iter().chain(ordered).collect();
        fields.sort_by_key(|field| field.tag);
        let all = fields.iter().fold(0, |all, field| all | 1_u64 << field.tag);
        let (mut marks, mut writes, mut reads, mut fits) = (vec![], vec![], vec![], vec![]);
        for Field { name, of: kind, tag, lane, .. } in fields {
            let (mark, write, read, fit) = match lane {
                Lane::Delta => (
                    quote!(!::ucore::Delta::is_identity(&#of.#name)),
                    quote!(::ucore::Wire::write(&#of.#name, run, to)),
                    quote!(#to.#name = ::ucore::part::read_delta::<#kind>(run, from)?),
                    quote!(::ucore::Wire::fits(&#of.#name)?),
                ),
                Lane::Ordered => (
                    quote!(self.#name.is_some()),
                    quote!(::ucore::part::write(self.#name.as_ref(), run, to)),
                    quote!(read.#name = ::core::option::Option::Some(
                        ::ucore::Wire::read(run, from)?
                    )),
                    quote!(::ucore::part::fits(self.#name.as_ref())?),
                ),
            };
            marks.push(quote!(if #mark { mask |= 1 << #tag; }));
            let run = quote!(let run = ::ucore::part::run(mask, #tag, run););
            writes.push(quote!(if mask & 1 << #tag != 0 { #run #write; }));
            reads.push(quote!(if mask & 1 << #tag != 0 { #run #read; }));
            fits.push(fit);
        }
        quote! {
            #[automatically_derived]
            impl ::ucore::Wire for #name {
                fn write(&self, run: ::ucore::Run, to: &mut ::ucore::Writer) {
                    let mut mask = 0_u64;
                    #(#marks)*
                    to.uint(mask);
                    #(#writes)*
                }

                fn read(
                    run: ::ucore::Run,
                    from: &mut ::ucore::Reader<'_>,
                ) -> ::core::result::Result<Self, ::ucore::DecodeError> {
                    let mask = ::ucore::part::read_mask(#all, from)?;
                    let mut read = <Self as ::core::default::Default>::default();
                    #(#reads)*
                    ::core::result::Result::Ok(read)
                }

                fn fits(&self) -> ::core::result::Result<(), ::ucore::Reject> {
                    #(#fits;)*
                    ::core::result::Result::Ok(())
                }
            }
        }
    }

    fn updatable(&self) -> TokenStream {
        let Self { name, delta, update, deltas, ordered, .. } = self;
        let names = names(ordered.iter().copied());
        if ordered.is_empty() {
            return quote! {
                #[automatically_derived]
                impl ::ucore::Commuting for #name {}

                #[automatically_derived]
                impl ::ucore::Updatable for #name {
                    type Update = #delta;

                    fn check(
                        &self,
                        update: &#delta,
                    ) -> ::core::result::Result<(), ::ucore::Reject> {
                        ::ucore::Accumulate::check_delta(self, update)
                    }

                    fn apply(
                        &mut self,
                        update: #delta,
                    ) -> ::core::result::Result<(), ::ucore::Reject> {
                        ::ucore::Accumulate::check_delta(self, &update)?;
                        ::ucore::Accumulate::absorb(self, update);
                        ::core::result::Result::Ok(())
                    }

                    fn lane(_: &#delta) -> ::ucore::Lane {
                        ::ucore::Lane::Delta
                    }
                }
            };
        }
        let has_delta = !deltas.is_empty();
        let check =
            has_delta.then(|| quote!(::ucore::Accumulate::check_delta(self, &update.delta)?;));
        let absorb = has_delta.then(|| quote!(::ucore::Accumulate::absorb(self, update.delta);));
        quote! {
            #[automatically_derived]
            impl ::ucore::Updatable for #name {
                type Update = #update;

                fn check(&self, update: &#update) -> ::core::result::Result<(), ::ucore::Reject> {
                    #check
                    #( ::ucore::part::check(&self.#names, update.#names.as_ref())?; )*
                    ::core::result::Result::Ok(())
                }

                fn apply(
                    &mut self,
                    update: #update,
                ) -> ::core::result::Result<(), ::ucore::Reject> {
                    ::ucore::Updatable::check(self, &update)?;
                    #absorb
                    #( ::ucore::part::apply(&mut self.#names, update.#names)?; )*
                    ::core::result::Result::Ok(())
                }

                fn lane(update: &#update) -> ::ucore::Lane {
                    if true #( && update.#names.is_none() )* {
                        ::ucore::Lane::Delta
                    } else {
                        ::ucore::Lane::Ordered
                    }
                }
            }
        }
    }

    /// The delta lane, if there is one.
    fn accumulate(&self) -> TokenStream {
        let Self { name, delta, update, deltas, ordered, .. } = self;
        if deltas.is_empty() {
            return TokenStream::new();
        }
        let names = names(deltas.iter().copied());
        let (lift, lower) = if ordered.is_empty() {
            (quote!(delta), quote!(::core::result::Result::Ok(update)))
        } else {
            let lift = quote!(#update { delta, ..::core::default::Default::default() });
            let lower = quote! {
                match <Self as ::ucore::Updatable>::lane(&update) {
                    ::ucore::Lane::Delta => ::core::result::Result::Ok(update.delta),
                    ::ucore::Lane::Ordered => ::core::result::Result::Err(update),
                }
            };
            (lift, lower)
        };
        quote! {
            #[automatically_derived]
            impl ::ucore::Accumulate for #name {
                type Delta = #delta;

                fn absorb(&mut self, delta: #delta) {
                    #( ::ucore::Accumulate::absorb(&mut self.#names, delta.#names); )*
                }

                fn lift(delta: #delta) -> <Self as ::ucore::Updatable>::Update {
                    #lift
                }

                fn lower(
                    update: <Self as ::ucore::Updatable>::Update,
                ) -> ::core::result::Result<#delta, <Self as ::ucore::Updatable>::Update> {
                    #lower
                }

                fn check_delta(
                    &self,
                    delta: &#delta,
                ) -> ::core::result::Result<(), ::ucore::Reject> {
                    #( ::ucore::Accumulate::check_delta(&self.#names, &delta.#names)?; )*
                    ::core::result::Result::Ok(())
                }
            }
        }
    }

    /// A method for each field that leads to its place.
    fn ops(&self) -> TokenStream {
        let Self { name, vis, delta, update, ordered, .. } = self;
        let ops = format_ident!("{name}Ops");
        let doc = format!("The fields of a [`{name}`] as places of updates.");
        let methods = self.of.fields.iter().map(|field| {
            let Field { name, of, lane, .. } = field;
            let doc = format!("The place of `{name}`.");
            let delta_of = quote_spanned!(of.span()=> ::ucore::part::delta::<#of>);
            let rest = quote!(..::core::default::Default::default());
            let within = match lane {
                Lane::Ordered => {
                    quote!(#update { #name: ::core::option::Option::Some(update), #rest })
                }
                Lane::Delta if ordered.is_empty() => {
                    quote!(#delta { #name: #delta_of(update), #rest })
                }
                Lane::Delta => quote! {
                    #update { delta: #delta { #name: #delta_of(update), #rest }, #rest }
                },
            };
            quote! {
                #[doc = #doc]
                fn #name(self) -> impl ::ucore::Place<Value = #of, Out = Self::Out> {
                    #[allow(clippy::needless_update)]
                    ::ucore::Place::within(self, |update| #within)
                }
            }
        });
        quote! {
            #[doc = #doc]
            #[allow(private_interfaces, private_bounds, reason = "a field may be private")]
            #vis trait #ops: ::ucore::Place<Value = #name> {
                #(#methods)*
            }

            #[automatically_derived]
            impl<P: ::ucore::Place<Value = #name>> #ops for P {}
        }
    }
}
