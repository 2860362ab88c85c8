//! The tokens before and behind a text.

use tokenizers::processors::template::{SpecialToken, Template, TemplateProcessing};

use crate::error::{Error, Result};

/// A post-processor that puts these tokens, text and id, around a text; none for none.
pub(crate) fn frame(
    before: Option<(String, u32)>,
    behind: Option<(String, u32)>,
) -> Result<Option<TemplateProcessing>> {
    let mut single = vec!["$A"];
    let mut pair = vec!["$A", "$B:1"];
    let mut tokens = Vec::new();
    if let Some((text, id)) = before {
        tokens.push(special("before", text, id)?);
        single.insert(0, "before");
        pair.insert(0, "before");
        pair.insert(2, "before:1");
    }
    if let Some((text, id)) = behind {
        tokens.push(special("behind", text, id)?);
        single.push("behind");
        let at = pair.len() - if pair.contains(&"before:1") { 2 } else { 1 };
        pair.insert(at, "behind");
        pair.push("behind:1");
    }
    if tokens.is_empty() {
        return Ok(None);
    }
    let template = |parts: Vec<&str>| Template::try_from(parts.join(" ")).map_err(Error::Tokenizer);
    let built = TemplateProcessing::builder()
        .single(template(single)?)
        .pair(template(pair)?)
        .special_tokens(tokens)
        .build();
    built.map(Some).map_err(|error| Error::Tokenizer(error.to_string()))
}

fn special(name: &str, text: String, id: u32) -> Result<SpecialToken> {
    let token = SpecialToken::new(name.to_owned(), vec![id], vec![text]);
    token.map_err(|error| Error::Tokenizer(error.to_string()))
}
