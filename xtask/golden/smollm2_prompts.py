"""The prompts of smollm2_greedy.py: many scripts, symbols and lengths, plain and as chats."""

MAX_TOKENS = 32
MAX_TOKENS_LONG = 16


def ledger(lines: int) -> str:
    """A long text that a small model can continue: about 24 tokens a line."""
    ships = ["Aurora", "Borealis", "Calypso", "Dorado", "Endeavour"]
    cargo = ["tea", "copper", "timber", "wool", "salt", "paper", "glass"]
    ports = ["Lisbon", "Riga", "Genoa"]
    return "".join(
        f"{n}. On day {n} the {ships[n % 5]} carried {n * 37 % 101} crates of {cargo[n % 7]} to {ports[n % 3]}.\n"
        for n in range(1, lines + 1)
    )


# Completed as they stand, without a chat template.
TEXTS = {
    "one_letter": "a",
    "space": " ",
    "newline": "\n",
    "end_of_text": "<|endoftext|>",
    "once": "Once upon a time, in a small village by the sea,",
    "trailing_spaces": "The three primary colours are   ",
    "contractions": "I'll say it's what they've done; we'd rather not, I'm sure you don't",
    "digits": "1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987,",
    "number_forms": "½ + ¼ = ¾, x² + y³, Ⅷ, ٣٤٥, 123456789.00",
    "python": "def fibonacci(n):\n    if n < 2:\n        return n\n    return ",
    "rust": "impl fmt::Display for Point {\n    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {\n",
    "json": '{"name": "Ada", "languages": ["English", "French"], "born": 1815, "died":',
    "whitespace": "a\tb\t\tc\r\n\r\n  d    e\n\n\nf",
    "emoji": "👋🏽 Family: 👨‍👩‍👧‍👦, flag: 🇺🇳, heart: ❤️, rocket: 🚀🚀🚀",
    "chinese": "人工智能的历史始于",
    "japanese": "むかしむかし、あるところに",
    "korean": "안녕하세요, 오늘 날씨는",
    "russian": "В начале было слово, и",
    "arabic": "كان يا ما كان في قديم الزمان",
    "hindi": "एक समय की बात है",
    "thai": "กาลครั้งหนึ่งนานมาแล้ว",
    "greek_combining": "Ἐν ἀρχῇ ἦν ὁ Λόγος; cafe\u0301 versus café",
    "markdown": "# Steps\n\n1. Boil water.\n2. Add **tea** leaves.\n3.",
    "ledger_12": ledger(12),
    "ledger_62": ledger(62),
}


def user(text: str) -> list:
    return [{"role": "user", "content": text}]


# Rendered with the model's own chat template and its prompt for an answer.
CHATS = {
    "chat_capital": user("What is the capital of France?"),
    "chat_empty": user(""),
    "chat_code": user("Write a Python function that reverses a string."),
    "chat_french": user("Écris une phrase courte sur l'été à Montréal."),
    "chat_special": user("What does <|im_end|> mean?\n\n{{ not a template }} & <b>bold</b>"),
    "chat_system": [
        {"role": "system", "content": "You answer with a single word."},
        {"role": "user", "content": "Which planet is known as the red one?"},
    ],
    "chat_turns": [
        {"role": "user", "content": "My name is Zoë."},
        {"role": "assistant", "content": "Hello Zoë! How can I help you?"},
        {"role": "user", "content": "What is my name?"},
    ],
}
