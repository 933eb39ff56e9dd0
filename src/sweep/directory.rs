//! A sweep in a directory: each point written whole the moment it is done, so that a sweep that was
//! killed goes on.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::experiment::{Layout, RunError, RunOutput};
use crate::record::Observer;
use crate::report::{OutputError, RunDirectory, is_temporary, lock_directory, names, to_json, write_file};

use super::Shard;
use super::check::{CheckedGrid, Point, PreparedPoint};
use super::parallel::{SweepError, in_parallel};
use super::point_key::{BUILD, PointKey};
use super::stored::{self, MANIFEST, POINTS, RESULTS, SweepManifest};

/// A directory that a sweep may write to, with what it holds already. No other sweep writes to it
/// as long as this lives.
pub struct SweepDirectory {
    root: PathBuf,
    manifest: SweepManifest,
    /// The points of the shard, by number and key.
    own: Vec<(usize, PointKey)>,
    /// Those of them that are still to be run.
    missing: Vec<PreparedPoint>,
    others: usize,
    _lock: Option<File>,
}

impl CheckedGrid {
    /// Begins, or with `resume` goes on with, a sweep in a directory. What a sweep that was killed
    /// left half done is taken away. Points whose key is that of a point of this grid stay,
    /// whatever grid they were run for; all others are left alone and only counted.
    ///
    /// # Errors
    ///
    /// If the directory cannot be written to, holds something else, is written to by another
    /// process, or holds a sweep and `resume` is not set.
    pub fn directory(self, root: &Path, shard: Shard, resume: bool) -> Result<SweepDirectory, OutputError> {
        let failed = |doing: &'static str| move |why: io::Error| OutputError::io(root, doing, &why);
        let points = root.join(POINTS);
        refuse_strangers(root, resume)?;
        fs::create_dir_all(root).map_err(failed("be made"))?;
        let lock = lock(root)?;
        remove_partial(root)?;
        // The mark comes first: whatever is there later is a sweep's.
        let manifest = SweepManifest::new(&self, (shard != Shard::ALL).then(|| shard.to_string()));
        write_file(&root.join(MANIFEST), to_json(&manifest).as_bytes())?;
        fs::create_dir_all(&points).map_err(failed("be made"))?;
        remove_partial(&points)?;
        let ours: BTreeSet<&str> = self.points().map(|point| point.key().directory()).collect();
        let others = names_if_any(&points)?.iter().filter(|name| !ours.contains(name.as_str())).count();
        let own = self.points_of(shard).map(|point| (point.number(), point.key().clone())).collect();
        let is_missing = |prepared: &PreparedPoint| {
            let PreparedPoint { point, .. } = prepared;
            let path = points.join(point.key().directory());
            shard.has(point.number())
                && (!path.exists() || stored::summary(&path, point.key(), BUILD).is_none())
        };
        let missing: Vec<_> = self.into_points().into_par_iter().filter(is_missing).collect();
        if !missing.is_empty() && root.join(RESULTS).exists() {
            // The table is there only if all of its points are.
            fs::remove_file(root.join(RESULTS)).map_err(failed("be changed"))?;
        }
        Ok(SweepDirectory { root: root.to_owned(), manifest, own, missing, others, _lock: lock })
    }
}

impl SweepDirectory {
    /// Returns the points that are still to be run, in the order of the grid.
    pub fn missing(&self) -> impl ExactSizeIterator<Item = &Point> {
        self.missing.iter().map(|prepared| &prepared.point)
    }

    /// Returns how many points of the shard are there already.
    pub fn done(&self) -> usize {
        self.own.len() - self.missing.len()
    }

    /// Returns how many directories hold points that are not of this grid, or not any more.
    pub fn others(&self) -> usize {
        self.others
    }

    /// Runs what is missing, then writes `results.csv` with a row for each point of the shard.
    /// `watch` makes an observer for each point; `threads` is as for [`CheckedGrid::each`].
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
        in_parallel(self.missing, threads, |prepared| {
            let path = points.join(prepared.point.key().directory());
            let mut watcher = watch(&prepared.point);
            run_into(&path, prepared, &mut watcher)
        })?;
        write_results(&self.root, &self.manifest, &self.own)
    }
}

/// Runs a point into a directory. What is there under its name is not whole.
fn run_into(path: &Path, prepared: PreparedPoint, watcher: &mut dyn Observer) -> Result<(), RunError> {
    remove(path)?;
    let recording = RunDirectory::begin(&[path.to_owned()], false)?.pop();
    let output = recording.map(|recording| RunOutput::new(recording, Layout::Default));
    let result = prepared.run.simulate(output, watcher)?.finish(None)?;
    result.publish()?;
    Ok(())
}

/// Writes `results.csv` with a row for each of these points, which are all there.
fn write_results(root: &Path, manifest: &SweepManifest, own: &[(usize, PointKey)]) -> Result<(), SweepError> {
    let (points, results) = (root.join(POINTS), root.join(RESULTS));
    let row = |(number, key): &(usize, PointKey)| {
        let path = points.join(key.directory());
        let what = "is not what was written; look after the disk, and go on with --resume";
        let summary = stored::summary(&path, key, BUILD);
        summary.map(|summary| (*number, summary)).ok_or_else(|| OutputError::new(&path, what))
    };
    let rows = own.par_iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let bytes = manifest.results(&rows).map_err(|why| OutputError::io(&results, "be written", &why))?;
    // A point that a power cut takes is run again; a table that is there is of points that no power
    // cut takes.
    stored::flush(&points).map_err(|why| OutputError::io(&points, "be written", &why))?;
    write_file(&results, &bytes)?;
    Ok(())
}

/// Returns the names of what a directory holds, sorted; none if it is not there.
fn names_if_any(path: &Path) -> Result<Vec<String>, OutputError> {
    names(path).or_else(|why| match why.kind() {
        io::ErrorKind::NotFound => Ok(Vec::new()),
        io::ErrorKind::NotADirectory => {
            Err(OutputError::new(path, "is not a directory; give one that is new, or an earlier sweep's"))
        }
        _ => Err(OutputError::io(path, "be read", &why)),
    })
}

/// Checks that a sweep may write to a directory.
fn refuse_strangers(root: &Path, resume: bool) -> Result<(), OutputError> {
    let names = names_if_any(root)?;
    let is_ours = |name: &&String| [MANIFEST, POINTS, RESULTS].contains(&name.as_str()) || is_temporary(name);
    let is_sweep = names.iter().any(|name| name == MANIFEST);
    match names.iter().find(|name| !is_ours(name)) {
        Some(_) if !is_sweep => Err(OutputError::new(
            root,
            "exists but is not a sweep's directory; give one that is new, empty, or an earlier sweep's",
        )),
        _ if is_sweep && !resume => Err(OutputError::new(
            root,
            "already holds a sweep; go on with it by --resume, or give another directory",
        )),
        _ => Ok(()),
    }
}

/// Removes what is half done in a directory that is locked.
fn remove_partial(folder: &Path) -> Result<(), OutputError> {
    let names = names_if_any(folder)?;
    names.iter().filter(|name| is_temporary(name)).try_for_each(|name| remove(&folder.join(name)))
}

fn remove(path: &Path) -> Result<(), OutputError> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
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
