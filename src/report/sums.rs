//! The digests of a run directory's files, by which a directory is known to be whole.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::encode::sha256;

/// Every file that a run directory may hold. `run.json` is in all of them: a directory without it
/// is not a run directory.
pub const FILES: [&str; 12] = [
    SUMS,
    "allocations.csv",
    BOUND,
    "events.jsonl",
    "final_result.csv",
    "job.csv",
    "jobs.csv",
    "run.json",
    "scheduling_events.csv",
    "summary.json",
    "timeline.csv",
    TIMING,
];
/// The prices that prove a bound, and the jobs that it leaves out.
pub const BOUND: &str = "bound.csv";
/// What every other file is, as `sha256sum --check` reads it.
pub(super) const SUMS: &str = "SHA256SUMS";
/// The wall-clock times, which differ from run to run.
pub(super) const TIMING: &str = "timing.json";

/// Writes the digest of every file of a run directory but [`TIMING`], which is not the same in two
/// runs. It is the last file that is written.
///
/// # Errors
///
/// If a file cannot be read, or this one cannot be written.
pub(super) fn write_sums(directory: &Path) -> io::Result<()> {
    let lines = sums(directory)?.into_iter().map(|(name, digest)| format!("{digest}  {name}\n"));
    fs::write(directory.join(SUMS), lines.collect::<String>())
}

/// Says what is wrong with a run directory: a file that it should have and that is not what the run
/// wrote, or a file that the run did not write. `None` if the directory is whole.
///
/// # Errors
///
/// If a file is there and cannot be read.
pub fn damage(directory: &Path) -> io::Result<Option<(&'static str, String)>> {
    let text = match fs::read_to_string(directory.join(SUMS)) {
        Ok(text) => text,
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            return Ok(Some((SUMS, "is missing, so whether the run is whole cannot be known".to_owned())));
        }
        Err(why) => return Err(why),
    };
    let stated: BTreeMap<&str, &str> =
        text.lines().filter_map(|line| line.split_once("  ")).map(|(digest, name)| (name, digest)).collect();
    let found = sums(directory)?;
    for name in FILES.into_iter().filter(|name| ![SUMS, TIMING].contains(name)) {
        let what = match (stated.get(name), found.get(name)) {
            (None, None) => continue,
            (Some(stated), Some(found)) if stated == found => continue,
            (Some(_), None) => "is missing",
            (None, Some(_)) => "was not written by this run",
            (Some(_), Some(_)) => "is not what the run wrote: it was changed or cut off since",
        };
        return Ok(Some((name, what.to_owned())));
    }
    Ok(None)
}

/// Returns the digest of each file that is there, by its name.
fn sums(directory: &Path) -> io::Result<BTreeMap<&'static str, String>> {
    let mut sums = BTreeMap::new();
    for name in FILES.into_iter().filter(|name| ![SUMS, TIMING].contains(name)) {
        match fs::read(directory.join(name)) {
            Ok(bytes) => _ = sums.insert(name, sha256(&bytes)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            Err(why) => return Err(why),
        }
    }
    Ok(sums)
}
