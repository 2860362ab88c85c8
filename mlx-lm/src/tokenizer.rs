//! Text to token ids and back, as the checkpoint's own tokenizer does it.

use std::fs;
use std::panic::AssertUnwindSafe;
use std::path::Path;

use serde_json::{Map, Value, json};
use tokenizers::{AddedToken, Tokenizer as Inner};

use crate::chat::{AnswerFormat, thinking_tokens};
use crate::chat_template::{ChatTemplate, Message, TemplateOptions, conversation};
use crate::error::{Error, Result};
use crate::generation_config::{GenerationConfig, token_ids};
use crate::gguf::GgufTokenizer;

/// Files of tokenizers that only Python reads.
const FOREIGN: [&str; 3] = ["vocab.json", "vocab.txt", "hy.tiktoken"];

mod frame;
mod merges;
mod protobuf;
mod sentence_piece;
mod tekken;
mod tiktoken;
mod vocabulary;

pub(crate) use frame::frame;
pub(crate) use merges::merges_from_scores;
pub(crate) use vocabulary::is_vocabulary;

/// A tokenizer with its special tokens and chat template.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    inner: Inner,
    /// What `tokenizer_config.json` says.
    config: Map<String, Value>,
    /// The text of each special token by its role: `bos_token`, `eos_token`, ...
    special_tokens: Map<String, Value>,
    eos_ids: Vec<u32>,
    chat_template: Option<ChatTemplate>,
}

impl Tokenizer {
    /// Reads the tokenizer of the checkpoint in `folder`: `tokenizer.json`, else Mistral's `tekken.json`,
    /// `tokenizer.model` (SentencePiece, or Llama 3's tiktoken file), `tiktoken.model`, `qwen.tiktoken`; and what stands
    /// beside it in `tokenizer_config.json`, `special_tokens_map.json`, `added_tokens.json`, `config.json`,
    /// `generation_config.json` and the chat template's own files, each of which may be absent.
    ///
    /// # Errors
    /// [`Error::Tokenizer`] without a usable vocabulary, [`Error::Config`] for other malformed files.
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<Tokenizer> {
        let folder = folder.as_ref();
        let config = read_object(&folder.join("tokenizer_config.json"))?;
        let path = folder.join("tokenizer.json");
        let (inner, known) = match path.is_file() {
            true => (read(&path)?, Map::new()),
            false => vocabulary::tokenizer(folder, &config)?.ok_or_else(|| missing(folder))?,
        };
        let chat_template = ChatTemplate::from_folder(folder, &config)?;
        let mut special_tokens = special_tokens(folder, &config)?;
        for (role, token) in known {
            special_tokens.entry(role).or_insert(token);
        }
        let mut tokenizer = Tokenizer { inner, config, special_tokens, eos_ids: Vec::new(), chat_template };
        tokenizer.add_missing_tokens(&read_object(&folder.join("added_tokens.json"))?)?;
        // Limits and padding are for training; a prompt is never cut in silence.
        tokenizer.inner.with_truncation(None).map_err(failed)?;
        tokenizer.inner.with_padding(None);
        tokenizer.eos_ids = tokenizer.find_eos_ids(folder)?;
        Ok(tokenizer)
    }

    /// The tokenizer of a GGUF file.
    pub fn from_gguf(gguf: GgufTokenizer) -> Result<Tokenizer> {
        let GgufTokenizer { tokenizer: inner, bos, eos, chat_template, .. } = gguf;
        let ids = [("bos_token", bos), ("eos_token", eos.first().copied())];
        let text = |id: Option<u32>| id.and_then(|id| inner.id_to_token(id));
        let special_tokens = ids
            .into_iter()
            .filter_map(|(role, id)| Some((role.to_string(), Value::String(text(id)?))))
            .collect();
        let chat_template = chat_template.map(ChatTemplate::new);
        Ok(Tokenizer { inner, config: Map::new(), special_tokens, eos_ids: eos, chat_template })
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json` (with the chat template) into `folder`, for
    /// [`Tokenizer::from_folder`] and for transformers. Ids that end an answer besides `eos_token` belong
    /// into
    /// `generation_config.json`.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            fs::write(&path, text + "\n").map_err(|error| Error::io(&path, error))
        };
        write("tokenizer.json", self.inner.to_string(true).map_err(failed)?)?;
        let mut config = self.config.clone();
        config.entry("tokenizer_class").or_insert_with(|| json!("PreTrainedTokenizerFast"));
        config.extend(self.special_tokens.clone());
        if let Some(template) = &self.chat_template {
            config.insert("chat_template".into(), template.to_config());
        }
        let config = Value::Object(config);
        write("tokenizer_config.json", format!("{config:#}"))
    }

    /// The token ids of `text`; with `add_special`, between the tokens that open and close a text for this
    /// model.
    pub fn encode(&self, text: &str, add_special: bool) -> Result<Vec<u32>> {
        // The library panics on some damaged normalizations.
        let encode = AssertUnwindSafe(|| self.inner.encode_fast(text, add_special));
        let encoding = std::panic::catch_unwind(encode)
            .map_err(|_| Error::Tokenizer("its normalization is damaged".into()))?
            .map_err(failed)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of `ids`, without the special tokens if `skip_special`. Ids that name no token give no text.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        self.inner.decode(ids, skip_special).map_err(failed)
    }

    /// Renders a conversation with the checkpoint's template, as text to encode without further special
    /// tokens.
    ///
    /// Messages may come as clients of the OpenAI protocol send them: text in parts, arguments of tool calls as JSON
    /// text. The variable `enable_thinking` is set, unless given, if the model can think.
    ///
    /// # Errors
    /// [`Error::Template`] if there is no template, or as [`ChatTemplate::render`]; [`Error::Invalid`] for content that
    /// is no text.
    pub fn apply_chat_template(&self, messages: &[Message], options: &TemplateOptions) -> Result<String> {
        let template = self.chat_template.as_ref().ok_or_else(|| {
            Error::Template("this model has none; give it a plain prompt (it may be a base model)".into())
        })?;
        let mut options = options.clone();
        if options.thinking.is_none() {
            options.kwargs.entry("enable_thinking").or_insert_with(|| self.thinking().is_some().into());
        }
        let messages = conversation::normalized(messages)?;
        template.render(&messages, &self.special_tokens, &options).or_else(|error| {
            let messages = conversation::with_argument_text(&messages).ok_or(()).and_then(|messages| {
                template.render(&messages, &self.special_tokens, &options).map_err(drop)
            });
            messages.map_err(|()| error)
        })
    }

    /// The number of tokens, added ones included.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The id of exactly this token.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The token that begins a text.
    pub fn bos_token(&self) -> Option<&str> {
        self.special_tokens.get("bos_token")?.as_str()
    }

    /// The token that ends a text.
    pub fn eos_token(&self) -> Option<&str> {
        self.special_tokens.get("eos_token")?.as_str()
    }

    /// All tokens that end an answer.
    pub fn eos_ids(&self) -> &[u32] {
        &self.eos_ids
    }

    /// The texts that open and close the model's reasoning, if its vocabulary has any.
    pub fn thinking(&self) -> Option<(&'static str, &'static str)> {
        thinking_tokens(|token| self.token_to_id(token).is_some())
    }

    /// How the model marks reasoning and tool calls in its answers.
    pub fn answer_format(&self) -> AnswerFormat {
        let template = self.chat_template.as_ref().map(ChatTemplate::source_with_tools);
        let declared = self.config.get("tool_parser_type").and_then(Value::as_str);
        AnswerFormat::detect(template, declared, |token| self.token_to_id(token).is_some())
    }

    /// The chat template.
    pub fn chat_template(&self) -> Option<&ChatTemplate> {
        self.chat_template.as_ref()
    }

    /// The tokenizer proper.
    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// Adds what `tokenizer_config.json` declares but the vocabulary lacks, in the order of the ids; `added` are further
    /// tokens with their ids.
    fn add_missing_tokens(&mut self, added: &Map<String, Value>) -> Result<()> {
        let known = self.inner.get_added_tokens_decoder();
        let known: Vec<&AddedToken> = known.values().collect();
        let declared = self.config.get("added_tokens_decoder").and_then(Value::as_object);
        let mut tokens: Vec<(u64, AddedToken)> = declared
            .into_iter()
            .flatten()
            .filter_map(|(id, token)| Some((id.parse().ok()?, added_token(token, false)?)))
            .collect();
        let added = added.iter().filter_map(|(text, id)| Some((id.as_u64()?, text)));
        tokens.extend(added.map(|(id, text)| (id, AddedToken::from(text.as_str(), false).normalized(false))));
        tokens.sort_by_key(|(id, _)| *id);
        let special = self.special_tokens.values().filter_map(|token| added_token(token, true));
        let mut missing: Vec<AddedToken> = Vec::new();
        for token in tokens.into_iter().map(|(_, token)| token).chain(special) {
            if !known.iter().copied().chain(&missing).any(|other| other.content == token.content) {
                missing.push(token);
            }
        }
        self.inner.add_tokens(missing).map_err(failed)?;
        Ok(())
    }

    /// The ids of `generation_config.json`, else of `config.json`, and the tokenizer's own.
    fn find_eos_ids(&self, folder: &Path) -> Result<Vec<u32>> {
        let mut ids = GenerationConfig::from_folder(folder)?.eos_token_ids;
        if ids.is_empty() {
            let path = folder.join("config.json");
            let config = read_object(&path)?;
            let inner = config.get("text_config").and_then(|config| config.get("eos_token_id"));
            let value = config.get("eos_token_id").or(inner).unwrap_or(&Value::Null);
            ids = token_ids(value).map_err(|error| Error::config(&path, error))?;
        }
        let own = self.eos_token().and_then(|token| self.token_to_id(token));
        ids.extend(own.filter(|id| !ids.contains(id)));
        Ok(ids)
    }
}

/// The tokenizer in the file at `path`. The library panics on merges that do not fit their vocabulary.
fn read(path: &Path) -> Result<Inner> {
    let reason = match std::panic::catch_unwind(|| Inner::from_file(path)) {
        Ok(Ok(inner)) => return Ok(inner),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "its merges do not fit its vocabulary".to_owned(),
    };
    Err(Error::Tokenizer(format!("cannot read {}: {reason}", path.display())))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Tokenizer(error.to_string())
}

fn missing(folder: &Path) -> Error {
    let found: Vec<&str> = FOREIGN.into_iter().filter(|name| folder.join(name).is_file()).collect();
    let folder = folder.display();
    Error::Tokenizer(match found.as_slice() {
        [] => format!("{folder} has no tokenizer.json; the model is incomplete, fetch it again"),
        found => format!(
            "{folder} has no tokenizer.json, only {}; write one with transformers: \
             AutoTokenizer.from_pretrained(folder).save_pretrained(folder)",
            found.join(", ")
        ),
    })
}

/// The object in the file at `path`; an absent file is an empty one.
fn read_object(path: &Path) -> Result<Map<String, Value>> {
    if !path.is_file() {
        return Ok(Map::new());
    }
    let text = fs::read_to_string(path).map_err(|error| Error::io(path, error))?;
    serde_json::from_str(&text).map_err(|error| Error::config(path, error))
}

/// The special tokens by role: the keys `..._token` of `config`; checkpoints from before
/// `added_tokens_decoder` have them in
/// `special_tokens_map.json`.
fn special_tokens(folder: &Path, config: &Map<String, Value>) -> Result<Map<String, Value>> {
    let mut all = config.clone();
    if !config.contains_key("added_tokens_decoder") {
        all.extend(read_object(&folder.join("special_tokens_map.json"))?);
    }
    let tokens = all.into_iter().filter(|(role, _)| role.ends_with("_token"));
    Ok(tokens
        .filter_map(|(role, token)| Some((role, Value::String(added_token(&token, true)?.content))))
        .collect())
}

/// A token as `tokenizer_config.json` writes it: its text, or an object with its text and flags.
fn added_token(token: &Value, special: bool) -> Option<AddedToken> {
    if let Value::String(text) = token {
        return Some(AddedToken::from(text.as_str(), special));
    }
    let flag = |name: &str, default: bool| token.get(name).and_then(Value::as_bool).unwrap_or(default);
    let special = flag("special", special);
    let text = token.get("content")?.as_str()?;
    let added = AddedToken::from(text, special).single_word(flag("single_word", false));
    let added = added.lstrip(flag("lstrip", false)).rstrip(flag("rstrip", false));
    Some(added.normalized(flag("normalized", !special)))
}
