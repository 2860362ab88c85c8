//! What the makers of a model recommend is what happens where nothing else is asked for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod common;

use common::{prompt, tiny_folder};
use mlx_lm::{Lm, Penalties, Sampling, source::Location};

#[test]
fn generation_config_decides_unless_the_user_does() {
    for (text, sampling, penalties) in [
        ("{}", Sampling::default(), Penalties::default()),
        // Without `do_sample` transformers is greedy, whatever else the file says.
        (r#"{"temperature": 0.6, "top_p": 0.9}"#, Sampling::default(), Penalties::default()),
        (
            r#"{"do_sample": true, "temperature": 5, "top_p": 0.9, "top_k": 40, "min_p": 0.01}"#,
            Sampling { temperature: 5.0, top_p: 0.9, top_k: 40, min_p: 0.01, ..Sampling::default() },
            Penalties::default(),
        ),
        (
            r#"{"do_sample": true}"#,
            Sampling { temperature: 1.0, ..Sampling::default() },
            Penalties::default(),
        ),
        (
            r#"{"repetition_penalty": 1.5}"#,
            Sampling::default(),
            Penalties { repetition: 1.5, repetition_context: 0, ..Penalties::default() },
        ),
    ] {
        let folder = tiny_folder("llama", &[("generation_config.json", text)]);
        let lm = Lm::open(&Location::Folder(folder.path().into())).unwrap();
        assert_eq!((lm.sampling(), lm.penalties()), (sampling, penalties.clone()), "{text}");
        let is_greedy = (sampling, &penalties) == (Sampling::default(), &Penalties::default());
        let request = || lm.generate(prompt(2, 9)).max_tokens(16);
        let told = request().sampling(sampling).penalties(penalties).text().unwrap();
        assert_eq!(request().text().unwrap(), told, "{text}");
        let greedy = request().sampling(Sampling::default()).penalties(Penalties::default()).text().unwrap();
        assert_eq!(told == greedy, is_greedy, "{text}");
    }
}
