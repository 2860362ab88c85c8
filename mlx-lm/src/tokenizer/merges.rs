//! Merges for a SentencePiece vocabulary, which only has scores.
//!
//! SentencePiece joins the two neighbours whose union scores highest. BPE with one merge for every way to cut a piece
//! into two pieces, best score first, does the same.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::error::{Error, Result};

/// SentencePiece trains with at most 16 characters per piece; the longest in use are runs of blanks. The limit keeps
/// the number of cuts of a hostile vocabulary in bounds.
const MAX_PIECE_BYTES: usize = 256;

/// All merges among the pieces for which `mergeable` holds, the first to apply first.
pub(crate) fn merges_from_scores(
    pieces: &[String],
    scores: &[f64],
    mergeable: impl Fn(usize) -> bool,
) -> Result<Vec<(String, String)>> {
    let ids: HashMap<&str, usize> = pieces
        .iter()
        .enumerate()
        .filter(|(id, _)| mergeable(*id))
        .map(|(id, piece)| (piece.as_str(), id))
        .collect();
    let mut merges = Vec::new();
    for (id, piece) in pieces.iter().enumerate().filter(|(id, _)| mergeable(*id)) {
        if piece.len() > MAX_PIECE_BYTES {
            let message =
                format!("piece {id} has {} bytes; at most {MAX_PIECE_BYTES} are supported", piece.len());
            return Err(Error::Tokenizer(message));
        }
        let cuts = piece.char_indices().skip(1).map(|(at, _)| piece.split_at(at));
        let mut cuts: Vec<_> =
            cuts.filter_map(|(left, right)| Some((*ids.get(left)?, *ids.get(right)?, left, right))).collect();
        cuts.sort_unstable_by_key(|&(left_id, right_id, ..)| (left_id, right_id));
        merges.extend(cuts.into_iter().map(|(_, _, left, right)| (scores[id], left, right)));
    }
    // Stable: among equals the order of the vocabulary decides.
    merges.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| Reverse(chars(a)).cmp(&Reverse(chars(b)))));
    Ok(merges.into_iter().map(|(_, left, right)| (left.to_owned(), right.to_owned())).collect())
}

fn chars(merge: &(f64, &str, &str)) -> (usize, usize) {
    (merge.1.chars().count(), merge.2.chars().count())
}
