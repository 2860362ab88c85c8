//! Vectors of texts, by which their meanings compare.

mod pooling;

pub use pooling::Pooling;

use crate::{Cache, Error, Lm, Result, models::LanguageModel};
use mlx::{Array, Dtype};

/// Tokens of each text that pass at once.
const CHUNK: usize = 512;

/// Tokens of texts that pass together; a longer text passes alone.
const TOGETHER: usize = 4096;

impl Lm {
    /// One vector for each of `texts`, in their order, as the files of sentence-transformers beside the model say: how the
    /// vectors of its tokens become one, and whether that is made one long. A prefix that the model's makers ask for, such
    /// as `Instruct: … Query:`, is the caller's to write.
    ///
    /// ```no_run
    /// # fn main() -> mlx_lm::Result<()> {
    /// let lm = mlx_lm::Lm::load("Qwen/Qwen3-Embedding-0.6B")?;
    /// let vectors = lm.embed(&["The capital of France", "Paris"])?;
    /// let similarity: f32 = vectors[0].iter().zip(&vectors[1]).map(|(a, b)| a * b).sum();
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Invalid`] for a model without such files (see [`Pooling::of`]), a text without tokens and tokens that the
    /// model does not have, [`Error::ContextLength`] for a text that is too long; [`Error::Mlx`].
    pub fn embed(&self, texts: &[impl AsRef<str>]) -> Result<Vec<Vec<f32>>> {
        // The tokenizer adds the token that closes a text, which the last vector belongs to.
        let encode = |text: &_| self.tokenizer().encode(AsRef::<str>::as_ref(text), true);
        let tokens: Result<Vec<Vec<u32>>> = texts.iter().map(encode).collect();
        let mut embedding = self.embedding(tokens?)?;
        while embedding.step()? {}
        Ok(embedding.finish())
    }

    /// The same for texts as tokens, chunk by chunk.
    ///
    /// # Errors
    /// As [`Lm::embed`].
    pub fn embedding(&self, texts: Vec<Vec<u32>>) -> Result<Embedding<'_>> {
        let pooling = Pooling::of(self.config())?;
        let limit = self.context_length().unwrap_or(usize::MAX);
        if texts.iter().any(Vec::is_empty) {
            return Err(Error::Invalid("a text without tokens has no vector".into()));
        }
        let vocabulary = self.tokenizer().vocab_size();
        if let Some(id) = texts.iter().flatten().find(|id| **id as usize >= vocabulary) {
            return Err(Error::Invalid(format!(
                "the model has no token {id}; its tokens are below {vocabulary}"
            )));
        }
        if let Some(long) = texts.iter().find(|text| text.len() > limit) {
            return Err(Error::ContextLength { prompt: long.len(), limit });
        }
        Ok(Embedding::new(self.model(), pooling, texts))
    }
}

/// Vectors in the making.
pub struct Embedding<'m> {
    model: &'m dyn LanguageModel,
    pooling: Pooling,
    texts: Vec<Vec<u32>>,
    vectors: Vec<Vec<f32>>,
    /// Texts that pass together; the last group is the next.
    groups: Vec<Vec<usize>>,
    current: Option<Group>,
}

/// Texts that pass the model together. Shorter ones are filled up at the end, where no token sees it that counts.
struct Group {
    texts: Vec<usize>,
    cache: Cache,
    /// Tokens of each text that have passed.
    done: usize,
    /// `[texts, modes, features]`, as far as they have come.
    pooled: Option<Array>,
}

impl<'m> Embedding<'m> {
    fn new(model: &'m dyn LanguageModel, pooling: Pooling, texts: Vec<Vec<u32>>) -> Embedding<'m> {
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|text| texts[*text].len());
        let mut groups: Vec<Vec<usize>> = vec![];
        // Of similar length, so that little is filled up; the longest comes last.
        for text in order {
            match groups.last_mut() {
                Some(group) if (group.len() + 1) * texts[text].len() <= TOGETHER => group.push(text),
                _ => groups.push(vec![text]),
            }
        }
        Embedding { model, pooling, vectors: vec![vec![]; texts.len()], texts, groups, current: None }
    }

    /// Runs one chunk; false when there is nothing left to do.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn step(&mut self) -> Result<bool> {
        let Some(mut group) = self.current.take().or_else(|| self.next_group()) else { return Ok(false) };
        let longest = self.longest(&group.texts);
        self.pass(&mut group, longest)?;
        if group.done < longest {
            self.current = Some(group);
            return Ok(true);
        }
        self.keep(group)?;
        Ok(!self.groups.is_empty())
    }

    /// The vectors, in the order of the texts; those of texts that have not passed are empty.
    pub fn finish(self) -> Vec<Vec<f32>> {
        self.vectors
    }

    /// Tokens that the next group keeps in its cache.
    pub fn tokens_ahead(&self) -> usize {
        let group = self.current.as_ref().map(|group| &group.texts).or(self.groups.last());
        group.map_or(0, |group| group.len() * self.longest(group))
    }

    /// Tokens of the longest of these texts.
    fn longest(&self, group: &[usize]) -> usize {
        group.iter().map(|text| self.texts[*text].len()).max().unwrap_or(0)
    }

    fn next_group(&mut self) -> Option<Group> {
        let texts = self.groups.pop()?;
        Some(Group { texts, cache: self.model.new_cache(), done: 0, pooled: None })
    }

    fn pass(&self, group: &mut Group, longest: usize) -> Result<()> {
        let (start, end) = (group.done, longest.min(group.done + CHUNK));
        let rows = || group.texts.iter().map(|text| &self.texts[*text]);
        let tokens: Vec<u32> =
            rows().flat_map(|row| (start..end).map(|at| row.get(at).copied().unwrap_or(0))).collect();
        let modes = self.pooling.modes();
        let weights: Vec<f32> = rows()
            .flat_map(|row| modes.iter().map(|mode| (mode, row.len())))
            .flat_map(|(mode, length)| (start..end).map(move |at| mode.weight(at, length)))
            .collect();
        let size = |count: usize| i32::try_from(count).map_err(|_| Error::Invalid("too many texts".into()));
        let (count, chunk) = (size(group.texts.len())?, size(end - start)?);
        let tokens = Array::from_slice(&tokens, &[count, chunk]);
        let weights = Array::from_slice(&weights, &[count, size(modes.len())?, chunk]);
        let features = self.model.features(&tokens, &mut group.cache)?.astype(Dtype::F32)?;
        let part = weights.matmul(&features)?;
        let pooled = match group.pooled.take() {
            Some(before) => before + part,
            None => part,
        };
        // Without the cache, what made it would stay until its last chunk.
        mlx::eval(group.cache.arrays().chain([&pooled]))?;
        group.pooled = Some(pooled);
        group.done = end;
        Ok(())
    }

    fn keep(&mut self, group: Group) -> Result<()> {
        let Some(pooled) = group.pooled else { return Ok(()) };
        let numbers = pooled.to_vec::<f32>()?;
        let size = numbers.len() / group.texts.len();
        for (text, vector) in group.texts.iter().zip(numbers.chunks(size.max(1))) {
            self.vectors[*text] = vector.to_vec();
        }
        if self.pooling.normalize {
            group.texts.iter().for_each(|text| normalize(&mut self.vectors[*text]));
        }
        Ok(())
    }

    /// Whether vectors are made one long.
    pub fn is_normalized(&self) -> bool {
        self.pooling.normalize
    }
}

/// Makes a vector one long, unless it is nothing.
pub(crate) fn normalize(vector: &mut [f32]) {
    let square = |x: &f32| f64::from(*x) * f64::from(*x);
    let length = vector.iter().map(square).sum::<f64>().sqrt().max(1e-12);
    vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
}
