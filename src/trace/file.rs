//! Reads the bytes of an input file, through gzip where it is compressed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::trace::foreign;
use crate::trace::problem::Problem;
use crate::trace::size::ByteSize;

/// The first bytes of every gzip file.
const GZIP: &[u8] = &[0x1f, 0x8b];
/// How many bytes are read before they are looked at: what is no text is not read to its end.
const HEAD: u64 = 1 << 16;

/// Returns whether a path is `-`, which stands for stdin where a file is read, and for stdout where
/// one is written. A file of that name is `./-`.
pub(crate) fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads the file at `path`, and decompresses it if it begins as gzip does.
///
/// # Errors
///
/// If the file cannot be read, is named `.gz` and is not gzip, is damaged, is no text, or is larger
/// than [`ByteSize::USUAL`].
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let most = ByteSize::USUAL;
    unpack(path, read_raw(path, most)?, most)
}

/// Reads the bytes of the file at `path` as they are, `most` at the most; `-` is stdin.
///
/// # Errors
///
/// If the file cannot be read, is neither text nor gzip, or is larger.
pub(crate) fn read_raw(path: &Path, most: ByteSize) -> Result<Vec<u8>, Problem> {
    if is_stream(path) {
        return limited(io::stdin().lock(), most)?.map_err(|error| unreadable(&error, most));
    }
    let file = File::open(path).map_err(|error| unreadable(&error, most))?;
    if file.metadata().is_ok_and(|meta| meta.is_dir()) {
        return Err(Problem::file("is a directory; give a file"));
    }
    limited(file, most)?.map_err(|error| unreadable(&error, most))
}

/// Decompresses the bytes of the file at `path` if they begin as gzip does, to `most` at the most.
///
/// # Errors
///
/// If the file is named `.gz` and is not gzip, is damaged, is no text, or holds more.
pub(crate) fn unpack(path: &Path, raw: Vec<u8>, most: ByteSize) -> Result<Vec<u8>, Problem> {
    if raw.starts_with(GZIP) {
        limited(MultiGzDecoder::new(raw.as_slice()), most)?.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Problem::file("is gzip data that ends early; copy or download the file again")
            }
            io::ErrorKind::FileTooLarge => unreadable(&error, most),
            _ => Problem::file(format!("is damaged gzip data ({error}); copy or download the file again")),
        })
    } else if path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("gz")) {
        Err(Problem::file("is named .gz and is not gzip data; compress it or rename it"))
    } else {
        Ok(raw)
    }
}

/// Reads `most` bytes at the most. The outer error is what the bytes are instead of a text, the
/// inner why they cannot be read.
fn limited(mut from: impl Read, ByteSize(most): ByteSize) -> Result<io::Result<Vec<u8>>, Problem> {
    let mut bytes = Vec::new();
    if let Err(error) = from.by_ref().take(HEAD.min(most.saturating_add(1))).read_to_end(&mut bytes) {
        return Ok(Err(error));
    }
    if !bytes.starts_with(GZIP)
        && let Some(what) = foreign::binary(&bytes)
    {
        return Err(Problem::file(what));
    }
    let left = most.saturating_add(1) - bytes.len() as u64;
    let read = from.take(left).read_to_end(&mut bytes);
    let is_large = bytes.len() as u64 > most;
    Ok(read.and_then(|_| if is_large { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }))
}

fn unreadable(error: &io::Error, most: ByteSize) -> Problem {
    Problem::file(match error.kind() {
        io::ErrorKind::NotFound => "does not exist; check the path".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read; check its permissions".to_owned(),
        io::ErrorKind::FileTooLarge => {
            format!("holds more than {most}; split it, or raise the limit of a trace by `--max-input`")
        }
        _ => format!("cannot be read: {error}"),
    })
}
