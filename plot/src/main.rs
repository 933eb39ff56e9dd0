//! The figures of the ElasticFlow paper, drawn from recorded runs: `cargo run --release -p plot --
//! fig8b`.
//!
//! Each figure is a file here and one in `configs/figures/`. It runs what it needs through the
//! library, and writes `<figure>.csv`, `.svg` and `.png`. The same figure has the same bytes on
//! every machine.

mod bars;
mod config;
mod evidence;
mod fidelity;
mod fig10;
mod fig11;
mod fig12;
mod fig6a;
mod fig6b;
mod fig7a;
mod fig7b;
mod fig8a;
mod fig8b;
mod fig9;
mod figure;
mod font;
mod inputs;
mod lines;
mod page;
mod png;
mod pollux;
mod runs;
mod scale;
mod style;
mod svg;
mod table;
#[cfg(test)]
mod tidy;
mod watch;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use elasticflow_sim::report::write_file;

use figure::{Drawing, Figure};
use inputs::{DATA, Folders};
use runs::Manner;

/// Every figure, in the order of the paper.
const FIGURES: [Figure; 10] = [
    fig6a::FIGURE,
    fig6b::FIGURE,
    fig7a::FIGURE,
    fig7b::FIGURE,
    fig8a::FIGURE,
    fig8b::FIGURE,
    fig9::FIGURE,
    fig10::FIGURE,
    fig11::FIGURE,
    fig12::FIGURE,
];

/// Draw the figures of the ElasticFlow paper from simulations
///
/// Runs what a figure needs, and writes FIGURE.csv, FIGURE.svg and FIGURE.png.
#[derive(Debug, Parser)]
#[command(name = "plot", version, arg_required_else_help = true)]
struct Cli {
    /// Figures such as fig8b; `all` draws every one; `list` lists them; `fidelity` and
    /// `pollux` write the tables of docs/evidence/fidelity.md and docs/evidence/pollux.md
    #[arg(required = true)]
    figures: Vec<String>,
    /// Where to write [default: plot/out]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder of the published traces [default: $ELASTICFLOW_SIM_DATA or ../shared/data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// What `sweep configs/sweeps/pollux.toml` left, for `pollux`
    #[arg(long, value_name = "FILE", default_value = "target/pollux/results.csv")]
    results: PathBuf,
    /// Suppress notes and the progress bar
    #[arg(long)]
    quiet: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let failed = |why: anyhow::Error, code| {
        let _ = writeln!(std::io::stderr(), "error: {why:#}");
        ExitCode::from(code)
    };
    let folders = match folders(&cli) {
        Ok(folders) => folders,
        Err(why) => return failed(why, 2),
    };
    match run(&cli, &folders) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => failed(why, 1),
    }
}

/// Returns the folders. A folder of traces that the user names has to exist: stand-ins are only for
/// a user without one.
fn folders(cli: &Cli) -> Result<Folders> {
    let root = Folders::root();
    let named = cli.data.clone().or_else(|| std::env::var_os(DATA).map(PathBuf::from));
    if let Some(data) = &named {
        ensure!(
            data.is_dir(),
            "{}: is not a folder; give that of the published traces, or leave --data and ${DATA} out",
            data.display()
        );
    }
    let data = named.unwrap_or_else(|| root.join("../shared/data"));
    Ok(Folders { root, data })
}

fn run(cli: &Cli, folders: &Folders) -> Result<()> {
    if cli.figures.iter().any(|name| name == "list") {
        return list();
    }
    let manner = Manner { quiet: cli.quiet, brief: false };
    if cli.figures.iter().any(|name| name == "fidelity") {
        ensure!(cli.figures.len() == 1, "`fidelity` goes alone; draw figures in another command");
        let changed = fidelity::write(folders, manner)?;
        let what = if changed { "is written" } else { "was current" };
        writeln!(std::io::stdout(), "docs/evidence/fidelity.md {what}")?;
        return Ok(());
    }
    if cli.figures.iter().any(|name| name == "pollux") {
        ensure!(cli.figures.len() == 1, "`pollux` goes alone; draw figures in another command");
        let what = if pollux::write(folders, &cli.results)? { "is written" } else { "was current" };
        writeln!(std::io::stdout(), "docs/evidence/pollux.md {what}")?;
        return Ok(());
    }
    let figures = chosen(&cli.figures)?;
    let out = cli.out.clone().unwrap_or_else(|| folders.root.join("plot/out"));
    std::fs::create_dir_all(&out).with_context(|| format!("{}: cannot be made", out.display()))?;
    for figure in figures {
        let data = figure.make(folders, manner).with_context(|| figure.id.to_owned())?;
        let drawn = (figure.draw)(&data)?;
        if !cli.quiet {
            for note in data.notes() {
                let _ = writeln!(std::io::stderr(), "{}: {note}", figure.id);
            }
        }
        write(&out, figure.id, figure.what, &drawn)?;
    }
    Ok(())
}

/// Returns the figures that the user names, each once, in the order of the paper.
fn chosen(names: &[String]) -> Result<Vec<&'static Figure>> {
    const KNOWN: &[Figure] = &FIGURES;
    for name in names {
        if name != "all" && !KNOWN.iter().any(|figure| figure.id == name) {
            let known: Vec<_> = KNOWN.iter().map(|figure| figure.id).collect();
            bail!(
                "there is no figure `{name}`; give one of {}, all, list, fidelity, pollux",
                known.join(", ")
            );
        }
    }
    let asked = |figure: &&Figure| names.iter().any(|name| name == figure.id || name == "all");
    Ok(KNOWN.iter().filter(asked).collect())
}

fn list() -> Result<()> {
    let mut out = std::io::stdout().lock();
    for figure in &FIGURES {
        writeln!(out, "{:<6}  {}", figure.id, figure.what)?;
    }
    Ok(())
}

/// Writes the three files of a figure, each whole or not at all.
fn write(out: &Path, id: &str, what: &str, drawn: &Drawing) -> Result<()> {
    let svg = drawn.canvas.finish(what);
    let png = png::render(&svg)?;
    for (extension, bytes) in [("csv", drawn.csv.as_slice()), ("svg", svg.as_bytes()), ("png", &png)] {
        let path = out.join(format!("{id}.{extension}"));
        write_file(&path, bytes)?;
        writeln!(std::io::stdout(), "{}", path.display())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_traces_that_is_named_has_to_be_there() {
        let folders_with = |data: &str| folders(&Cli::parse_from(["plot", "fig9", "--data", data]));
        assert!(folders_with("src").is_ok());
        let why = folders_with("nowhere").unwrap_err().to_string();
        assert!(why.starts_with("nowhere: is not a folder; give"), "{why}");
    }
}
