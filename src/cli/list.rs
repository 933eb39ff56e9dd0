//! `list`: what is available.

use std::fmt::Write;

use crate::application::Applications;
use crate::config::{applications, profiles};
use crate::experiment::Preset;
use crate::report::table::{lines, row};
use crate::trace::FORMATS;
use crate::{overhead, placement, scheduler};

use super::output::{Failure, data};

/// The command line of `list`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to list
    #[arg(value_enum)]
    what: What,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// Schedulers: names, aliases, papers and options
    Schedulers,
    /// Values of --preset, and the schedulers that have them
    Presets,
    /// Built-in measured speeds
    Profiles,
    /// Trace formats, with their columns
    Formats,
    /// Restart overheads
    Overheads,
    /// Placers, which choose the nodes of jobs
    Placers,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let text = match args.what {
        What::Schedulers => schedulers(),
        What::Presets => presets(),
        What::Profiles => built_in(),
        What::Formats => formats(),
        What::Overheads => pairs(&overhead::PRESETS),
        What::Placers => pairs(&placement::entries().iter().map(|e| (e.name, e.summary)).collect::<Vec<_>>()),
    };
    data(text.as_bytes())
}

/// Returns names and what they mean, a line each.
fn pairs(all: &[(&str, &str)]) -> String {
    let rows: Vec<_> = all.iter().map(|(name, about)| row([name, about])).collect();
    lines(&rows, &[])
}

/// Returns a paragraph for each scheduler. The results of writing are ignored, here and below: a
/// string takes everything.
fn schedulers() -> String {
    let mut text = String::new();
    for (n, entry) in scheduler::entries().iter().enumerate() {
        let gap = if n > 0 { "\n" } else { "" };
        let _ = write!(text, "{gap}{}", entry.name);
        if !entry.aliases.is_empty() {
            let _ = write!(text, " (also {})", entry.aliases.join(", "));
        }
        let _ = writeln!(text, "\n  {}", entry.summary);
        if let Some(paper) = entry.paper {
            let _ = writeln!(text, "  paper: {paper}");
        }
        let _ = writeln!(text, "  knows: {}", entry.knows);
        for option in entry.options {
            let _ = writeln!(text, "  --set {}={}  {}", option.key, option.default, option.help);
        }
    }
    text
}

fn presets() -> String {
    let having = |preset: Preset| {
        let all = scheduler::entries().iter().filter(|entry| Preset::of(entry).contains(&preset));
        all.map(|entry| entry.name).collect::<Vec<_>>().join(", ")
    };
    let about = [
        (Preset::Default, "the scheduler as its paper describes it"),
        (Preset::Paper, "what the published artifact did"),
    ];
    let mut text = String::new();
    for (preset, about) in about {
        let _ = writeln!(text, "{:<8} {about}\n{:<8} for {}", preset.to_string(), "", having(preset));
    }
    text
}

fn built_in() -> String {
    let mut text = String::new();
    for (n, built_in) in profiles::BUILTIN.iter().enumerate() {
        let gap = if n > 0 { "\n" } else { "" };
        let _ = writeln!(text, "{gap}{}  {}", built_in.name, built_in.about);
        let Some(table) = profiles::builtin(built_in.name) else { continue };
        let mut rows = vec![row(["  model", "batch size", "GPUs measured"])];
        for (model, batch, curve) in table.curves() {
            let gpus: Vec<_> = curve.measured().iter().map(|(gpus, _)| gpus.to_string()).collect();
            rows.push(row([&format!("  {model}"), &batch.to_string(), &gpus.join(" ")]));
        }
        text.push_str(&lines(&rows, &[1]));
        if let Some(applications) = applications::builtin(built_in.name) {
            text.push_str(&trained(&applications));
        }
    }
    text
}

/// Returns a table of applications whose batch size may change.
fn trained(applications: &Applications) -> String {
    let mut rows = vec![row(["  application", "batch sizes", "on each GPU", "epochs"])];
    for one in applications.iter() {
        let limits = &one.limits;
        let batches = match limits.pinned {
            Some(pinned) => format!("{pinned} on one GPU"),
            None => format!("{}-{}", limits.initial, limits.largest),
        };
        let (least, most) = limits.local;
        rows.push(row([
            &format!("  {}", one.name),
            &batches,
            &format!("{least}-{most}"),
            &one.progress.len().to_string(),
        ]));
    }
    let title = "  for schedulers that choose batch sizes: goodput, fitted";
    format!("{title}\n{}", lines(&rows, &[3]))
}

fn formats() -> String {
    let mut text = String::new();
    for (n, format) in FORMATS.iter().enumerate() {
        let gap = if n > 0 { "\n" } else { "" };
        let _ = writeln!(text, "{gap}{}\n  {}", format.name, format.about);
        let rows: Vec<_> = format
            .columns
            .iter()
            .map(|column| {
                let optional = if column.optional { "optional" } else { "" };
                row([&format!("  {}", column.names.join(" or ")), optional, column.about])
            })
            .collect();
        text.push_str(&lines(&rows, &[]));
    }
    text
}
