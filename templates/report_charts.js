// GPUs over time, deadline slack, completion times.
const LEFT = 56;
const widthOf = (id) => Math.max(560, byId(id).clientWidth || 0);
function chart(id, width, height, label, kind = "") {
  const made = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: kind });
  byId(id).replaceChildren(made);
  return made;
}
const title = (run, x, y) => {
  const made = svg("text", { x: x + 20, y, "font-weight": "600" }, run.label);
  return [svg("line", { x1: x, x2: x + 15, y1: y - 4, y2: y - 4, stroke: colourOf(run), "stroke-width": 4,
    "stroke-dasharray": run.dash }), made];
};

// The GPUs that a run's jobs hold in each of `count` parts of the range: mean, least and most.
function loads(run, count) {
  const [from, to] = chosen.view;
  const width = (to - from) / count;
  const parts = Array.from({ length: count }, () => ({ sum: 0, least: Infinity, most: -Infinity }));
  for (let n = 0; n < run.busy.length; n += 2) {
    const begin = Math.max(run.busy[n] - origin, from);
    const end = Math.min((run.busy[n + 2] ?? Infinity) - origin, to);
    if (end <= begin) continue;
    const gpus = run.busy[n + 1];
    for (let part = Math.floor((begin - from) / width); part < count && from + part * width < end; part++) {
      const here = parts[part];
      here.sum += gpus * (Math.min(end, from + (part + 1) * width) - Math.max(begin, from + part * width));
      here.least = Math.min(here.least, gpus);
      here.most = Math.max(here.most, gpus);
    }
  }
  return parts.map((part) => part.most < 0 ? { mean: 0, least: 0, most: 0 }
    : { mean: part.sum / width, least: part.least, most: part.most });
}
function gpusAt(run, time) {
  let [low, high] = [0, run.busy.length / 2];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (run.busy[2 * middle] - origin <= time) low = middle + 1; else high = middle;
  }
  return low === 0 ? 0 : run.busy[2 * low - 1];
}

const gpuPlot = { left: LEFT, right: 100, drawn: null };
function drawGpus() {
  const all = shownRuns();
  const [each, gap] = [all.length > 3 ? 84 : 120, 44];
  const width = widthOf("gpus-chart");
  const made = chart("gpus-chart", width, all.length * (each + gap) + 24, "GPUs held by jobs over time, a panel for each run", "time");
  const right = width - 12;
  Object.assign(gpuPlot, { right, drawn: made });
  const count = Math.max(1, Math.round(right - LEFT));
  all.forEach((run, n) => {
    const top = n * (each + gap) + 22;
    const y = (gpus) => top + each - gpus / Math.max(run.gpus, 1) * each;
    timeAxis(made, LEFT, right, top, each);
    for (const gpus of [0, run.gpus / 2, run.gpus]) {
      made.append(svg("line", { class: "grid", x1: LEFT, x2: right, y1: y(gpus), y2: y(gpus) }));
      made.append(svg("text", { class: "soft", x: LEFT - 6, y: y(gpus) + 4, "text-anchor": "end" }, plain(gpus)));
    }
    if (!run.busy.length) made.append(svg("text", { class: "soft", x: LEFT + 12, y: top + each / 2 }, "not recorded: a run under --preset paper has no timeline"));
    const parts = loads(run, count);
    const step = (right - LEFT) / count;
    const outline = (key) => parts.map((part, m) => `${m ? "L" : "M"}${plain(LEFT + m * step)} ${plain(y(part[key]))}H${plain(LEFT + (m + 1) * step)}`).join("");
    const back = parts.map((part, m) => `L${plain(LEFT + (m + 1) * step)} ${plain(y(part.least))}H${plain(LEFT + m * step)}`).reverse().join("");
    made.append(svg("path", { d: `${outline("most")}${back}Z`, fill: colourOf(run), opacity: 0.3 }));
    made.append(svg("path", { d: `${outline("mean")}V${y(0)}H${LEFT}Z`, fill: colourOf(run), opacity: 0.75 }));
    made.append(...title(run, LEFT, top - 7));
  });
  const cursor = svg("line", { class: "cursor", y1: 12, y2: all.length * (each + gap), visibility: "hidden" });
  const band = svg("rect", { class: "band", y: 12, height: all.length * (each + gap), width: 0, visibility: "hidden" });
  made.append(cursor, band);
  const x = (time) => LEFT + (time - chosen.view[0]) / (chosen.view[1] - chosen.view[0]) * (right - LEFT);
  zoomable(made, () => [LEFT, right], {
    point: (time) => {
      cursor.setAttribute("visibility", time === null ? "hidden" : "visible");
      if (time === null) return;
      cursor.setAttribute("x1", x(time));
      cursor.setAttribute("x2", x(time));
      byId("gpus-readout").textContent = `${span(time)}: ` + all.map((run) => `${run.label} ${run.busy.length ? gpusAt(run, time) : "?"} of ${run.gpus}`).join(", ");
    },
    mark: (from, to) => {
      band.setAttribute("visibility", from === null ? "hidden" : "visible");
      if (from === null) return;
      band.setAttribute("x", Math.min(x(from), x(to)));
      band.setAttribute("width", Math.abs(x(to) - x(from)));
    },
  });
}

// Deadline slack: what came before the first edge is later than it, what came after the last one earlier.
const EDGES = [-86400, -21600, -3600, -600, 0, 600, 3600, 21600, 86400];
const RANGES = ["> 1 d", "6 h – 1 d", "1 – 6 h", "10 – 60 min", "< 10 min"];
const BINS = [["declined"], ["unfinished"], ...RANGES.map((range) => ["late by", range]), ...[...RANGES].reverse().map((range) => ["early by", range])];
const binColour = (bin) => bin === 0 ? STATES.d.colour : bin === 1 ? STATES.u.colour : bin < 7 ? STATES.l.colour : STATES.m.colour;
function slackBins(run) {
  const counts = BINS.map(() => 0);
  for (const n of keptJobs(run)) {
    const due = run.jobs.deadline[n];
    if (due === null) continue;
    if (run.state[n] === "d") counts[0]++;
    else if (run.end[n] === null) counts[1]++;
    else counts[2 + EDGES.filter((edge) => edge <= due - run.end[n]).length]++;
  }
  return counts;
}
function drawSlack() {
  const width = Math.max(280, byId("slack-chart").clientWidth || 0);
  // Side by side there has to be room for the labels of twelve columns.
  (width < 960 ? slackRows : slackColumns)(width, shownRuns(), shownRuns().map(slackBins));
}
const SLACK = "Deadline slack, a histogram for each run";
function slackColumns(width, all, counted) {
  const [each, gap, left] = [110, 84, 4];
  const made = chart("slack-chart", width, all.length * (each + gap), SLACK);
  const step = (width - 8 - left) / BINS.length;
  const top = Math.max(1, ...counted.flat());
  all.forEach((run, n) => {
    const base = n * (each + gap) + 36 + each;
    made.append(...title(run, left, base - each - 20));
    made.append(svg("line", { class: "grid", x1: left, x2: width - 8, y1: base, y2: base }));
    counted[n].forEach((count, bin) => {
      const height = count / top * each;
      const x = left + bin * step;
      made.append(svg("rect", { x: x + 3, y: base - height, width: step - 6, height, fill: binColour(bin) }));
      made.append(svg("text", { class: count ? "" : "soft", x: x + step / 2, y: base - height - 4, "text-anchor": "middle" }, String(count)));
      BINS[bin].forEach((word, line) => made.append(
        svg("text", { class: "soft", x: x + step / 2, y: base + 16 + line * 15, "text-anchor": "middle" }, word)));
    });
  });
}
function slackRows(width, all, counted) {
  const [pitch, left] = [18, 142];
  const each = BINS.length * pitch + 44;
  const made = chart("slack-chart", width, all.length * each, SLACK);
  const top = Math.max(1, ...counted.flat());
  all.forEach((run, n) => {
    const begin = n * each + 26;
    made.append(...title(run, 4, begin - 10));
    made.append(svg("line", { class: "grid", x1: left, x2: left, y1: begin, y2: begin + BINS.length * pitch }));
    counted[n].forEach((count, bin) => {
      const y = begin + bin * pitch;
      // Behind the longest bar there is room for its number.
      const length = count / top * (width - left - 48);
      made.append(svg("text", { class: "soft", x: left - 6, y: y + 13, "text-anchor": "end" }, BINS[bin].join(" ")));
      made.append(svg("rect", { x: left, y: y + 2, width: length, height: pitch - 4, fill: binColour(bin) }));
      made.append(svg("text", { class: count ? "" : "soft", x: left + length + 5, y: y + 13 }, String(count)));
    });
  });
}

function drawCdf() {
  const all = shownRuns().map((run) => {
    const times = keptJobs(run).filter((n) => run.end[n] !== null).map((n) => Math.max(run.end[n] - run.jobs.submit[n], 1));
    return { run, times: times.sort((a, b) => a - b), count: keptJobs(run).length };
  });
  const width = widthOf("cdf-chart");
  const [top, height, right] = [14, 380, width - 12];
  const made = chart("cdf-chart", width, top + height + 44, "Share of jobs that ended within a time after their submission");
  if (all.every(({ times }) => !times.length)) {
    chart("cdf-chart", width, 40, "").append(svg("text", { class: "soft", x: 4, y: 24 }, "no job that ended matches the filter"));
    byId("cdf-readout").textContent = "";
    return;
  }
  const ends = all.filter(({ times }) => times.length).flatMap(({ times }) => [times[0], times[times.length - 1]]);
  const low = Math.log10(Math.min(...ends));
  const high = Math.max(Math.log10(Math.max(...ends)), low + 0.1);
  const x = (seconds) => LEFT + (Math.log10(seconds) - low) / (high - low) * (right - LEFT);
  const y = (share) => top + height - share * height;
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    made.append(svg("line", { class: "grid", x1: LEFT, x2: right, y1: y(share), y2: y(share) }));
    made.append(svg("text", { class: "soft", x: LEFT - 6, y: y(share) + 4, "text-anchor": "end" }, `${share * 100} %`));
  }
  let before = -Infinity;
  for (const seconds of [1, 3, 10, 30, 60, 180, 600, 1800, 3600, 10800, 36000, 86400, 259200, 864000, 2592000, 8640000]) {
    if (seconds < 10 ** low || seconds > 10 ** high) continue;
    const [name, size] = seconds < 60 ? ["s", 1] : seconds < 3600 ? ["min", 60] : seconds < 86400 ? ["h", 3600] : ["d", 86400];
    made.append(svg("line", { class: "grid", x1: x(seconds), x2: x(seconds), y1: top, y2: top + height }));
    if (x(seconds) - before < 45) continue;
    before = x(seconds);
    made.append(svg("text", { class: "soft", x: x(seconds), y: top + height + 16, "text-anchor": "middle" }, `${seconds / size} ${name}`));
  }
  made.append(svg("text", { class: "soft", x: (LEFT + right) / 2, y: top + height + 36, "text-anchor": "middle" }, "time from submission to end (logarithmic)"));
  for (const { run, times, count } of all) {
    let path = "";
    times.forEach((time, n) => {
      // No finer than a pixel.
      if (n && n < times.length - 1 && x(times[n + 1]) - x(time) < 0.05 && n % 8) return;
      path += path ? `H${plain(x(time))}V${plain(y((n + 1) / count))}` : `M${plain(x(time))} ${plain(y(0))}V${plain(y((n + 1) / count))}`;
    });
    if (path) made.append(svg("path", { d: `${path}H${right}`, fill: "none", stroke: colourOf(run), "stroke-width": 2.2, "stroke-dasharray": run.dash, "stroke-linejoin": "round" }));
  }
  const cursor = svg("line", { class: "cursor", y1: top, y2: top + height, visibility: "hidden" });
  made.append(cursor);
  made.addEventListener("pointermove", (event) => {
    const at = Math.min(Math.max(event.clientX - made.getBoundingClientRect().left, LEFT), right);
    const seconds = 10 ** (low + (at - LEFT) / (right - LEFT) * (high - low));
    cursor.setAttribute("x1", at);
    cursor.setAttribute("x2", at);
    cursor.setAttribute("visibility", "visible");
    const share = ({ run, times, count }) => {
      const done = times.filter((time) => time <= seconds).length;
      return `${run.label} ${count ? plain(done / count * 100) : 0} %`;
    };
    byId("cdf-readout").textContent = `within ${span(seconds)}: ${all.map(share).join(", ")}`;
  });
  made.addEventListener("pointerleave", () => cursor.setAttribute("visibility", "hidden"));
}
