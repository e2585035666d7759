//! How many rows a file has, before it is read.

/// The most rows that are ever estimated: what is reserved by the estimate must
/// stay small even if the first rows of a large file are tiny.
pub(super) const MAX_ESTIMATE: usize = 8_000_000;

/// How many rows `bytes` hold if `rows_seen` of them took `bytes_seen`.
pub(super) fn estimate(bytes: u64, rows_seen: usize, bytes_seen: u64) -> usize {
    if rows_seen == 0 || bytes_seen == 0 {
        return 0;
    }
    // Later rows are shorter as often as longer: a tenth more than the mean.
    let rows = bytes as f64 / bytes_seen as f64 * rows_seen as f64 * 1.1;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, bounded right behind"
    )]
    let rows = rows.ceil() as usize;
    rows.saturating_add(1).min(MAX_ESTIMATE)
}
