//! Ctrl-C and SIGTERM.

use super::exit::Exit;
use crate::upload::Stop;

/// Catches signals from now on: the first asks the run to stop, the second
/// ends the process at once, which is as safe as a crash.
pub(super) fn catch() -> Stop {
    let stop = Stop::default();
    let asked = stop.clone();
    let watch = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        else {
            return;
        };
        runtime.block_on(async {
            if signal().await.is_err() {
                // Signals cannot be caught here: they end the process as usual.
                return;
            }
            asked.request();
            if signal().await.is_ok() {
                #[expect(clippy::exit, reason = "the second signal means now")]
                std::process::exit(i32::from(Exit::Interrupted.code()));
            }
        });
    };
    // Without the thread a signal ends the process as usual.
    let _thread = std::thread::Builder::new()
        .name("signals".into())
        .spawn(watch);
    stop
}

/// A hang-up is not caught: `nohup` ignores it, and elsewhere it ends the
/// process, which is as safe as a crash.
#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[cfg(windows)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::windows;
    let mut interrupt = windows::ctrl_c()?;
    let mut stop = windows::ctrl_break()?;
    let mut close = windows::ctrl_close()?;
    let mut shutdown = windows::ctrl_shutdown()?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = stop.recv() => {}
        _ = close.recv() => {}
        _ = shutdown.recv() => {}
    }
    Ok(())
}
