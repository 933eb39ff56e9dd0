//! A sweep in a directory: each point written whole the moment it is done, so that a sweep that was
//! killed goes on.

use std::fs::{self, File};
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::record::Observer;
use crate::report::{OutputError, RunDirectory, lock_directory, to_json, write_file};

use super::each::in_parallel;
use super::stored::{self, BUILD, MANIFEST, Manifest, POINTS, RESULTS};
use super::{Checked, Point, Shard, SweepError};

/// A directory that a sweep may write to, with what it holds already. Nobody else writes to it as
/// long as this lives.
pub struct Directory<'a> {
    /// How many points of the shard are there already.
    pub done: usize,
    /// How many directories hold points that are not of this grid, or not any more.
    pub others: usize,
    checked: &'a Checked,
    root: PathBuf,
    manifest: Manifest,
    shard: Shard,
    missing: Vec<&'a Point>,
    _lock: Option<File>,
}

impl Checked {
    /// Begins, or with `resume` goes on with, a sweep in a directory. What a sweep that was killed
    /// left half done is taken away. Points whose key is that of a point of this grid stay,
    /// whatever grid they were run for; all others are left alone and only counted.
    ///
    /// # Errors
    ///
    /// If the directory cannot be written to, holds something else, is written to by another
    /// process, or holds a sweep and `resume` is not set.
    pub fn directory(&self, root: &Path, shard: Shard, resume: bool) -> Result<Directory<'_>, OutputError> {
        let io = |doing: &'static str| move |why: io::Error| OutputError::io(root, doing, &why);
        let points = root.join(POINTS);
        refuse_strangers(root, resume)?;
        fs::create_dir_all(root).map_err(io("be made"))?;
        let lock = lock(root)?;
        sweep_out(root)?;
        // The mark comes first: whatever is there later is a sweep's.
        let manifest = Manifest::of(self, (shard != Shard::ALL).then(|| shard.to_string()));
        write_file(&root.join(MANIFEST), to_json(&manifest).as_bytes())?;
        fs::create_dir_all(&points).map_err(io("be made"))?;
        sweep_out(&points)?;
        let own: Vec<&Point> = self.points.iter().filter(|point| shard.has(point.number)).collect();
        let is_missing = |point: &&&Point| {
            let path = points.join(stored::directory(&point.key));
            !path.exists() || stored::summary(&path, &point.key, BUILD).is_none()
        };
        let missing: Vec<&Point> = own.par_iter().filter(is_missing).copied().collect();
        let ours: std::collections::BTreeSet<&str> =
            self.points.iter().map(|point| stored::directory(&point.key)).collect();
        let names = names(&points)?;
        let others = names.iter().filter(|name| !ours.contains(name.as_str())).count();
        if !missing.is_empty() && root.join(RESULTS).exists() {
            // The table is there only if all of its points are.
            fs::remove_file(root.join(RESULTS)).map_err(io("be changed"))?;
        }
        let done = own.len() - missing.len();
        let root = root.to_owned();
        Ok(Directory { done, others, checked: self, root, manifest, shard, missing, _lock: lock })
    }
}

impl Directory<'_> {
    /// The points that are still to be run.
    pub fn missing(&self) -> &[&Point] {
        &self.missing
    }

    /// Runs what is missing, then writes `results.csv` with a row for each point of the shard.
    /// `watch` makes an observer for each point; `threads` is as for [`Checked::each`].
    ///
    /// # Errors
    ///
    /// If a point fails or a file cannot be written. What has been done by then stays.
    pub fn run<W: Observer>(
        self,
        threads: Option<NonZeroUsize>,
        watch: impl Fn(&Point) -> W + Sync,
    ) -> Result<(), SweepError> {
        let points = self.root.join(POINTS);
        let place = |point: &Point| points.join(stored::directory(&point.key));
        in_parallel(&self.missing, threads, |point| {
            // What is there under this name is not whole.
            remove(&place(point))?;
            let mut case = point.case()?;
            case.recording = RunDirectory::begin(&[place(point)], false)?.pop();
            let done = case.simulate(&mut watch(point))?.finish(None)?;
            if let Some(staged) = done.staged {
                let path = place(point);
                stored::seal(staged.path()).map_err(|why| OutputError::io(&path, "be written", &why))?;
                staged.publish()?;
            }
            Ok(())
        })?;
        let results = self.root.join(RESULTS);
        let own: Vec<_> = self.checked.points.iter().filter(|point| self.shard.has(point.number)).collect();
        let row = |point: &&Point| {
            let summary = stored::summary(&place(point), &point.key, BUILD);
            let what = "is not what was written; look after the disk, and go on with --resume";
            summary
                .ok_or_else(|| OutputError::new(&place(point), what))
                .map(|summary| (point.number, summary))
        };
        let rows = own.par_iter().map(row).collect::<Result<Vec<_>, _>>()?;
        let bytes = self.manifest.results(&rows);
        // A point that a power cut takes is run again; a table that is there is of points that no
        // power cut takes.
        stored::flush(&points).map_err(|why| OutputError::io(&points, "be written", &why))?;
        write_file(&results, &bytes.map_err(|why| OutputError::io(&results, "be written", &why))?)?;
        Ok(())
    }
}

/// Whether a name is that of something half done.
fn is_partial(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".partial")
}

/// What is in a directory, in order; nothing if it is not there.
fn names(path: &Path) -> Result<Vec<String>, OutputError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(why) if why.kind() == io::ErrorKind::NotADirectory => {
            return Err(OutputError::new(
                path,
                "is not a directory; give one that is new, or an earlier sweep's",
            ));
        }
        Err(why) => return Err(OutputError::io(path, "be read", &why)),
    };
    let names: io::Result<Vec<String>> =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect();
    let mut names = names.map_err(|why| OutputError::io(path, "be read", &why))?;
    names.sort();
    Ok(names)
}

fn refuse_strangers(root: &Path, resume: bool) -> Result<(), OutputError> {
    let names = names(root)?;
    let is_ours = |name: &&String| [MANIFEST, POINTS, RESULTS].contains(&name.as_str()) || is_partial(name);
    let is_sweep = names.iter().any(|name| name == MANIFEST);
    match names.iter().find(|name| !is_ours(name)) {
        Some(_) if !is_sweep => Err(OutputError::new(
            root,
            "exists and is no sweep's; give a directory that is new, empty, or an earlier sweep's",
        )),
        _ if is_sweep && !resume => Err(OutputError::new(
            root,
            "holds a sweep already; go on with it by --resume, or give another directory",
        )),
        _ => Ok(()),
    }
}

/// Takes away what was left half done.
fn sweep_out(folder: &Path) -> Result<(), OutputError> {
    names(folder)?.iter().filter(|name| is_partial(name)).try_for_each(|name| remove(&folder.join(name)))
}

fn remove(path: &Path) -> Result<(), OutputError> {
    let gone = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match gone {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(OutputError::io(path, "be removed", &why)),
        _ => Ok(()),
    }
}

/// Keeps other sweeps out of a directory, until the file is closed or the process ends, however it
/// ends.
fn lock(root: &Path) -> Result<Option<File>, OutputError> {
    lock_directory(root).map_err(|why| match why.kind() {
        io::ErrorKind::WouldBlock => OutputError::new(
            root,
            "is being written to by another sweep; wait for it, or give each its own directory",
        ),
        _ => OutputError::io(root, "be read", &why),
    })
}
