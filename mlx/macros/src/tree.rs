//! `#[derive(Tree)]`.

use proc_macro2::TokenStream as Tokens;
use quote::{ToTokens, quote};
use syn::{Data, DeriveInput, Index, Result};

pub(crate) fn expand(mut input: DeriveInput) -> Result<Tokens> {
    for parameter in input.generics.type_params_mut() {
        parameter.bounds.push(syn::parse_quote!(::mlx::Tree));
    }
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new(input.ident.span(), "Tree can be derived for structs only"));
    };
    let fields = data.fields.iter().enumerate().map(|(i, field)| match &field.ident {
        Some(name) => name.to_token_stream(),
        None => Index::from(i).to_token_stream(),
    });
    let fields: Vec<Tokens> = fields.collect();
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        impl #generics ::mlx::Tree for #name #arguments #bounds {
            fn flatten(&self, out: &mut ::mlx::Flat) {
                #(::mlx::Tree::flatten(&self.#fields, out);)*
            }
            fn rebuild(&self, leaves: &mut ::mlx::Leaves) -> ::mlx::Result<Self> {
                Ok(Self { #(#fields: ::mlx::Tree::rebuild(&self.#fields, leaves)?,)* })
            }
        }
    })
}
