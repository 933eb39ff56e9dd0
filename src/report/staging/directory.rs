//! A directory that appears whole or not at all.
//!
//! Everything is written into a hidden directory beside the target, on the same file system, which
//! is renamed at the end. What is not published disappears with its [`StagedDirectory`], and so do
//! the parents that were created for it. What a killed process left is removed by
//! [`remove_leftovers`].

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::error::OutputError;
use super::lock::{LOCK, TargetLock};
use super::sync::{sync_names, sync_tree};
use super::unfinished::{self, Undo, remove_empty};

/// How many random characters a temporary name has.
const RANDOM: usize = 6;
/// How a temporary name ends.
const PARTIAL: &str = ".partial";

/// A directory in the making.
#[derive(Debug)]
pub struct StagedDirectory {
    target: PathBuf,
    temporary: PathBuf,
    /// A lock that tells other processes that this one is still writing; `None` on a system without
    /// locks.
    _lock: Option<File>,
    /// Keeps others from writing to the target.
    target_lock: Option<TargetLock>,
    rule: Rule,
    /// The directories above the target that were created for it, the deepest first.
    created: Vec<PathBuf>,
    is_published: bool,
}

/// What may be replaced: see [`stage`].
#[derive(Clone, Copy, Debug)]
struct Rule {
    mark: &'static str,
    is_ours: fn(&str) -> bool,
}

/// Begins a directory for each target, all or none: checks that every target may be written or
/// replaced, then creates a temporary directory beside each.
///
/// A directory may be replaced if it is empty, or if it has a file `mark` and `is_ours` accepts the
/// names of all its files.
///
/// # Errors
///
/// If a target may not be replaced, or nothing can be created beside it. Nothing is left behind
/// then.
pub fn stage(
    targets: &[PathBuf],
    mark: &'static str,
    is_ours: fn(&str) -> bool,
) -> Result<Vec<StagedDirectory>, OutputError> {
    let rule = Rule { mark, is_ours };
    let mut checked = Vec::new();
    for target in targets {
        check_replaceable(target, rule)?;
        // A link stays a link: the directory that it leads to is replaced.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.clone());
        let missing = missing_parents(&target);
        checked.push((target, missing));
    }
    checked.into_iter().map(|(target, missing)| StagedDirectory::begin(target, rule, missing)).collect()
}

fn check_replaceable(target: &Path, rule: Rule) -> Result<(), OutputError> {
    let Rule { mark, is_ours } = rule;
    let refuse = |what: &str| Err(OutputError::new(target, what));
    let meta = match fs::metadata(target) {
        Ok(meta) => meta,
        Err(why) if why.kind() == io::ErrorKind::NotFound && target.file_name().is_some() => return Ok(()),
        Err(why) if why.kind() == io::ErrorKind::NotADirectory => {
            return refuse("part of this path is a file; give a directory");
        }
        Err(why) => return Err(OutputError::io(target, "be written to", &why)),
    };
    if !meta.is_dir() {
        return refuse("is not a directory; give one that is new, or that an earlier run wrote");
    }
    let names = names(target).map_err(|why| OutputError::io(target, "be read", &why))?;
    let is_marked = names.iter().any(|name| name == mark);
    match names.iter().find(|name| !is_ours(name)) {
        None if names.is_empty() || is_marked => Ok(()),
        Some(name) if is_marked => refuse(&format!(
            "is an earlier run's, but also holds `{name}`, which would be lost; move that away, or give another directory"
        )),
        _ => refuse(
            "exists but is not a run directory; give a directory that is new, empty, or that an earlier run wrote",
        ),
    }
}

/// Returns the names of what a directory holds, sorted.
pub(crate) fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(directory)?;
    let mut names: Vec<String> = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()?;
    names.sort();
    Ok(names)
}

fn parent(target: &Path) -> &Path {
    target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the directories above `target` that do not exist, the deepest first.
fn missing_parents(target: &Path) -> Vec<PathBuf> {
    let parents = target.ancestors().skip(1).take_while(|p| !p.as_os_str().is_empty() && !p.exists());
    parents.map(Path::to_path_buf).collect()
}

impl StagedDirectory {
    /// Creates the parents in `missing`, takes the lock of the target, and creates the temporary
    /// directory.
    fn begin(target: PathBuf, rule: Rule, missing: Vec<PathBuf>) -> Result<StagedDirectory, OutputError> {
        let mut all = unfinished::lock();
        let parent = parent(&target);
        let made = fs::create_dir_all(parent)
            .map_err(|why| OutputError::io(parent, "be made", &why))
            .and_then(|()| TargetLock::take(&target))
            .and_then(|target_lock| {
                let made = temporary(&target).map_err(|why| OutputError::io(&target, "be made", &why));
                made.map(|(temporary, lock)| (target_lock, temporary, lock))
            });
        let (target_lock, temporary, lock) = match made {
            Ok((target_lock, temporary, lock)) => (target_lock, temporary.keep(), lock),
            Err(error) => {
                remove_empty(&missing);
                return Err(error);
            }
        };
        all.insert(temporary.clone(), Undo::new(&temporary, Some(target_lock.path()), &missing));
        let target_lock = Some(target_lock);
        let (created, is_published) = (missing, false);
        Ok(StagedDirectory { target, temporary, _lock: lock, target_lock, rule, created, is_published })
    }

    /// Returns the temporary directory, into which everything is written.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Returns the path that the directory will have.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Returns what it takes to remove the directory in the making.
    #[cfg(test)]
    pub(in crate::report) fn undo(&self) -> Undo {
        Undo::new(&self.temporary, self.target_lock.as_ref().map(TargetLock::path), &self.created)
    }

    /// Forces the directory onto the disk and gives it its name, in the place of an earlier one.
    ///
    /// # Errors
    ///
    /// If something that may not be replaced has got its name since, or it cannot be renamed; then
    /// what was there is in its place.
    pub fn publish(mut self) -> Result<(), OutputError> {
        sync_tree(&self.temporary).map_err(|why| OutputError::io(&self.target, "be written", &why))?;
        check_replaceable(&self.target, self.rule)?;
        // The lock keeps an interruption out of the time between the two renamings.
        let mut all = unfinished::lock();
        let failed = |why: &io::Error| OutputError::io(&self.target, "be put in its place", why);
        let aside = make_room(&self.target).map_err(|why| failed(&why))?;
        let (aside, _lock) = aside.unzip();
        if let Some(aside) = &aside {
            fs::rename(&self.target, aside.path().join("old")).map_err(|why| failed(&why))?;
        }
        if let Err(why) = fs::rename(&self.temporary, &self.target) {
            if let Some(aside) = aside
                && fs::rename(aside.path().join("old"), &self.target).is_err()
            {
                // Better left in its temporary place than lost.
                let kept = aside.keep();
                let text =
                    format!("cannot be put in its place: {why}; the earlier run is in `{}`", kept.display());
                return Err(OutputError::new(&self.target, text));
            }
            return Err(failed(&why));
        }
        sync_names(parent(&self.target));
        all.remove(&self.temporary);
        self.is_published = true;
        Ok(())
    }
}

impl Drop for StagedDirectory {
    fn drop(&mut self) {
        if !self.is_published {
            Undo::new(&self.temporary, None, &[]).run();
            // The lock is given back first: its file lies in the last directory to be removed.
            self.target_lock = None;
            remove_empty(&self.created);
            unfinished::lock().remove(&self.temporary);
        }
    }
}

/// Creates a hidden directory for what is at `target`; `None` if nothing is there.
fn make_room(target: &Path) -> io::Result<Option<(TempDir, Option<File>)>> {
    if target.exists() { temporary(target).map(Some) } else { Ok(None) }
}

/// Creates a locked hidden directory beside `target`.
fn temporary(target: &Path) -> io::Result<(TempDir, Option<File>)> {
    let prefix = prefix(target);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).rand_bytes(RANDOM).suffix(PARTIAL);
    #[cfg(unix)]
    {
        // The directory becomes the result: the umask of the user decides its permissions.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    loop {
        let made = builder.tempdir_in(parent(target))?;
        match lock_directory(made.path()) {
            Ok(lock) if made.path().is_dir() => return Ok((made, lock)),
            // Another process took it for a leftover before it was locked.
            Ok(_) => {}
            Err(why) if matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::WouldBlock) => {}
            Err(_) => return Ok((made, None)),
        }
    }
}

/// Returns how the temporary names for a target begin.
fn prefix(target: &Path) -> String {
    format!(".{}.", target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
}

/// Returns whether a name is that of something in the making or of its lock, for whatever target.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && (name.ends_with(PARTIAL) || name.ends_with(LOCK))
}

/// Removes what killed processes left in the making for a target, as far as possible. What another
/// process is still writing stays, and so does an earlier run that was about to be replaced.
pub fn remove_leftovers(target: &Path) {
    let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_path_buf());
    let prefix = prefix(&target);
    let is_temporary = |name: &str| {
        let random = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(PARTIAL));
        random
            .is_some_and(|random| random.len() == RANDOM && random.bytes().all(|c| c.is_ascii_alphanumeric()))
    };
    for entry in fs::read_dir(parent(&target)).into_iter().flatten().flatten() {
        let path = entry.path();
        if is_temporary(&entry.file_name().to_string_lossy())
            && !path.join("old").exists()
            && let Ok(Some(_lock)) = lock_directory(&path)
        {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Locks a directory until the file is closed or the process ends, however it ends. Returns `None`
/// on a system without locks.
///
/// # Errors
///
/// [`io::ErrorKind::WouldBlock`] if another process holds the lock; otherwise that the directory
/// cannot be opened.
#[cfg(unix)]
pub(crate) fn lock_directory(path: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{FlockOperation, flock};
    let file = File::open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(io::ErrorKind::WouldBlock.into()),
        Err(_) => Ok(None),
    }
}

#[cfg(not(unix))]
pub(crate) fn lock_directory(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}
