//! Reports on their way to the front.

use crate::serve::protocol::{Report, write_frame};
use std::{
    io::{self, Write},
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::{Builder, JoinHandle},
};

/// Sends reports from any thread, in order, without waiting for the front to read them.
#[derive(Clone)]
pub(super) struct Outbox {
    reports: mpsc::Sender<Option<Report>>,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Outbox {
    pub(super) fn start(mut front: UnixStream) -> io::Result<Outbox> {
        let (reports, queue) = mpsc::channel::<Option<Report>>();
        let writer = Builder::new().name("reports".into()).spawn(move || {
            let mut bytes = Vec::new();
            while let Ok(Some(report)) = queue.recv() {
                // What has piled up goes in one write.
                let mut next = Some(report);
                let mut last = false;
                while let Some(report) = next {
                    if let Err(error) = write_frame(&mut bytes, &report) {
                        eprintln!("error: a report was lost: {error}");
                    }
                    match queue.try_recv() {
                        Ok(Some(report)) => next = Some(report),
                        Ok(None) => (next, last) = (None, true),
                        Err(_) => next = None,
                    }
                }
                // Without a front there is no one to tell; the reader of orders ends the process.
                if front.write_all(&bytes).is_err() || last {
                    return;
                }
                bytes.clear();
            }
        })?;
        Ok(Outbox { reports, writer: Arc::new(Mutex::new(Some(writer))) })
    }

    pub(super) fn send(&self, report: Report) {
        // The writer ends only when the front is gone.
        let _ = self.reports.send(Some(report));
    }

    /// Waits until everything is written.
    pub(super) fn finish(&self) {
        let _ = self.reports.send(None);
        if let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = writer.join();
        }
    }
}
