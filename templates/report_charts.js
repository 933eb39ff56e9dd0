// The charts of GPUs over time, deadline slack, and completion times.

// The pixels left of an axis, for the labels of the other.
const LEFT = 56;
const widthOf = (id) => Math.max(560, byId(id).clientWidth || 0);

// Replaces what is in an element by a new drawing, and returns the drawing.
function chart(id, width, height, label, kind = "") {
  const viewBox = `0 0 ${width} ${height}`;
  const made = svg("svg", { width, height, viewBox, role: "img", "aria-label": label, class: kind });
  byId(id).replaceChildren(made);
  return made;
}
const softText = (attributes, text) => svg("text", { class: "soft", ...attributes }, text);
const gridLine = (attributes) => svg("line", { class: "grid", ...attributes });
// A count, in soft ink if it is zero.
const countText = (count, attributes) => svg("text", { class: count ? "" : "soft", ...attributes }, String(count));

// The name of a run, with a sample of its line.
function title(run, x, y) {
  const line = { x1: x, x2: x + 15, y1: y - 4, y2: y - 4, stroke: colourOf(run), "stroke-width": 4 };
  return [
    svg("line", { ...line, "stroke-dasharray": run.dash }),
    svg("text", { x: x + 20, y, "font-weight": "600" }, run.label),
  ];
}

// Returns the GPUs that jobs of a run hold in each of `count` parts of the range: mean, least, most.
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
// Returns the GPUs that jobs of a run hold at an instant.
function gpusAt(run, time) {
  let [low, high] = [0, run.busy.length / 2];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (run.busy[2 * middle] - origin <= time) low = middle + 1; else high = middle;
  }
  return low === 0 ? 0 : run.busy[2 * low - 1];
}

// Draws the panel of one run: a band from the least to the most GPUs in each pixel, over the mean.
function drawGpuPanel(made, run, top, height, right) {
  const y = (gpus) => top + height - gpus / Math.max(run.gpus, 1) * height;
  timeAxis(made, LEFT, right, top, height);
  for (const gpus of [0, run.gpus / 2, run.gpus]) {
    made.append(gridLine({ x1: LEFT, x2: right, y1: y(gpus), y2: y(gpus) }));
    made.append(softText({ x: LEFT - 6, y: y(gpus) + 4, "text-anchor": "end" }, plain(gpus)));
  }
  if (!run.busy.length) {
    const text = "not recorded: a run under --preset paper has no timeline";
    made.append(softText({ x: LEFT + 12, y: top + height / 2 }, text));
  }
  const count = Math.max(1, Math.round(right - LEFT));
  const parts = loads(run, count);
  const step = (right - LEFT) / count;
  const x = (n) => plain(LEFT + n * step);
  const outline = (key) =>
    parts.map((part, n) => `${n ? "L" : "M"}${x(n)} ${plain(y(part[key]))}H${x(n + 1)}`).join("");
  const back = parts.map((part, n) => `L${x(n + 1)} ${plain(y(part.least))}H${x(n)}`).reverse().join("");
  made.append(svg("path", { d: `${outline("most")}${back}Z`, fill: colourOf(run), opacity: 0.3 }));
  made.append(svg("path", { d: `${outline("mean")}V${y(0)}H${LEFT}Z`, fill: colourOf(run), opacity: 0.75 }));
  made.append(...title(run, LEFT, top - 7));
  if (run.price.length) drawPrices(made, run, top + height + 20, right);
}

// The pixels of the prices under a panel.
const PRICES = 18;

// Draws the price of a GPU-hour over time, in deadlines: where there is one, the cluster is short.
function drawPrices(made, run, top, right) {
  const [from, to] = chosen.view;
  const x = (time) => LEFT + (Math.min(Math.max(time, from), to) - from) / (to - from) * (right - LEFT);
  const most = run.price.reduce((most, value, n) => n % 3 === 2 ? Math.max(most, value) : most, 0);
  for (let n = 0; n < run.price.length; n += 3) {
    const [begin, end] = [x(run.price[n] - origin), x(run.price[n + 1] - origin)];
    if (end <= begin) continue;
    const height = run.price[n + 2] / most * PRICES;
    const [width, y] = [Math.max(end - begin, 0.5), top + PRICES - height];
    const box = { x: plain(begin), y: plain(y), width: plain(width), height: plain(height) };
    made.append(svg("rect", { ...box, fill: STATES.l.colour }));
  }
  made.append(gridLine({ x1: LEFT, x2: right, y1: top + PRICES, y2: top + PRICES }));
  const label = `price of a GPU-hour, at most ${most.toPrecision(2)} deadlines`;
  made.append(softText({ x: LEFT - 6, y: top + PRICES, "text-anchor": "end" }, "price"));
  made.append(svg("title", {}, label));
}

function drawGpus() {
  const all = shownRuns();
  const below = all.some((run) => run.price.length) ? PRICES + 16 : 0;
  const [each, gap] = [all.length > 3 ? 84 : 120, 44 + below];
  const [width, height] = [widthOf("gpus-chart"), all.length * (each + gap)];
  const label = "GPUs held by jobs over time, a panel for each run";
  const made = chart("gpus-chart", width, height + 24, label, "time");
  const right = width - 12;
  all.forEach((run, n) => drawGpuPanel(made, run, n * (each + gap) + 22, each, right));
  const cursor = svg("line", { class: "cursor", y1: 12, y2: height, visibility: "hidden" });
  const band = svg("rect", { class: "band", y: 12, height, width: 0, visibility: "hidden" });
  made.append(cursor, band);
  const x = (time) => LEFT + (time - chosen.view[0]) / (chosen.view[1] - chosen.view[0]) * (right - LEFT);
  const held = (run, time) => run.busy.length ? gpusAt(run, time) : "?";
  zoomable(made, () => [LEFT, right], {
    point: (time) => {
      cursor.setAttribute("visibility", time === null ? "hidden" : "visible");
      if (time === null) return;
      cursor.setAttribute("x1", x(time));
      cursor.setAttribute("x2", x(time));
      const values = all.map((run) => `${run.label} ${held(run, time)} of ${run.gpus}`);
      byId("gpus-readout").textContent = `${span(time)}: ${values.join(", ")}`;
    },
    mark: (from, to) => {
      band.setAttribute("visibility", from === null ? "hidden" : "visible");
      if (from === null) return;
      band.setAttribute("x", Math.min(x(from), x(to)));
      band.setAttribute("width", Math.abs(x(to) - x(from)));
    },
  });
}

// Deadline slack, in seconds: a job before the first edge is later than it, one after the last edge
// earlier.
const EDGES = [-86400, -21600, -3600, -600, 0, 600, 3600, 21600, 86400];
const RANGES = ["> 1 d", "6 h – 1 d", "1 – 6 h", "10 – 60 min", "< 10 min"];
const BINS = [
  ["declined"],
  ["unfinished"],
  ["not", "submitted"],
  ...RANGES.map((range) => ["late by", range]),
  ...[...RANGES].reverse().map((range) => ["early by", range]),
];
const LATE = 3;
const binState = (bin) =>
  [STATES.d, STATES.u, STATES.n][bin] ?? (bin < LATE + RANGES.length ? STATES.l : STATES.m);
const binColour = (bin) => binState(bin).colour;
// Returns how many jobs of a run are in each bin.
function slackBins(run) {
  const counts = BINS.map(() => 0);
  for (const n of keptJobs(run)) {
    const due = run.jobs.deadline[n];
    if (due === null) continue;
    if (run.state[n] === "d") counts[0]++;
    else if (run.state[n] === "n") counts[2]++;
    else if (run.end[n] === null) counts[1]++;
    else counts[LATE + EDGES.filter((edge) => edge <= due - run.end[n]).length]++;
  }
  return counts;
}
function drawSlack() {
  const width = Math.max(280, byId("slack-chart").clientWidth || 0);
  // Columns need room for twelve labels side by side.
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
    made.append(gridLine({ x1: left, x2: width - 8, y1: base, y2: base }));
    counted[n].forEach((count, bin) => {
      const height = count / top * each;
      const x = left + bin * step;
      made.append(svg("rect", { x: x + 3, y: base - height, width: step - 6, height, fill: binColour(bin) }));
      const centred = { x: x + step / 2, "text-anchor": "middle" };
      made.append(countText(count, { ...centred, y: base - height - 4 }));
      BINS[bin].forEach((word, line) => made.append(softText({ ...centred, y: base + 16 + line * 15 }, word)));
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
    made.append(gridLine({ x1: left, x2: left, y1: begin, y2: begin + BINS.length * pitch }));
    counted[n].forEach((count, bin) => {
      const y = begin + bin * pitch;
      // The longest bar leaves room for its number.
      const length = count / top * (width - left - 48);
      made.append(softText({ x: left - 6, y: y + 13, "text-anchor": "end" }, BINS[bin].join(" ")));
      made.append(svg("rect", { x: left, y: y + 2, width: length, height: pitch - 4, fill: binColour(bin) }));
      made.append(countText(count, { x: left + length + 5, y: y + 13 }));
    });
  });
}

// The ticks of the logarithmic axis, in seconds.
const CDF_TICKS = [
  1, 3, 10, 30, 60, 180, 600, 1800, 3600, 10800, 36000, 86400, 259200, 864000, 2592000, 8640000,
];
function cdfTickText(seconds) {
  const units = [["s", 1, 60], ["min", 60, 3600], ["h", 3600, 86400], ["d", 86400, Infinity]];
  const [name, size] = units.find((unit) => seconds < unit[2]);
  return `${seconds / size} ${name}`;
}

// Returns for each shown run the completion times of its jobs, ascending, and how many jobs there are.
function completionTimes() {
  return shownRuns().map((run) => {
    const jobs = keptJobs(run);
    const ended = jobs.filter((n) => run.end[n] !== null);
    const times = ended.map((n) => Math.max(run.end[n] - run.jobs.submit[n], 1));
    return { run, times: times.sort((a, b) => a - b), count: jobs.length };
  });
}

function drawCdf() {
  const all = completionTimes();
  const width = widthOf("cdf-chart");
  if (all.every(({ times }) => !times.length)) {
    const text = "no job that ended matches the filter";
    chart("cdf-chart", width, 40, "").append(softText({ x: 4, y: 24 }, text));
    byId("cdf-readout").textContent = "";
    return;
  }
  const [top, height, right] = [14, 380, width - 12];
  const label = "Share of jobs that ended within a time after their submission";
  const made = chart("cdf-chart", width, top + height + 44, label);
  const ends = all.filter(({ times }) => times.length).flatMap(({ times }) => [times[0], times[times.length - 1]]);
  const low = Math.log10(Math.min(...ends));
  const high = Math.max(Math.log10(Math.max(...ends)), low + 0.1);
  const x = (seconds) => LEFT + (Math.log10(seconds) - low) / (high - low) * (right - LEFT);
  const y = (share) => top + height - share * height;
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    made.append(gridLine({ x1: LEFT, x2: right, y1: y(share), y2: y(share) }));
    made.append(softText({ x: LEFT - 6, y: y(share) + 4, "text-anchor": "end" }, `${share * 100} %`));
  }
  let before = -Infinity;
  for (const seconds of CDF_TICKS.filter((seconds) => seconds >= 10 ** low && seconds <= 10 ** high)) {
    made.append(gridLine({ x1: x(seconds), x2: x(seconds), y1: top, y2: top + height }));
    if (x(seconds) - before < 45) continue;
    before = x(seconds);
    const place = { x: x(seconds), y: top + height + 16, "text-anchor": "middle" };
    made.append(softText(place, cdfTickText(seconds)));
  }
  const place = { x: (LEFT + right) / 2, y: top + height + 36, "text-anchor": "middle" };
  made.append(softText(place, "time from submission to end (logarithmic)"));
  for (const { run, times, count } of all) {
    const path = cdfPath(times, count, x, y);
    const line = { stroke: colourOf(run), "stroke-width": 2.2, "stroke-dasharray": run.dash };
    if (path) made.append(svg("path", { d: `${path}H${right}`, fill: "none", ...line, "stroke-linejoin": "round" }));
  }
  const timeAt = (pixel) => 10 ** (low + (pixel - LEFT) / (right - LEFT) * (high - low));
  readCdf(made, all, timeAt, [LEFT, right, top, top + height]);
}

// Returns the steps of one run's line; "" if none of its jobs ended.
function cdfPath(times, count, x, y) {
  let path = "";
  times.forEach((time, n) => {
    // Steps finer than a pixel are left out, but for every eighth.
    if (n && n < times.length - 1 && x(times[n + 1]) - x(time) < 0.05 && n % 8) return;
    const start = path ? `H${plain(x(time))}` : `M${plain(x(time))} ${plain(y(0))}`;
    path += `${start}V${plain(y((n + 1) / count))}`;
  });
  return path;
}

// Shows the shares at the time under the pointer.
function readCdf(made, all, timeAt, [left, right, top, bottom]) {
  const cursor = svg("line", { class: "cursor", y1: top, y2: bottom, visibility: "hidden" });
  made.append(cursor);
  made.addEventListener("pointermove", (event) => {
    const pixel = Math.min(Math.max(event.clientX - made.getBoundingClientRect().left, left), right);
    const seconds = timeAt(pixel);
    cursor.setAttribute("x1", pixel);
    cursor.setAttribute("x2", pixel);
    cursor.setAttribute("visibility", "visible");
    const share = ({ run, times, count }) => {
      const ended = times.filter((time) => time <= seconds).length;
      return `${run.label} ${count ? plain(ended / count * 100) : 0} %`;
    };
    byId("cdf-readout").textContent = `within ${span(seconds)}: ${all.map(share).join(", ")}`;
  });
  made.addEventListener("pointerleave", () => cursor.setAttribute("visibility", "hidden"));
}
