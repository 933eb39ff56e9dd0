//! Ctrl-C, and being told to stop: nothing half done is left, and the exit code is 130 or 143.

use std::sync::atomic::{AtomicBool, Ordering};

static BEGUN: AtomicBool = AtomicBool::new(false);

/// From here on, an interrupt takes away what is half done and ends the program.
#[cfg(unix)]
pub(super) fn watch() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    // Where signals cannot be watched, they end the program as ever.
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            BEGUN.store(true, Ordering::SeqCst);
            crate::report::discard_unfinished();
            std::process::exit(128 + signal);
        }
    });
}

/// There are no signals to watch.
#[cfg(not(unix))]
pub(super) fn watch() {}

/// The command may have failed only because its files were taken away: then the end is near.
pub(super) fn wait_if_begun() {
    while BEGUN.load(Ordering::SeqCst) {
        std::thread::park();
    }
}
