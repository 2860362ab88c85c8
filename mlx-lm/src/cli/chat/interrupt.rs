//! Ctrl-C: while the model answers it stops the answer, else the program.

use std::sync::atomic::{AtomicU8, Ordering};

use mlx_lm::{Error, Result};

/// The exit code of a program that Ctrl-C has ended.
const CODE: i32 = 130;

const IDLE: u8 = 0;
const ANSWERING: u8 = 1;
const STOPPED: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(IDLE);

/// Takes over Ctrl-C for the rest of the program.
pub(super) fn install() -> Result<()> {
    let handler = || {
        if STATE.compare_exchange(ANSWERING, STOPPED, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            leave();
        }
    };
    ctrlc::set_handler(handler).map_err(|error| Error::io("Ctrl-C", std::io::Error::other(error)))
}

/// Ends the program. Whether the editor reads the key or the terminal makes it a signal depends on the moment; the
/// exit code does not.
pub(super) fn leave() -> ! {
    std::process::exit(CODE)
}

/// An answer that Ctrl-C stops; dropped when it has ended.
pub(super) struct Answering(());

impl Answering {
    pub(super) fn begin() -> Answering {
        STATE.store(ANSWERING, Ordering::Relaxed);
        Answering(())
    }

    pub(super) fn is_stopped(&self) -> bool {
        STATE.load(Ordering::Relaxed) == STOPPED
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        STATE.store(IDLE, Ordering::Relaxed);
    }
}
