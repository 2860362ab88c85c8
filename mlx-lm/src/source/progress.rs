//! The bar that a download shows on stderr, and who else hears of it.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

/// Hears how a download goes: what is being fetched, the bytes that are here and the bytes in all.
#[derive(Clone)]
pub struct Observer(Arc<Hear>);

type Hear = dyn Fn(&str, u64, u64) + Send + Sync;

impl Observer {
    /// Calls `hear` often, from the thread that downloads.
    pub fn new(hear: impl Fn(&str, u64, u64) + Send + Sync + 'static) -> Observer {
        Observer(Arc::new(hear))
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// A progress bar over bytes, or nothing at all.
pub(crate) struct Progress {
    bar: ProgressBar,
    watch: Option<Watch>,
}

struct Watch {
    observer: Observer,
    total: u64,
    label: Mutex<String>,
}

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
            progress.bar.enable_steady_tick(Duration::from_millis(120));
        }
        progress
    }

    fn styled(bar: ProgressBar, template: &str) -> Self {
        let style = ProgressStyle::with_template(template).expect("a test builds each bar");
        Progress { bar: bar.with_style(style), watch: None }
    }

    /// Tells `observer`, too, of a bar over `total` bytes.
    pub(crate) fn watched(mut self, observer: Option<&Observer>, total: u64) -> Self {
        self.watch =
            observer.map(|observer| Watch { observer: observer.clone(), total, label: Mutex::default() });
        self
    }

    /// Names what is being done now.
    pub(crate) fn label(&self, message: String) {
        if let Some(watch) = &self.watch {
            watch.label.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&message);
        }
        self.bar.set_message(message);
    }

    /// Sets the number of bytes done.
    pub(crate) fn at(&self, bytes: u64) {
        self.bar.set_position(bytes);
        if let Some(Watch { observer, total, label }) = &self.watch {
            (observer.0)(&label.lock().unwrap_or_else(PoisonError::into_inner), bytes, *total);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
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

    #[test]
    fn observers_hear_what_is_done() {
        let heard = Arc::new(Mutex::new(vec![]));
        let ear = heard.clone();
        let observer =
            Observer::new(move |label, at, total| ear.lock().unwrap().push((label.to_owned(), at, total)));
        let progress = Progress::bytes(10, false).watched(Some(&observer), 10);
        progress.label("a".into());
        progress.at(5);
        assert_eq!(*heard.lock().unwrap(), [("a".to_owned(), 5, 10)]);
    }
}
