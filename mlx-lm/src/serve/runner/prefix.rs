//! Prompts that were read before: a radix tree over their tokens, with what the model kept of them.
//!
//! What is stored never takes more bytes than the budget: room is made before, and what is larger than all of it is not
//! stored. Prompts with different salts never meet.

use std::collections::BTreeMap;

/// The tree. `T` is what the model kept.
pub(super) struct PrefixTree<T> {
    roots: BTreeMap<u64, Node<T>>,
    budget: u64,
    bytes: u64,
    entries: u64,
    clock: u64,
}

struct Node<T> {
    /// By the first token of the edge.
    edges: BTreeMap<u32, Edge<T>>,
    entry: Option<Entry<T>>,
}

struct Edge<T> {
    tokens: Box<[u32]>,
    node: Node<T>,
}

struct Entry<T> {
    value: T,
    bytes: u64,
    used: u64,
}

impl<T> Default for Node<T> {
    fn default() -> Node<T> {
        Node { edges: BTreeMap::new(), entry: None }
    }
}

/// What the tree has for a prompt.
#[derive(Debug, PartialEq)]
pub(super) struct Hit<T> {
    pub(super) value: T,
    /// Tokens of the entry.
    pub(super) length: usize,
    /// Of these, the first ones that are the prompt's too; those behind must be taken back.
    pub(super) shared: usize,
}

impl<T: Clone> PrefixTree<T> {
    pub(super) fn new(budget: u64) -> PrefixTree<T> {
        PrefixTree { roots: BTreeMap::new(), budget, bytes: 0, entries: 0, clock: 0 }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// The entry that shares the longest beginning with `tokens`, as far as it can be used: whole, or cut back by so
    /// many tokens as `can_cut` allows.
    pub(super) fn find(
        &mut self,
        salt: u64,
        tokens: &[u32],
        can_cut: impl Fn(&T, usize) -> bool,
    ) -> Option<Hit<T>> {
        self.clock += 1;
        let clock = self.clock;
        let root = self.roots.get_mut(&salt)?;
        let mut lengths = vec![];
        root.entries_along(tokens, 0, &mut lengths);
        let whole = lengths.last().copied().unwrap_or(0);
        // Everything below the place where the prompt leaves the tree begins with all that is shared.
        if let Some((shared, above, node)) = root.leave(tokens, 0)
            && shared > whole
            && let Some((value, length)) = node.cuttable(above, shared, clock, &can_cut)
        {
            return Some(Hit { value, length, shared });
        }
        let entry = root.at(&tokens[..whole])?.entry.as_mut()?;
        entry.used = clock;
        Some(Hit { value: entry.value.clone(), length: whole, shared: whole })
    }

    /// Stores what the model kept of `tokens`, if it fits the budget. If it can be cut back, it replaces the entries of
    /// all its beginnings.
    pub(super) fn insert(
        &mut self,
        salt: u64,
        tokens: &[u32],
        value: T,
        bytes: u64,
        can_be_cut: bool,
    ) -> bool {
        if tokens.is_empty() || bytes > self.budget {
            return false;
        }
        if can_be_cut {
            self.drop_beginnings(salt, tokens);
        }
        self.remove(salt, tokens);
        while self.bytes + bytes > self.budget {
            if !self.drop_oldest() {
                return false;
            }
        }
        self.clock += 1;
        let node = self.roots.entry(salt).or_default().make(tokens);
        node.entry = Some(Entry { value, bytes, used: self.clock });
        self.bytes += bytes;
        self.entries += 1;
        true
    }

    /// Makes room: drops entries, the least recently used first, until `bytes` are free or nothing is left.
    pub(super) fn shrink(&mut self, bytes: u64) {
        let goal = self.bytes.saturating_sub(bytes);
        while self.bytes > goal && self.drop_oldest() {}
    }

    fn drop_beginnings(&mut self, salt: u64, tokens: &[u32]) {
        let mut lengths = vec![];
        if let Some(root) = self.roots.get(&salt) {
            root.entries_along(tokens, 0, &mut lengths);
        }
        lengths.iter().for_each(|&length| self.remove(salt, &tokens[..length]));
    }

    fn drop_oldest(&mut self) -> bool {
        let oldest = self.roots.iter().filter_map(|(salt, root)| {
            let mut path = vec![];
            let mut oldest = None;
            root.oldest(&mut path, &mut oldest);
            oldest.map(|(used, tokens)| (used, *salt, tokens))
        });
        let Some((_, salt, tokens)) = oldest.min_by_key(|(used, ..)| *used) else { return false };
        self.remove(salt, &tokens);
        true
    }

    fn remove(&mut self, salt: u64, tokens: &[u32]) {
        let Some(root) = self.roots.get_mut(&salt) else { return };
        if let Some(entry) = root.take(tokens) {
            self.bytes -= entry.bytes;
            self.entries -= 1;
        }
        if root.is_empty() {
            self.roots.remove(&salt);
        }
    }
}

impl<T: Clone> Node<T> {
    fn is_empty(&self) -> bool {
        self.edges.is_empty() && self.entry.is_none()
    }

    /// An entry here or below, nearest first, that can be cut back to `shared` tokens.
    fn cuttable(
        &mut self,
        length: usize,
        shared: usize,
        clock: u64,
        can_cut: &impl Fn(&T, usize) -> bool,
    ) -> Option<(T, usize)> {
        if let Some(entry) = self.entry.as_mut().filter(|entry| can_cut(&entry.value, length - shared)) {
            entry.used = clock;
            return Some((entry.value.clone(), length));
        }
        self.edges
            .values_mut()
            .find_map(|edge| edge.node.cuttable(length + edge.tokens.len(), shared, clock, can_cut))
    }

    /// Where `tokens` leave the tree: how many were shared, the depth of the next node and the node.
    fn leave(&mut self, tokens: &[u32], depth: usize) -> Option<(usize, usize, &mut Node<T>)> {
        let Some(edge) = tokens.first().and_then(|first| self.edges.get(first)) else {
            return Some((depth, depth, self));
        };
        let shared = edge.tokens.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        let (length, is_whole) = (edge.tokens.len(), shared == edge.tokens.len());
        let edge = self.edges.get_mut(tokens.first()?)?;
        if is_whole {
            return edge.node.leave(&tokens[shared..], depth + shared);
        }
        Some((depth + shared, depth + length, &mut edge.node))
    }

    fn at(&mut self, tokens: &[u32]) -> Option<&mut Node<T>> {
        let Some(first) = tokens.first() else { return Some(self) };
        let edge = self.edges.get_mut(first)?;
        let rest = tokens.strip_prefix(&*edge.tokens)?;
        edge.node.at(rest)
    }

    /// The node of `tokens`, made where it is missing; edges are split where they part.
    fn make(&mut self, tokens: &[u32]) -> &mut Node<T> {
        let Some(&first) = tokens.first() else { return self };
        let edge =
            self.edges.entry(first).or_insert_with(|| Edge { tokens: tokens.into(), node: Node::default() });
        let shared = edge.tokens.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        if shared < edge.tokens.len() {
            let (head, tail) = edge.tokens.split_at(shared);
            let (head, tail): (Box<[u32]>, Box<[u32]>) = (head.into(), tail.into());
            let below = std::mem::take(&mut edge.node);
            edge.tokens = head;
            edge.node.edges.insert(tail[0], Edge { tokens: tail, node: below });
        }
        edge.node.make(&tokens[shared..])
    }

    /// Takes the entry of `tokens` out, and what is left without use.
    fn take(&mut self, tokens: &[u32]) -> Option<Entry<T>> {
        let Some(first) = tokens.first() else { return self.entry.take() };
        let edge = self.edges.get_mut(first)?;
        let rest = tokens.strip_prefix(&*edge.tokens)?;
        let entry = edge.node.take(rest);
        if edge.node.is_empty() {
            self.edges.remove(first);
        } else if edge.node.entry.is_none() && edge.node.edges.len() == 1 {
            edge.merge();
        }
        entry
    }

    fn entries_along(&self, tokens: &[u32], depth: usize, lengths: &mut Vec<usize>) {
        if self.entry.is_some() {
            lengths.push(depth);
        }
        let edge = tokens.first().and_then(|first| self.edges.get(first));
        if let Some((edge, rest)) = edge.and_then(|edge| Some((edge, tokens.strip_prefix(&*edge.tokens)?))) {
            edge.node.entries_along(rest, depth + edge.tokens.len(), lengths);
        }
    }

    fn oldest(&self, path: &mut Vec<u32>, best: &mut Option<(u64, Vec<u32>)>) {
        if let Some(entry) = &self.entry
            && best.as_ref().is_none_or(|(used, _)| entry.used < *used)
        {
            *best = Some((entry.used, path.clone()));
        }
        for edge in self.edges.values() {
            path.extend(&*edge.tokens);
            edge.node.oldest(path, best);
            path.truncate(path.len() - edge.tokens.len());
        }
    }
}

impl<T: Clone> Edge<T> {
    /// Takes the only edge below into this one.
    fn merge(&mut self) {
        if let Some((_, below)) = self.node.edges.pop_first() {
            self.tokens = [&*self.tokens, &*below.tokens].concat().into();
            self.node = below.node;
        }
    }
}
