//! The programs of the README, as they stand there; those over arrays run.

/// What the README must not differ from.
const HERE: &str = include_str!("readme.rs");
const README: &str = include_str!("../../README.md");

#[rustfmt::skip]
#[allow(dead_code, reason = "it fetches a model")]
mod answer {
    use mlx_lm::{Lm, Sampling};

    fn main() -> mlx_lm::Result<()> {
        let lm = Lm::load("smollm2:135m")?;
        let sampling = Sampling { temperature: 0.7, seed: 1, ..Sampling::default() };
        for piece in lm.chat("What is the capital of France?")?.max_tokens(50).sampling(sampling) {
            print!("{}", piece?.text);
        }
        Ok(())
    }
}

#[rustfmt::skip]
#[allow(dead_code, reason = "it fetches a model")]
fn several_answers() -> mlx_lm::Result<()> {
    use mlx_lm::{Batch, Event, Lm, Structure};

    let lm = Lm::load("smollm2:135m")?;
    let colour = lm.grammar(&Structure::Regex("red|green|blue".into()))?;
    let mut batch = Batch::new(&lm);
    batch.add(lm.chat("What is the capital of France?")?.max_tokens(50))?;
    batch.add(lm.chat("What colour is the sky?")?.grammar(colour))?;
    while !batch.is_empty() {
        for event in batch.step()? {
            if let Event::Piece { id, piece } = event {
                println!("{id:?}: {}", piece.text);
            }
        }
    }
    Ok(())
}

#[rustfmt::skip]
#[test]
fn arrays() -> mlx::Result<()> {
    use mlx::{Array, Rest};

    let x = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    let y = (&x * 2.0 + 1) / 4.0;                      // lazy; a failed operator reports at the next `?`, with its line
    assert_eq!(y.sum(-1)?.to_vec::<f32>()?, [2.0, 4.0]);
    assert_eq!(x.at((Rest, -1))?.to_vec::<f32>()?, [2.0, 4.0]);
    Ok(())
}

#[rustfmt::skip]
#[test]
fn training() -> mlx::Result<()> {
    use mlx::{Array, Dtype, Module, nn, optimizers::{AdamW, Optimizer}, random};

    #[derive(Module)]
    struct Model { hidden: nn::Linear, output: nn::Linear } // the field names are the checkpoint's keys

    impl Model {
        fn forward(&self, x: &Array) -> mlx::Result<Array> {
            self.output.forward(&nn::relu(&self.hidden.forward(x)?)?)
        }
    }

    let [a, b, c] = random::split(&random::key(0)?)?;
    let mut model = Model { hidden: nn::Linear::new(2, 16).init(&a)?, output: nn::Linear::new(16, 1).init(&b)? };
    let mut optimizer = Optimizer::new(AdamW::new(), 1e-2)?;
    let x = random::normal(&[64, 2], Dtype::F32, &c)?;
    for _ in 0..100 {
        let (_loss, grads) = nn::value_and_grad(&mut model, |model| (model.forward(&x)? - 1.0).square()?.mean(..))?;
        optimizer.update(&mut model, &grads)?;
    }
    Ok(())
}

#[test]
fn they_are_those_of_the_readme() {
    let lines = |text: &'static str| text.lines().map(str::trim).filter(|line| !line.is_empty());
    let here: Vec<&str> = lines(HERE).collect();
    let mut blocks = 0;
    for block in README.split("```rust\n").skip(1).filter_map(|rest| rest.split_once("```")) {
        let block: Vec<&str> = lines(block.0).collect();
        let found = here.windows(block.len()).any(|window| window == block);
        assert!(found, "this program of the README is not here:\n{}", block.join("\n"));
        blocks += 1;
    }
    assert!(blocks >= 4, "only {blocks} programs were found");
}
