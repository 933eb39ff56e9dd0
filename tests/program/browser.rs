//! The page of `report --html` in a real browser: clicked through, filtered, zoomed, and looked at
//! in both colour schemes.
//!
//! Skipped, saying so, where no Chromium is installed. Screenshots go to `target/screenshots`.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::data;
use crate::devtools::{self, Browser};

fn elasticflow_sim(words: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elasticflow-sim"));
    let output = command.args(words.split(' ')).arg("--quiet").output().expect("the program starts");
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Puts a screenshot into `target/screenshots`, and checks that it is a picture of something.
fn keep(browser: &mut Browser, name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
    fs::create_dir_all(&folder).expect("a directory");
    let png = BASE64_STANDARD.decode(browser.screenshot()).expect("base64");
    assert!(png.starts_with(b"\x89PNG") && png.len() > 10_000, "{name}: {} bytes", png.len());
    fs::write(folder.join(format!("{name}.png")), png).expect("a file");
}

const ROWS: &str = "document.getElementById('gantt-scroll').dataset.rows";
const COUNT: &str = "document.getElementById('count').textContent";
const VIEW: &str = "document.querySelector('#gantt output.view').textContent";

const SCHEDULERS: [&str; 3] = ["elasticflow", "edf", "gandiva"];

/// Opens the page of one run of each of [`SCHEDULERS`]; `None` where no browser is installed. The
/// directory holds the page as long as it lives.
fn open_three_runs() -> Option<(Browser, tempfile::TempDir)> {
    let program = devtools::find()?;
    let root = tempfile::tempdir().expect("a directory");
    let path = |name: &str| root.path().join(name).display().to_string();
    let runs = path("runs");
    elasticflow_sim(&format!(
        "compare --trace traces/mixed-200.csv --cluster 8x8 --schedulers {} --out {runs}",
        SCHEDULERS.join(",")
    ));
    let named = SCHEDULERS.map(|name| format!("{runs}/{name}")).join(" ");
    elasticflow_sim(&format!("report {named} --html {}", path("page.html")));
    let mut page = Browser::open(&program, &root.path().join("page.html"), 1280, 900);
    assert_eq!(page.text(COUNT), "200 of 200 jobs");
    Some((page, root))
}

/// Every tab shows its own panel and nothing else, and each chart has something in it.
#[test]
fn every_tab_shows_its_chart() {
    let Some((mut page, _root)) = open_three_runs() else { return };
    keep(&mut page, "summary");
    for (tab, drawn) in [("gpus", "path"), ("slack", "rect"), ("cdf", "path")] {
        page.click(&format!("#tab-{tab}"));
        let shown = "[...document.querySelectorAll('[role=tabpanel]')].filter((e) => !e.hidden).map((e) => e.id).join()";
        assert_eq!(page.text(shown), tab);
        let count = page.eval(&format!("document.querySelectorAll('#{tab}-chart svg {drawn}').length"));
        assert!(count.as_u64() >= Some(3), "{tab}: {count}");
        keep(&mut page, tab);
    }
    // Pointing at a chart reads values from it.
    let middle = page.place("#cdf-chart svg", 0.5, 0.5);
    page.hover(middle);
    assert!(page.text("document.getElementById('cdf-readout').textContent").contains("elasticflow "));
    assert_eq!(page.complaints, [""; 0]);
}

/// The page's policy lets nothing run or be applied but its own script and style, and says so.
#[test]
fn a_foreign_script_is_not_run() {
    let Some((mut page, _root)) = open_three_runs() else { return };
    assert_eq!(page.complaints, [""; 0]);
    page.eval(
        "(() => { const script = document.createElement('script'); script.textContent = 'window.foreign = 1'; \
         document.body.append(script); document.body.setAttribute('style', 'opacity: 0.5'); })()",
    );
    assert_eq!(page.text("typeof window.foreign"), "undefined");
    assert_eq!(page.text("getComputedStyle(document.body).opacity"), "1");
    let policy = |complaint: &&String| complaint.contains("Content Security Policy");
    assert_eq!(page.complaints.iter().filter(policy).count(), 2, "{:?}", page.complaints);
}

/// A drag, a key and a button zoom in; rows are those of the range, unless all are asked for.
#[test]
fn the_gantt_chart_zooms() {
    let Some((mut page, _root)) = open_three_runs() else { return };
    page.click("#tab-gantt");
    assert_eq!(page.text(ROWS), "200");
    keep(&mut page, "gantt");
    let whole = page.text(VIEW);
    let (from, to) = (page.place("#gantt-canvas", 0.3, 0.2), page.place("#gantt-canvas", 0.6, 0.2));
    page.drag(from, to);
    let dragged = page.text(VIEW);
    assert_ne!(dragged, whole);
    let fewer: usize = page.text(ROWS).parse().expect("a number");
    assert!((1..200).contains(&fewer), "{fewer}");
    page.click("#gantt-insight");
    assert_eq!(page.text(ROWS), "200");
    page.click("#gantt-insight");
    keep(&mut page, "gantt-zoomed");
    page.click("#gantt-scroll");
    page.key("+", "+");
    assert_ne!(page.text(VIEW), dragged);
    page.key("0", "0");
    assert_eq!(page.text(VIEW), whole);
    page.click("#gantt [aria-label='Zoom in']");
    assert_ne!(page.text(VIEW), whole);
    page.click("#gantt [aria-label='Show all of the time']");
    assert_eq!(page.text(VIEW), whole);
    assert_eq!(page.complaints, [""; 0]);
}

/// A selected job is told of in every run; the filter applies to the chart and the table, and the
/// table leads to the chart.
#[test]
fn jobs_are_selected_and_filtered() {
    let Some((mut page, _root)) = open_three_runs() else { return };
    page.click("#tab-gantt");
    page.eval("document.getElementById('gantt-scroll').focus()");
    page.key("ArrowDown", "");
    let detail = page.text("document.getElementById('gantt-detail').textContent");
    assert!(SCHEDULERS.iter().all(|name| detail.contains(name)), "{detail}");
    page.click("#filter");
    page.write("bert");
    let berts = fs::read_to_string("traces/mixed-200.csv").expect("a trace").matches(",bert,").count();
    assert_eq!(page.text(COUNT), format!("{berts} of 200 jobs"));
    assert_eq!(page.text(ROWS), berts.to_string());
    keep(&mut page, "gantt-filtered");
    page.click("#tab-jobs");
    let listed = page.eval("document.querySelectorAll('#jobs-table tbody tr').length");
    assert_eq!(listed.as_u64(), Some(berts.min(50) as u64));
    keep(&mut page, "jobs");
    page.click("#jobs-table tbody tr:nth-child(3) button");
    assert_eq!(page.text("document.querySelector('[role=tab][aria-selected=true]').id"), "tab-gantt");
    assert!(page.text("document.getElementById('gantt-detail').textContent").starts_with("Job "));
    assert_eq!(page.complaints, [""; 0]);
}

/// Tabs by keys, a run switched off, the dark colours, and a narrow window.
#[test]
fn the_page_is_used_by_keys_in_the_dark_and_on_narrow_screens() {
    let Some((mut page, _root)) = open_three_runs() else { return };
    page.click("#tab-gantt");
    page.eval("document.getElementById('tab-gantt').focus()");
    page.key("Home", "");
    assert_eq!(page.text("document.activeElement.id"), "tab-summary");
    page.key("ArrowRight", "");
    let panels = "document.querySelectorAll('#gpus-chart svg path').length";
    assert_eq!(page.eval(panels), 6);
    page.click("#runs input");
    assert_eq!(page.eval(panels), 4);
    page.click("#runs input");
    page.click("#theme");
    keep(&mut page, "gpus-dark");
    page.resize(420, 800);
    page.click("#tab-summary");
    keep(&mut page, "narrow");
    let fits = page.eval("document.documentElement.scrollWidth <= 420");
    assert_eq!(fits.as_bool(), Some(true), "wider than the window");
    assert_eq!(page.complaints, [""; 0]);
}

#[test]
fn a_hostile_trace_does_nothing() {
    let Some(program) = devtools::find() else { return };
    let root = tempfile::tempdir().expect("a directory");
    let run = root.path().join("run").display().to_string();
    elasticflow_sim(&format!(
        "run --trace tests/fixtures/hostile.csv --profiles tests/fixtures/hostile.toml --cluster 2x4 --scheduler elasticflow --out {run}"
    ));
    let html = root.path().join("page.html");
    elasticflow_sim(&format!("report {run} --html {}", html.display()));
    let mut page = Browser::open(&program, &html, 1280, 900);
    for tab in ["gpus", "slack", "cdf", "gantt", "jobs"] {
        page.click(&format!("#tab-{tab}"));
    }
    let first = page.text("document.querySelector('#jobs-table tbody button').textContent");
    assert_eq!(first, "</script><script>alert(1)</script>");
    assert_eq!(
        page.text("document.querySelector('#jobs-table td.name').textContent"),
        "<img src=x onerror=\"alert(1)\">"
    );
    page.click("#jobs-table tbody button");
    let detail = page.text("document.getElementById('gantt-detail').textContent");
    assert!(detail.starts_with("Job </script>"), "{detail}");
    assert_eq!(page.eval("document.querySelectorAll('img, b, i').length"), 0);
    assert_eq!(page.eval("document.scripts.length"), 2);
    keep(&mut page, "hostile");
    assert_eq!(page.complaints, [""; 0]);
}

/// Two traces whose ids are row numbers: a job is never shown beside another trace's.
#[test]
fn jobs_of_different_traces_have_rows_of_their_own() {
    let Some(program) = devtools::find() else { return };
    let root = tempfile::tempdir().expect("a directory");
    let path = |name: &str| root.path().join(name).display().to_string();
    for (name, trace) in [("light", "light-100"), ("bursty", "bursty-195"), ("again", "bursty-195")] {
        let scheduler = if name == "again" { "fifo" } else { "edf" };
        elasticflow_sim(&format!(
            "run --trace traces/{trace}.csv --scheduler {scheduler} --out {}",
            path(name)
        ));
    }
    elasticflow_sim(&format!(
        "report {} {} {} --html {}",
        path("light"),
        path("bursty"),
        path("again"),
        path("page.html")
    ));
    let mut page = Browser::open(&program, &root.path().join("page.html"), 1280, 900);
    assert_eq!(page.text(COUNT), "295 of 295 jobs");
    page.click("#tab-jobs");
    // The first job of each trace is called 0.
    let cells = |page: &mut Browser, id: &str| {
        let rows = "[...document.querySelectorAll('#jobs-table tbody tr')]";
        let of_row =
            "(row) => [...row.cells].slice(5).map((cell) => cell.textContent === '-' ? '-' : 'x').join('')";
        page.text(&format!(
            "{rows}.filter((row) => row.cells[0].textContent === '{id}').map({of_row}).join()"
        ))
    };
    assert_eq!(cells(&mut page, "0"), "x--");
    keep(&mut page, "traces");
    page.click("#page-on");
    page.click("#page-on");
    assert_eq!(cells(&mut page, "0"), "-xx");
    // It is shown in the chart of a run that has it, and the table below has only such runs.
    page.click("#jobs-table tbody tr button");
    let run = page.text("document.getElementById('gantt-run').selectedOptions[0].textContent");
    assert!(run.contains("bursty"), "{run}");
    let told = "document.querySelectorAll('#gantt-detail tbody tr').length";
    assert_eq!(page.eval(told), 2);
    assert_eq!(page.complaints, [""; 0]);
}

/// An id of thousands of characters is cut, and windows of all widths have room for every text.
#[test]
fn long_names_and_narrow_windows_are_readable() {
    let Some(program) = devtools::find() else { return };
    let root = tempfile::tempdir().expect("a directory");
    let path = |name: &str| root.path().join(name).display().to_string();
    let id = "long-".repeat(600);
    let trace = fs::read_to_string("traces/bursty-195.csv").expect("a trace").replacen(
        "\n7,",
        &format!("\n{id},"),
        1,
    );
    fs::write(path("trace.csv"), trace).expect("a file");
    elasticflow_sim(&format!(
        "compare --trace {} --schedulers elasticflow,edf --out {}",
        path("trace.csv"),
        path("runs")
    ));
    elasticflow_sim(&format!("report {0}/elasticflow {0}/edf --html {1}", path("runs"), path("page.html")));
    let mut page = Browser::open(&program, &root.path().join("page.html"), 1400, 900);
    page.click("#tab-jobs");
    let button = "document.querySelector('#jobs-table tbody tr:nth-child(8) button')";
    assert!(page.text(&format!("{button}.title")).starts_with(&id));
    assert!(page.eval(&format!("{button}.offsetWidth")).as_f64() < Some(300.0));
    keep(&mut page, "long-id");
    page.click("#jobs-table tbody tr:nth-child(8) button");
    assert!(page.text("document.getElementById('gantt-readout').textContent").len() < 300);
    keep(&mut page, "long-id-gantt");
    // No two texts of the histogram lie on each other, and nothing of it is out of sight.
    let overlaps = "(() => { const all = [...document.querySelectorAll('#slack-chart text')].filter((text) => text.textContent)\
        .map((text) => text.getBoundingClientRect()); return all.flatMap((a, n) => all.slice(n + 1).filter((b) => a.left < b.right \
        && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom)).length; })()";
    let outside = "(() => { const place = document.getElementById('slack-chart').getBoundingClientRect(); return \
        [...document.querySelectorAll('#slack-chart rect, #slack-chart text')].filter((e) => e.getBoundingClientRect().right > place.right || e.getBoundingClientRect().left < place.left).length; })()";
    page.click("#tab-slack");
    for width in [1400, 1000, 960, 800, 500, 340] {
        page.resize(width, 900);
        page.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
        assert_eq!(page.eval(overlaps), 0, "{width}");
        assert_eq!(page.eval(outside), 0, "{width}");
        keep(&mut page, &format!("slack-{width}"));
    }
    // Nothing to draw is said, and no axis is made up.
    page.resize(1400, 900);
    page.click("#tab-cdf");
    page.click("#filter");
    page.write("no such job");
    assert_eq!(
        page.text("document.getElementById('cdf-chart').textContent"),
        "no job that ended matches the filter"
    );
    keep(&mut page, "cdf-empty");
    assert_eq!(page.complaints, [""; 0]);
}

/// The reference data's second largest trace, if it is there: 15,802 jobs under two schedulers.
#[test]
fn thousands_of_jobs_stay_usable() {
    let Some(program) = devtools::find() else { return };
    let Some(data) = data::data() else { return };
    let root = tempfile::tempdir().expect("a directory");
    let runs = root.path().join("runs").display().to_string();
    let trace = data.join("traces/itp/cluster04.csv").display().to_string();
    elasticflow_sim(&format!("compare --trace {trace} --schedulers elasticflow,edf --out {runs}"));
    let html = root.path().join("page.html");
    elasticflow_sim(&format!("report {runs}/elasticflow {runs}/edf --html {}", html.display()));
    let mut page = Browser::open(&program, &html, 1280, 900);
    for tab in ["gpus", "slack", "cdf", "gantt", "jobs"] {
        page.click(&format!("#tab-{tab}"));
        keep(&mut page, &format!("large-{tab}"));
    }
    page.click("#tab-gantt");
    let all: usize = page.text(ROWS).parse().expect("a number");
    assert!(all > 10_000, "{all}");
    page.click("#filter");
    page.write("vgg");
    assert!(page.text(ROWS).parse::<usize>().expect("a number") < all);
    // Only what is in sight is redrawn. How long that takes is printed and not checked.
    let took = page.eval("(() => { const begun = performance.now(); for (let n = 0; n < 10; n++) document.querySelector(\"#gantt [aria-label='Later']\").click(); return (performance.now() - begun) / 10; })()");
    eprintln!(
        "{} bytes, {all} jobs, {took} ms a step of the Gantt chart",
        fs::metadata(&html).expect("a page").len()
    );
    assert_eq!(page.complaints, [""; 0]);
}
