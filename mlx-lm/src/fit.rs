//! Which models of the catalogue fit a machine.

use crate::{
    Result, Summary,
    source::{SourceOptions, catalog, stored},
    summary::{CacheSize, memory},
};
use serde::Serialize;

/// How a model fits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// Its short name.
    pub name: String,
    /// Bytes of its weights.
    pub weight_bytes: u64,
    /// The most tokens it was made for.
    pub context_length: u64,
    /// The most tokens that fit; 0 if the model itself does not.
    pub context: u64,
    /// Bytes that it takes with that context.
    pub memory: u64,
    /// Whether its files are on this machine.
    pub installed: bool,
}

/// Contexts are given in multiples of this many tokens.
const STEP: u64 = 1_024;

/// All models of the catalogue in `usable` bytes of memory, the largest first. Of those that are installed, what their files
/// say counts; of the others, what the catalogue does.
///
/// # Errors
/// Files of an installed model that are corrupt.
pub fn fit(usable: u64, options: &SourceOptions) -> Result<Vec<Fit>> {
    let mut fits = vec![];
    for (name, entry) in catalog::entries() {
        let location = stored(name, options);
        let (weights, cache, length) = match &location {
            Some(location) => {
                let summary = Summary::read(location)?;
                let length = summary.context_length.map_or(entry.facts.context, |length| length as u64);
                (summary.weight_bytes, summary.cache, length)
            }
            None => {
                let facts = &entry.facts;
                (facts.weight_bytes, CacheSize::uniform(facts.cache_bytes_per_token), facts.context)
            }
        };
        let context = longest_context(usable, weights, &cache, length);
        fits.push(Fit {
            name: name.to_owned(),
            weight_bytes: weights,
            context_length: length,
            context,
            memory: memory(weights, cache.bytes(context)),
            installed: location.is_some(),
        });
    }
    fits.sort_by(|a, b| b.weight_bytes.cmp(&a.weight_bytes).then(a.name.cmp(&b.name)));
    Ok(fits)
}

/// The most tokens, of at most `length`, that fit.
fn longest_context(usable: u64, weights: u64, cache: &CacheSize, length: u64) -> u64 {
    let fits = |context: u64| memory(weights, cache.bytes(context)) <= usable;
    if fits(length) {
        return length;
    }
    // Between what fits and what does not.
    let (mut fitting, mut beyond) = (0, length.div_ceil(STEP));
    while beyond - fitting > 1 {
        let middle = fitting.midpoint(beyond);
        match fits(middle * STEP) {
            true => fitting = middle,
            false => beyond = middle,
        }
    }
    fitting * STEP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_as_long_as_memory_allows() {
        let (weights, cache) = (4_520_000_000, CacheSize::uniform(131_072));
        let longest = |usable| longest_context(usable, weights, &cache, 131_072);
        assert_eq!(longest(4_000_000_000), 0);
        assert_eq!(longest(100_000_000_000), 131_072);
        let context = longest(9_000_000_000);
        assert!(context % STEP == 0 && (20_000..40_000).contains(&context), "{context}");
        assert!(memory(weights, cache.bytes(context)) <= 9_000_000_000);
        assert!(memory(weights, cache.bytes(context + STEP)) > 9_000_000_000);
    }

    #[test]
    fn the_whole_catalogue_is_judged() {
        let get = |name: &str| (name == "HOME").then(|| "/nowhere".into());
        let options = SourceOptions::from_variables(get).unwrap();
        let fits = fit(16 << 30, &options).unwrap();
        assert_eq!(fits.len(), catalog::entries().count());
        let context = |name: &str| fits.iter().find(|fit| fit.name == name).unwrap().context;
        assert_eq!(context("llama3.3:70b"), 0);
        assert_eq!(context("llama3.2:1b"), 131_072);
        assert!((16_384..131_072).contains(&context("llama3.1:8b")));
    }
}
