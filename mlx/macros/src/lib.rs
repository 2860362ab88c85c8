//! `#[derive(Module)]` and `#[derive(Tree)]` for the `mlx` crate; documented there.

mod tree;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{Data, DeriveInput, Field, Fields, Ident, LitStr, Result, parse_macro_input, spanned::Spanned};

/// Implements `mlx::Module`: each field is a child whose name is its checkpoint key.
///
/// `#[module(rename = "model.layers")]` gives another key, `#[module(skip)]` leaves the field out,
/// `#[module(flatten)]` puts the field's own children where the field stands.
#[proc_macro_derive(Module, attributes(module))]
pub fn derive_module(input: TokenStream) -> TokenStream {
    expand(parse_macro_input!(input as DeriveInput)).unwrap_or_else(|e| e.to_compile_error()).into()
}

/// Implements `mlx::Tree`: the arrays of the fields, in order.
#[proc_macro_derive(Tree)]
pub fn derive_tree(input: TokenStream) -> TokenStream {
    tree::expand(parse_macro_input!(input as DeriveInput)).unwrap_or_else(|e| e.to_compile_error()).into()
}

/// Where a field's parameters stand in the checkpoint.
enum Place {
    Key(String),
    Flatten,
    Skip,
}

fn expand(mut input: DeriveInput) -> Result<Tokens> {
    for parameter in input.generics.type_params_mut() {
        parameter.bounds.push(syn::parse_quote!(::mlx::Module));
    }
    let fields = named_fields(&input)?;
    let (mut visit, mut visit_mut, mut load) = (vec![], vec![], vec![]);
    for field in fields {
        let Some(ident) = &field.ident else { continue };
        let (v, m, l) = match place(field, ident)? {
            Place::Skip => continue,
            Place::Flatten => (
                quote!(::mlx::Module::visit(&self.#ident, path, f);),
                quote!(::mlx::Module::visit_mut(&mut self.#ident, path, f);),
                quote!(::mlx::Module::load(&mut self.#ident, weights)?;),
            ),
            Place::Key(key) => (
                quote!(path.enter(#key, |path| ::mlx::Module::visit(&self.#ident, path, f));),
                quote!(path.enter(#key, |path| ::mlx::Module::visit_mut(&mut self.#ident, path, f));),
                quote!(::mlx::Module::load(&mut self.#ident, &weights.at(#key))?;),
            ),
        };
        visit.push(v);
        visit_mut.push(m);
        load.push(l);
    }
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        impl #generics ::mlx::Module for #name #arguments #bounds {
            fn visit(&self, path: &mut ::mlx::Path, f: &mut dyn FnMut(&str, ::mlx::Slot<'_>)) { #(#visit)* }
            fn visit_mut(&mut self, path: &mut ::mlx::Path, f: &mut dyn FnMut(&str, ::mlx::SlotMut<'_>)) {
                #(#visit_mut)*
            }
            fn load(&mut self, weights: &::mlx::Loader) -> ::mlx::Result<()> { #(#load)* Ok(()) }
        }
    })
}

fn named_fields(input: &DeriveInput) -> Result<impl Iterator<Item = &Field>> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(fields.named.iter()),
            other => Err(syn::Error::new(
                other.span(),
                "Module needs named fields: their names are the checkpoint keys",
            )),
        },
        _ => Err(syn::Error::new(input.ident.span(), "Module can be derived for structs only")),
    }
}

fn place(field: &Field, ident: &Ident) -> Result<Place> {
    let mut place = Place::Key(ident.to_string().trim_start_matches("r#").to_owned());
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("module")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("skip") {
                place = Place::Skip;
            } else if meta.path.is_ident("flatten") {
                place = Place::Flatten;
            } else if meta.path.is_ident("rename") {
                place = Place::Key(meta.value()?.parse::<LitStr>()?.value());
            } else {
                return Err(meta.error("expected `skip`, `flatten` or `rename = \"...\"`"));
            }
            Ok(())
        })?;
    }
    Ok(place)
}
