//! Ctrl-C, SIGTERM and a hang-up.

#[cfg(target_os = "linux")]
use std::path::Path;

use super::exit::Exit;
#[cfg(target_os = "linux")]
use crate::files;
use crate::upload::Stop;

/// Catches signals from now on: the first asks the run to stop, the second
/// ends the process at once, which is as safe as a crash. A file that would grow beyond
/// a limit of the process is an error, as on a full disk, and no signal.
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

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use rustix::process::Signal;
    use tokio::signal::unix::{SignalKind, signal};
    // Once caught, it stays caught.
    drop(signal(SignalKind::from_raw(Signal::XFSZ.as_raw())));
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    if hang_up_is_ignored() {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        return Ok(());
    }
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}

/// Whether the one who started hrfeed wants it to outlive a hang-up, as `nohup` does:
/// catching the signal would undo that.
#[cfg(target_os = "linux")]
fn hang_up_is_ignored() -> bool {
    const HANG_UP: u32 = 1;
    let Ok((status, _)) = files::read_text(Path::new("/proc/self/status"), 1 << 20) else {
        return true;
    };
    let ignored = status.lines().find_map(|it| it.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_none_or(|mask| mask & (1 << (HANG_UP - 1)) != 0)
}

/// Other systems do not say. There a hang-up ends the process, unless it is ignored:
/// that is as safe as a crash.
#[cfg(all(unix, not(target_os = "linux")))]
fn hang_up_is_ignored() -> bool {
    true
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
