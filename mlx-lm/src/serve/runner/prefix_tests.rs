//! The radix tree against a list of all entries.

use super::prefix::{Hit, PrefixTree};
use proptest::prelude::*;

/// Entries in the order of their last use, the oldest first.
#[derive(Default)]
struct Naive {
    budget: u64,
    entries: Vec<(u64, Vec<u32>, u64)>,
}

impl Naive {
    fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.2).sum()
    }

    fn insert(&mut self, salt: u64, tokens: &[u32], bytes: u64, cut: bool) {
        if tokens.is_empty() || bytes > self.budget {
            return;
        }
        let replaced = |entry: &Vec<u32>| entry == tokens || cut && tokens.starts_with(entry);
        self.entries.retain(|entry| !(entry.0 == salt && replaced(&entry.1)));
        while self.bytes() + bytes > self.budget {
            self.entries.remove(0);
        }
        self.entries.push((salt, tokens.to_vec(), bytes));
    }

    /// The most tokens that any entry spares.
    fn shared(&self, salt: u64, tokens: &[u32], most_cut: usize) -> usize {
        let shared = |entry: &(u64, Vec<u32>, u64)| {
            let common = entry.1.iter().zip(tokens).take_while(|(a, b)| a == b).count();
            if entry.0 != salt || entry.1.len() - common > most_cut { 0 } else { common }
        };
        self.entries.iter().map(shared).max().unwrap_or(0)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert { salt: u64, tokens: Vec<u32>, bytes: u64 },
    Find { salt: u64, tokens: Vec<u32> },
    Shrink(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let tokens = || prop::collection::vec(0..3u32, 0..8);
    let step = prop_oneof![
        (0..2u64, tokens(), 1..40u64).prop_map(|(salt, tokens, bytes)| Step::Insert { salt, tokens, bytes }),
        (0..2u64, tokens()).prop_map(|(salt, tokens)| Step::Find { salt, tokens }),
        (0..30u64).prop_map(Step::Shrink),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    /// With entries that cannot be cut at all, or anywhere.
    #[test]
    fn the_tree_finds_what_a_list_finds(steps in steps(), cut in any::<bool>()) {
        let mut tree = PrefixTree::new(100);
        let mut naive = Naive { budget: 100, ..Naive::default() };
        let most_cut = if cut { usize::MAX } else { 0 };
        for step in steps {
            match step {
                Step::Insert { salt, tokens, bytes } => {
                    tree.insert(salt, &tokens, tokens.clone(), bytes, cut);
                    // Without finds in between, both drop the same entries.
                    naive.insert(salt, &tokens, bytes, cut);
                }
                Step::Find { salt, tokens } => {
                    let hit = tree.find(salt, &tokens, |_, extra| extra <= most_cut);
                    let shared = hit.as_ref().map_or(0, |hit: &Hit<Vec<u32>>| hit.shared);
                    prop_assert_eq!(shared, naive.shared(salt, &tokens, most_cut));
                    if let Some(Hit { value, length, shared }) = hit {
                        prop_assert_eq!(value.len(), length);
                        prop_assert_eq!(&value[..shared], &tokens[..shared]);
                        // What is used is young again.
                        let at = naive.entries.iter().position(|e| e.0 == salt && e.1 == value).expect("known");
                        let entry = naive.entries.remove(at);
                        naive.entries.push(entry);
                    }
                }
                Step::Shrink(bytes) => {
                    tree.shrink(bytes);
                    let goal = naive.bytes().saturating_sub(bytes);
                    while naive.bytes() > goal {
                        naive.entries.remove(0);
                    }
                }
            }
            prop_assert!(tree.bytes() <= 100);
            prop_assert_eq!((tree.bytes(), tree.entries()), (naive.bytes(), naive.entries.len() as u64));
        }
    }
}

#[test]
fn salts_never_meet_and_large_entries_are_not_stored() {
    let mut tree = PrefixTree::new(10);
    assert!(tree.insert(1, &[1, 2, 3], 'a', 6, true));
    assert!(tree.find(2, &[1, 2, 3], |_, _| true).is_none());
    assert!(!tree.insert(1, &[9], 'b', 11, true), "larger than the budget");
    assert_eq!(tree.bytes(), 6, "and nothing was dropped for it");
    assert!(tree.insert(2, &[1, 2, 3], 'c', 6, true), "the oldest goes");
    assert!(tree.find(1, &[1, 2, 3], |_, _| true).is_none());
    assert_eq!(tree.find(2, &[1, 2, 4], |_, _| true), Some(Hit { value: 'c', length: 3, shared: 2 }));
    assert_eq!(tree.find(2, &[1, 2, 4], |_, extra| extra == 0), None);
}
