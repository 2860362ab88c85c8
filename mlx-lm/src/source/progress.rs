//! The bar that a download shows on stderr.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar over bytes, or nothing at all.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar over `total` bytes, shown when `visible`.
    pub(crate) fn bytes(total: u64, visible: bool) -> Self {
        let bar = if visible { ProgressBar::new(total) } else { ProgressBar::hidden() };
        Self::styled(bar, "{bytes:>11} / {total_bytes} [{wide_bar}] {bytes_per_sec}, {eta} left  {msg}")
    }

    /// A sign of life for work whose length is not known.
    pub(crate) fn spinner(message: String, visible: bool) -> Self {
        let bar = if visible { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        let progress = Self::styled(bar.with_message(message), "{spinner} {msg} ({elapsed})");
        if visible {
            progress.0.enable_steady_tick(Duration::from_millis(120));
        }
        progress
    }

    fn styled(bar: ProgressBar, template: &str) -> Self {
        Progress(bar.with_style(ProgressStyle::with_template(template).expect("a test builds each bar")))
    }

    /// Names what is being done now.
    pub(crate) fn label(&self, message: String) {
        self.0.set_message(message);
    }

    /// Sets the number of bytes done.
    pub(crate) fn at(&self, bytes: u64) {
        self.0.set_position(bytes);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid() {
        Progress::bytes(10, false).at(5);
        Progress::spinner("waiting".into(), false).label("done".into());
    }
}
