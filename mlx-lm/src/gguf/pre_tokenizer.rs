//! How each family of byte-level vocabularies cuts text into words before merging: a GGUF file only names the family.

use tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::punctuation::Punctuation;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;

use crate::error::{Error, Result};

/// One family, as its original `tokenizer.json` has it.
pub(crate) struct Family {
    /// The values of `tokenizer.ggml.pre` that mean it.
    names: &'static [&'static str],
    steps: &'static [Step],
    /// Whether text is brought to Unicode's composed form first.
    pub(crate) nfc: bool,
    /// Whether a word that is a token stays whole although no merges lead to it.
    pub(crate) ignore_merges: bool,
    /// Whether the beginning-of-sequence token is prepended where the file does not say.
    pub(crate) add_bos: bool,
}

#[derive(Clone, Copy)]
enum Step {
    /// Cut out what the expression matches.
    Split(&'static str),
    /// Cut out each digit.
    Digits,
    /// Cut out runs of digits.
    Numbers,
    /// Cut out runs of punctuation.
    Punctuation,
    /// GPT-2's own words, then bytes as letters.
    Gpt2,
    /// Bytes as letters.
    Bytes,
}

const LLAMA3: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);
const QWEN2: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}",
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);
const TEKKEN: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);
const GPT_4O: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);
/// Runs of Chinese characters are words of their own.
const KIMI: &str = concat!(
    r"[\p{Han}]+",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*",
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);
const SEED_CODER: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}",
    r"| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"
);
const DEEPSEEK_V3: &str = concat!(
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"##,
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);
/// Cased letters of the common scripts; escaped where Unicode normalization would change the character.
const DEEPSEEK_LETTERS: &str = concat!(
    r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚ",
    r"Ḁ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\x{1F7D}ᾀ-ᾴᾶ-ᾼ\x{1FBE}ῂ-ῄῆ-ῌῐ-\x{1FD3}ῖ-\x{1FDB}ῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\x{2126}ℨ\x{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄ",
    r"Ⰰ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+"
);
const CJK: &str = "[一-龥ࠀ-一가-퟿]+";
const BLOOM: &str = r" ?[^(\s|.,!?…。，、।۔،)]+";

const FAMILIES: &[Family] = &[
    family(
        &["gpt-2", "phi-2", "jais", "trillion", "mellum", "exaone4", "a.x-4.0", "gigachat"],
        &[Step::Gpt2],
    ),
    family(&["mpt", "olmo"], &[Step::Gpt2]).nfc(),
    family(
        &["smollm", "starcoder", "refact", "codeshell", "exaone", "minerva-7b"],
        &[Step::Digits, Step::Gpt2],
    ),
    family(&["command-r"], &[Step::Digits, Step::Gpt2]).nfc(),
    family(
        &["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"],
        LLAMA3_STEPS,
    )
    .ignore_merges()
    .add_bos(),
    family(&["dbrx", "smaug-bpe", "chatglm-bpe", "glm4"], LLAMA3_STEPS),
    family(&["qwen2", "megrez"], QWEN2_STEPS).nfc(),
    family(&["deepseek-r1-qwen", "stablelm2", "hunyuan", "solar-open"], QWEN2_STEPS),
    family(&["tekken"], &[Step::Split(TEKKEN), Step::Bytes]).ignore_merges().add_bos(),
    family(&["gpt-4o", "llama4"], &[Step::Split(GPT_4O), Step::Bytes]),
    family(&["kimi-k2"], &[Step::Split(KIMI), Step::Bytes]).ignore_merges(),
    family(&["seed-coder"], &[Step::Split(SEED_CODER), Step::Bytes]),
    family(
        &["deepseek-llm"],
        &[
            Step::Split("[\r\n]"),
            Step::Split(DEEPSEEK_LETTERS),
            Step::Split(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"),
            Step::Split(r"\s+$"),
            Step::Split(CJK),
            Step::Digits,
            Step::Bytes,
        ],
    ),
    family(
        &["deepseek-coder"],
        &[
            Step::Split("[\r\n]"),
            Step::Split(r"\s?\p{L}+"),
            Step::Split(r"\s?\p{P}+"),
            Step::Split(CJK),
            Step::Digits,
            Step::Bytes,
        ],
    ),
    family(
        &["deepseek-v3", "hunyuan-dense"],
        &[
            Step::Split(r"\p{N}{1,3}"),
            Step::Split("[一-龥぀-ゟ゠-ヿ]+"),
            Step::Split(DEEPSEEK_V3),
            Step::Bytes,
        ],
    ),
    family(&["falcon"], FALCON_STEPS),
    // What llama.cpp does for files that do not name a family.
    family(
        &["default"],
        &[
            Step::Split(r"[\p{P}\$\+<=>\^~\|]+"),
            Step::Split(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"),
            Step::Split(r"\p{N}+"),
            Step::Split("[0-9][0-9][0-9]"),
            Step::Bytes,
        ],
    ),
    family(&["bloom", "gpt3-finnish", "poro-chat"], &[Step::Split(BLOOM), Step::Bytes]),
    family(&["viking"], &[Step::Split(BLOOM), Step::Digits, Step::Bytes]),
];

const LLAMA3_STEPS: &[Step] = &[Step::Split(LLAMA3), Step::Bytes];
const QWEN2_STEPS: &[Step] = &[Step::Split(QWEN2), Step::Bytes];
const FALCON_STEPS: &[Step] = &[Step::Punctuation, Step::Gpt2, Step::Numbers, Step::Split("[0-9][0-9][0-9]")];

const fn family(names: &'static [&'static str], steps: &'static [Step]) -> Family {
    Family { names, steps, nfc: false, ignore_merges: false, add_bos: false }
}

impl Family {
    const fn nfc(self) -> Family {
        Family { nfc: true, ..self }
    }

    const fn ignore_merges(self) -> Family {
        Family { ignore_merges: true, ..self }
    }

    const fn add_bos(self) -> Family {
        Family { add_bos: true, ..self }
    }

    /// The family that `tokenizer.ggml.pre` names.
    pub(crate) fn named(name: &str) -> Result<&'static Family> {
        FAMILIES.iter().find(|family| family.names.contains(&name)).ok_or_else(|| {
            let known: Vec<&str> = FAMILIES.iter().flat_map(|family| family.names).copied().collect();
            Error::Tokenizer(format!(
                "unknown pre-tokenizer `{name}` (tokenizer.ggml.pre); known: {}",
                known.join(", ")
            ))
        })
    }

    /// The steps in order.
    pub(crate) fn pre_tokenizer(&self) -> Result<Sequence> {
        let steps = self.steps.iter().map(|step| step.build()).collect::<tokenizers::Result<_>>();
        steps.map(Sequence::new).map_err(|error| Error::Tokenizer(error.to_string()))
    }
}

/// Cuts words by a regular expression, into bytes.
pub(crate) fn cut_by(regex: &str) -> Result<Sequence> {
    let split = split(regex).map_err(|error| Error::Tokenizer(error.to_string()))?;
    Ok(Sequence::new(vec![split, ByteLevel::new(false, true, false).into()]))
}

fn split(regex: &str) -> tokenizers::Result<PreTokenizerWrapper> {
    let pattern = SplitPattern::Regex(regex.to_owned());
    Ok(Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?.into())
}

impl Step {
    fn build(self) -> tokenizers::Result<PreTokenizerWrapper> {
        Ok(match self {
            Step::Split(regex) => split(regex)?,
            Step::Digits => Digits::new(true).into(),
            Step::Numbers => Digits::new(false).into(),
            Step::Punctuation => Punctuation::new(SplitDelimiterBehavior::Contiguous).into(),
            Step::Gpt2 => ByteLevel::new(false, true, true).into(),
            Step::Bytes => ByteLevel::new(false, true, false).into(),
        })
    }
}
