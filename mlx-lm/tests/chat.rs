//! `mlx-lm chat` with the real SmolLM2: the conversation, its cache, the program through a pipe and in a terminal.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::io::Write;
use std::ops::ControlFlow;
use std::process::{Command, Output, Stdio};

use mlx::Engine;
use mlx_lm::chat::{AnswerEvent, Session};
use mlx_lm::source::{DEFAULT_MODEL, SourceOptions, resolve};
use mlx_lm::{Error, Lm, Message};
use serde_json::Value;

/// Runs `check` on an engine that holds the model.
fn with_model(check: impl FnOnce(&mut Lm) + Send + 'static) {
    let location = resolve(DEFAULT_MODEL, &SourceOptions::from_env().unwrap()).unwrap();
    let engine =
        Engine::start("smollm2", move || Lm::open(&location)).unwrap_or_else(|e: Error| panic!("{e}"));
    engine.run(check).unwrap();
}

fn go_on(_: &[AnswerEvent]) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn only_what_is_new_runs_and_the_answers_are_the_same() {
    with_model(|lm| {
        let mut session = Session::default();
        let mut before = 0;
        for question in ["What is the capital of France?", "And of Italy?", "Which is larger?"] {
            session.messages.push(Message::user(question));
            let mut fresh = Session::default();
            fresh.messages.clone_from(&session.messages);
            let kept = session.answer(lm, |request| Ok(request.max_tokens(24)), go_on).unwrap();
            let anew = fresh.answer(lm, |request| Ok(request.max_tokens(24)), go_on).unwrap();
            assert_eq!(kept.answer, anew.answer);
            assert_eq!((kept.stats.cached_tokens == 0, anew.stats.cached_tokens), (before == 0, 0));
            assert!(kept.stats.cached_tokens >= before, "{:?}", kept.stats);
            before = kept.stats.prompt_tokens;
        }
        // The last question is put in other words: the cache goes back to where it began.
        session.messages.truncate(4);
        session.messages.push(Message::user("Which is older?"));
        let mut fresh = Session::default();
        fresh.messages.clone_from(&session.messages);
        let kept = session.answer(lm, |request| Ok(request.max_tokens(24)), go_on).unwrap();
        assert_eq!(
            kept.answer,
            fresh.answer(lm, |request| Ok(request.max_tokens(24)), go_on).unwrap().answer
        );
        assert!(kept.stats.cached_tokens > 0 && kept.stats.cached_tokens < kept.stats.prompt_tokens);
    });
}

#[test]
fn an_answer_that_is_stopped_is_kept_as_far_as_it_came() {
    with_model(|lm| {
        let mut session = Session::default();
        session.messages.push(Message::user("Tell me a long story."));
        let mut steps = 0;
        let reply = session.answer(lm, Ok, |_| {
            steps += 1;
            if steps == 12 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let reply = reply.unwrap();
        assert_eq!(reply.finish, None);
        assert_eq!(session.messages[1].content(), Some(reply.answer.content.as_str()));
        assert!(!reply.answer.content.is_empty() && reply.stats.generated_tokens <= 12);

        session.messages.push(Message::user("Say the first word again."));
        let next = session.answer(lm, |request| Ok(request.max_tokens(8)), go_on).unwrap();
        assert!(next.stats.cached_tokens >= reply.stats.prompt_tokens, "{:?}", next.stats);
        assert!(next.finish.is_some());
    });
}

/// The program with `input` on stdin.
fn chat(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mlx-lm"))
        .arg("chat")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_pipe_talks_and_commands_work() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("talk.json").display().to_string();
    let input = format!(
        "What is the capital of France?\n\"\"\"\nAnd of\nItaly?\n\"\"\"\n/stats\n/undo\n/save {file}\n/set max-tokens 3\n\
         /retry\n/show messages\n/clear\n/load {file}\n/show\n/help\n/exit\nnever read\n"
    );
    let output = chat(&["--system", "Answer in a few words.", "--max-tokens", "40"], &input);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}");
    assert!(stdout.contains("Paris"), "{stdout}");
    for part in [
        "tokens/s",
        "wrote 3 messages",
        "(cut off after 3 tokens)",
        "read 3 messages",
        "messages   3",
        "/retry",
    ] {
        assert!(stderr.contains(part), "{part} in {stderr}");
    }
    assert!(stderr.contains("system: Answer in a few words.") && !stderr.contains("never read"), "{stderr}");
    let saved: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let roles: Vec<&str> = saved["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap())
        .collect();
    assert_eq!(roles, ["system", "user", "assistant"]);
    assert_eq!(saved["messages"][1]["content"], "What is the capital of France?");
}

#[test]
fn mistakes_in_a_pipe_end_the_program_with_a_message() {
    for (input, message) in [
        ("/set temprature 1\n", "--temprature"),
        ("/set temperature hot\n", "hot"),
        ("/set temperature\n", "a name and a value"),
        ("/sve x\n", "did you mean /save?"),
        ("/load /nowhere.json\n", "/nowhere.json"),
        ("/retry\n", "nothing to retry"),
        ("/show everything\n", "known: model"),
        ("/set top-p 7\nHi\n", "top-p is 7"),
    ] {
        let output = chat(&[], input);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code().unwrap(), 1, "{input}: {stderr}");
        assert!(stderr.contains("error: ") && stderr.contains(message), "{input}: {stderr}");
    }
}

/// The program in a terminal, which util-linux's `script` provides.
#[cfg(target_os = "linux")]
mod terminal {
    use std::io::{Read, Write};
    use std::process::{Child, Command, Stdio};
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    struct Terminal {
        child: Child,
        screen: Arc<Mutex<String>>,
        /// How much of the screen is read.
        read: usize,
        state: tempfile::TempDir,
    }

    impl Terminal {
        fn start(command: &str) -> Terminal {
            let state = tempfile::tempdir().unwrap();
            let mut child = Command::new("script")
                .args(["-qefc", &format!("{} {command}", env!("CARGO_BIN_EXE_mlx-lm")), "/dev/null"])
                .env("TERM", "xterm")
                .env("XDG_STATE_HOME", state.path())
                .env_remove("NO_COLOR")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let screen = Arc::new(Mutex::new(String::new()));
            let (mut out, shown) = (child.stdout.take().unwrap(), screen.clone());
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                while let Ok(count @ 1..) = out.read(&mut bytes) {
                    shown.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
                }
            });
            Terminal { child, screen, read: 0, state }
        }

        fn send(&mut self, keys: &str) {
            self.child.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
        }

        /// Waits for `text` behind what was read.
        fn expect(&mut self, text: &str) {
            let start = Instant::now();
            loop {
                let screen = self.screen.lock().unwrap();
                if let Some(at) = screen[self.read..].find(text) {
                    self.read += at + text.len();
                    return;
                }
                assert!(
                    start.elapsed() < Duration::from_secs(300),
                    "no {text:?} in {:?}",
                    &screen[self.read..]
                );
                drop(screen);
                std::thread::sleep(Duration::from_millis(20));
            }
        }

        fn wait(&mut self) -> i32 {
            self.child.wait().unwrap().code().unwrap()
        }
    }

    #[test]
    fn control_c_stops_the_answer_and_pressed_twice_the_program() {
        let mut terminal = Terminal::start("chat --max-tokens 4000");
        terminal.expect(">>> ");
        terminal.send("Tell me a very long story about a dragon.\r");
        terminal.expect("dragon.");
        terminal.expect("\n");
        terminal.expect(" the ");
        terminal.send("\x03");
        terminal.expect("(stopped)");
        terminal.expect(">>> ");
        // The line above comes back from the history.
        terminal.send("\x1b[A");
        terminal.expect("dragon.");
        terminal.send("\x03");
        terminal.expect("Ctrl-C once more leaves");
        terminal.expect(">>> ");
        terminal.send("/set max-tokens 8\r");
        terminal.expect(">>> ");
        for line in ["\"\"\"\r", "Hello\r"] {
            terminal.send(line);
            terminal.expect("... ");
        }
        terminal.send("\"\"\"\r");
        terminal.expect("(cut off after 8 tokens)");
        terminal.expect(">>> ");
        terminal.send("/nonsense\r");
        terminal.expect("no command /nonsense");
        terminal.expect(">>> ");
        terminal.send("\x03");
        // The editor may draw its line once more before it gives the terminal back.
        terminal.expect("Ctrl-C once more leaves");
        terminal.expect(">>> ");
        terminal.send("\x03");
        assert_eq!(terminal.wait(), 130);
        let history = std::fs::read_to_string(terminal.state.path().join("mlx-lm/history")).unwrap();
        assert!(history.contains("dragon.") && history.contains("/set max-tokens 8"), "{history}");
    }

    #[test]
    fn control_d_leaves() {
        let mut terminal = Terminal::start("chat");
        terminal.expect(">>> ");
        terminal.send("\x04");
        assert_eq!(terminal.wait(), 0);
    }

    #[test]
    fn run_without_a_prompt_is_a_chat() {
        let mut terminal = Terminal::start(&format!("run {}", mlx_lm::source::DEFAULT_MODEL));
        terminal.expect(">>> ");
        terminal.send("What is the capital of France?\r");
        terminal.expect("France?");
        terminal.expect("Paris");
        terminal.expect(">>> ");
        terminal.send("/exit\r");
        assert_eq!(terminal.wait(), 0);
    }
}
