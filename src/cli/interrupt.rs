//! SIGINT and SIGTERM: nothing half done is left, and the exit code is 130 or 143.

use std::sync::atomic::{AtomicBool, Ordering};

static BEGUN: AtomicBool = AtomicBool::new(false);

/// From here on, a signal removes what is half done and ends the program.
#[cfg(unix)]
pub(super) fn watch() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    // Where signals cannot be watched, they end the program as usual.
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            BEGUN.store(true, Ordering::SeqCst);
            crate::report::discard_unfinished();
            std::process::exit(128 + signal);
        }
    });
}

/// Does nothing: there are no signals to watch.
#[cfg(not(unix))]
pub(super) fn watch() {}

/// Waits for the end of the program if a signal has begun it: the command may have failed only
/// because its files were removed.
pub(super) fn wait_if_begun() {
    while BEGUN.load(Ordering::SeqCst) {
        std::thread::park();
    }
}
