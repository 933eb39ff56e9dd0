//! A directory that appears whole or not at all.
//!
//! Everything is written into a hidden directory beside the target, on the same file system, and
//! renamed at the end. What was not published disappears with its [`Staged`], and so do the parents
//! that were made for it; what a process left that was killed is taken away by [`sweep_out`].

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::unfinished;

/// An output path that cannot be used, or an output that cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}")]
pub struct OutputError {
    /// Where.
    pub path: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl OutputError {
    pub(crate) fn new(path: &Path, what: impl Into<String>) -> OutputError {
        OutputError { path: path.display().to_string(), what: what.into() }
    }

    /// What the system says is put by its kind: its own text may name a temporary file, which tells
    /// nobody anything.
    pub(crate) fn io(path: &Path, doing: &str, why: &io::Error) -> OutputError {
        match why.kind() {
            io::ErrorKind::Other => OutputError::new(path, format!("cannot {doing}: {why}")),
            kind => OutputError::new(path, format!("cannot {doing}: {kind}")),
        }
    }
}

/// How many characters tell names of what is in the making apart, and how they end.
const RANDOM: usize = 6;
const PARTIAL: &str = ".partial";

/// A directory in the making.
#[derive(Debug)]
pub struct Staged {
    target: PathBuf,
    /// What it is called as yet; nothing before it is made, and once it has its name.
    temporary: Option<PathBuf>,
    /// Says to others that somebody is at work there.
    held: Option<File>,
    /// What did not exist above the target, the deepest first.
    made: Vec<PathBuf>,
}

/// Begins a directory for each target: checks that all may be written or replaced, then makes a
/// temporary one beside each. `is_ours` says whether a file of that name may be replaced; `mark` is
/// the one that every directory of ours has.
///
/// # Errors
///
/// If a target is something else than a missing, an empty or one of our own directories, or nothing
/// can be made beside it. Nothing is left behind then.
pub fn stage(targets: &[PathBuf], mark: &str, is_ours: fn(&str) -> bool) -> Result<Vec<Staged>, OutputError> {
    let mut all = Vec::new();
    for target in targets {
        check(target, mark, is_ours)?;
        // A link stays a link: it is its target that is replaced.
        let target = fs::canonicalize(target).unwrap_or_else(|_| target.clone());
        let made = missing_parents(&target);
        all.push(Staged { target, temporary: None, held: None, made });
    }
    for staged in &mut all {
        staged.begin()?;
    }
    Ok(all)
}

fn check(target: &Path, mark: &str, is_ours: fn(&str) -> bool) -> Result<(), OutputError> {
    let meta = match fs::metadata(target) {
        Ok(meta) => meta,
        Err(why) if why.kind() == io::ErrorKind::NotFound && target.file_name().is_some() => return Ok(()),
        Err(why) if why.kind() == io::ErrorKind::NotADirectory => {
            return Err(OutputError::new(target, "part of this path is a file; give a directory"));
        }
        Err(why) => return Err(OutputError::io(target, "be written to", &why)),
    };
    if !meta.is_dir() {
        return Err(OutputError::new(
            target,
            "is not a directory; give one that is new, or that an earlier run wrote",
        ));
    }
    let names = fs::read_dir(target)
        .and_then(|entries| entries.map(|e| Ok(e?.file_name().to_string_lossy().into_owned())).collect())
        .map_err(|why| OutputError::io(target, "be read", &why))?;
    let mut names: Vec<String> = names;
    names.sort();
    let foreign = names.iter().find(|name| !is_ours(name));
    match foreign {
        None if names.is_empty() || names.iter().any(|name| name == mark) => Ok(()),
        Some(name) if names.iter().any(|name| name == mark) => Err(OutputError::new(
            target,
            format!(
                "is an earlier run's, but also holds `{name}`, which would be lost; move that away, or give another directory"
            ),
        )),
        _ => Err(OutputError::new(
            target,
            "exists and is no run's; give a directory that is new, empty, or that an earlier run wrote",
        )),
    }
}

fn parent(target: &Path) -> &Path {
    target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The directories above `target` that are not there, the deepest first.
fn missing_parents(target: &Path) -> Vec<PathBuf> {
    let parents = target.ancestors().skip(1).take_while(|p| !p.as_os_str().is_empty() && !p.exists());
    parents.map(Path::to_path_buf).collect()
}

impl Staged {
    fn begin(&mut self) -> Result<(), OutputError> {
        let mut unfinished = unfinished::lock();
        let parent = self.parent();
        fs::create_dir_all(parent).map_err(|why| OutputError::io(parent, "be made", &why))?;
        let made = temporary(parent, &self.target);
        let (made, held) = made.map_err(|why| OutputError::io(&self.target, "be made", &why))?;
        let path = made.keep();
        self.held = held;
        self.temporary = Some(path.clone());
        unfinished.insert(path, self.undo());
        Ok(())
    }

    fn parent(&self) -> &Path {
        parent(&self.target)
    }

    /// Where to write: the temporary directory.
    pub fn path(&self) -> &Path {
        self.temporary.as_ref().unwrap_or(&self.target)
    }

    /// What it takes to give it up.
    pub(super) fn undo(&self) -> Undo {
        Undo { temporary: self.temporary.clone(), made: self.made.clone() }
    }

    /// Gives the directory its name, in the place of an earlier one.
    ///
    /// # Errors
    ///
    /// If it cannot be renamed; then the earlier one is back in its place.
    pub fn publish(mut self) -> Result<(), OutputError> {
        // Nobody is to be interrupted between the two names.
        let mut unfinished = unfinished::lock();
        let failed = |why: &io::Error| OutputError::io(&self.target, "be put in its place", why);
        let aside = temporary_aside(self.parent(), &self.target).map_err(|why| failed(&why))?;
        let (aside, _held) = aside.unzip();
        if let Some(aside) = &aside {
            fs::rename(&self.target, aside.path().join("old")).map_err(|why| failed(&why))?;
        }
        if let Err(why) = fs::rename(self.path(), &self.target) {
            if let Some(aside) = aside
                && fs::rename(aside.path().join("old"), &self.target).is_err()
            {
                // Better left where it is than lost.
                let kept = aside.keep();
                let text =
                    format!("cannot be put in its place: {why}; the earlier run is in `{}`", kept.display());
                return Err(OutputError::new(&self.target, text));
            }
            return Err(failed(&why));
        }
        // There is nothing left to undo.
        unfinished.remove(self.path());
        self.temporary = None;
        self.made.clear();
        Ok(())
    }
}

/// A hidden directory that takes in what is at `target`; `None` where nothing is.
fn temporary_aside(parent: &Path, target: &Path) -> io::Result<Option<(TempDir, Option<File>)>> {
    if target.exists() { temporary(parent, target).map(Some) } else { Ok(None) }
}

fn temporary(parent: &Path, target: &Path) -> io::Result<(TempDir, Option<File>)> {
    let prefix = prefix(target);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).rand_bytes(RANDOM).suffix(PARTIAL);
    #[cfg(unix)]
    {
        // It becomes the result: as open to others as the user's umask lets a new directory be.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    loop {
        let made = builder.tempdir_in(parent)?;
        match hold(made.path()) {
            Ok(held) if made.path().is_dir() => return Ok((made, held)),
            // Somebody took it for left over before it was held.
            Ok(_) => {}
            Err(why) if matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::WouldBlock) => {}
            Err(_) => return Ok((made, None)),
        }
    }
}

/// How the names of what is in the making for a target begin.
fn prefix(target: &Path) -> String {
    format!(".{}.", target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
}

/// Takes away what processes that were killed left in the making for a target, as far as it is
/// possible.
pub fn sweep_out(target: &Path) {
    let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_path_buf());
    let (prefix, parent) = (prefix(&target), parent(&target));
    let is_ours = |name: &str| {
        let random = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(PARTIAL));
        random
            .is_some_and(|random| random.len() == RANDOM && random.bytes().all(|c| c.is_ascii_alphanumeric()))
    };
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let path = entry.path();
        // An earlier run that was about to be replaced is better left where it is than lost.
        if is_ours(&entry.file_name().to_string_lossy())
            && !path.join("old").exists()
            && let Ok(Some(_held)) = hold(&path)
        {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Holds a directory until the file is closed or the process ends, however it ends; `None` on a
/// system without locks.
///
/// # Errors
///
/// If somebody holds it already, which is [`io::ErrorKind::WouldBlock`], or it cannot be opened.
#[cfg(unix)]
pub(crate) fn hold(path: &Path) -> io::Result<Option<File>> {
    use rustix::fs::{FlockOperation, flock};
    let file = File::open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(io::ErrorKind::WouldBlock.into()),
        Err(_) => Ok(None),
    }
}

#[cfg(not(unix))]
pub(crate) fn hold(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.undo().run();
        if let Some(temporary) = &self.temporary {
            unfinished::lock().remove(temporary);
        }
    }
}

/// What it takes to take a directory or a file in the making away.
#[derive(Clone, Debug, Default)]
pub(super) struct Undo {
    temporary: Option<PathBuf>,
    made: Vec<PathBuf>,
}

impl Undo {
    /// Takes one file away.
    pub(super) fn file(path: &Path) -> Undo {
        Undo { temporary: Some(path.to_owned()), made: Vec::new() }
    }

    /// Does it, as far as it is possible; what has got its name in the meantime stays.
    pub(super) fn run(&self) {
        if let Some(temporary) = &self.temporary {
            // Other threads may be writing there still.
            let gone = |_: &u32| {
                let _ = if temporary.is_dir() {
                    fs::remove_dir_all(temporary)
                } else {
                    fs::remove_file(temporary)
                };
                !temporary.exists()
            };
            let _ = (0..100).find(gone);
        }
        for parent in &self.made {
            // Only what is empty goes: another run may have put something there in the meantime.
            let _ = fs::remove_dir(parent);
        }
    }
}
