// The picture of an explorer: an ES module for anywidget, used as it stands (no build step).
//
// Python sends a picture and raw maps once (`sent`, see widgets.py). Whatever follows a slider happens here, so it is as
// quick as the browser, and goes on working in a page without a kernel. In this order: the mathematics (numbers in,
// numbers and pixels out: those of course_utils.cam, localize and plots.overlay, which tests/test_explorer.py compares);
// what is said; what is drawn; the page. JavaScript stands in one file because anywidget takes one module.

// --- the mathematics -------------------------------------------------------------------------

/** For each of nOut pixels the two cells it lies between and the share of the second, centres matched. */
function between(nIn, nOut) {
  const first = new Int32Array(nOut), second = new Int32Array(nOut), share = new Float64Array(nOut);
  for (let i = 0; i < nOut; i++) {
    const at = Math.min(Math.max(((i + 0.5) * nIn) / nOut - 0.5, 0), nIn - 1);
    first[i] = Math.floor(at);
    second[i] = Math.min(first[i] + 1, nIn - 1);
    share[i] = at - first[i];
  }
  return { first, second, share };
}

/** A map of h × w cells enlarged to H × W pixels: half-pixel bilinear, as cam.upsample does it. */
export function upsample(cells, [h, w], [H, W]) {
  const large = new Float64Array(H * W), line = new Float64Array(w), rows = between(h, H), columns = between(w, W);
  for (let y = 0, i = 0; y < H; y++) {
    const above = rows.first[y] * w, below = rows.second[y] * w, part = rows.share[y];
    for (let x = 0; x < w; x++) line[x] = cells[above + x] * (1 - part) + cells[below + x] * part;
    for (let x = 0; x < W; x++, i++) {
      large[i] = line[columns.first[x]] * (1 - columns.share[x]) + line[columns.second[x]] * columns.share[x];
    }
  }
  return large;
}

/** The maps weighted and added, cell by cell: maps (h·w, K) and weights (K) -> (h·w). */
export function weighted(maps, weights) {
  const K = weights.length, cells = new Float64Array(maps.length / K);
  for (let i = 0; i < maps.length; i++) cells[(i / K) | 0] += maps[i] * weights[i % K];
  return cells;
}

/** [x0, y0, x1, y1], end exclusive, around the largest part of a mask whose pixels share sides; null if empty. */
export function boxAround(mask, [H, W]) {
  const left = new Uint8Array(mask), stack = new Int32Array(H * W);
  let largest = 0, box = null, n = 0;
  const push = (p) => { if (left[p]) { left[p] = 0; stack[n++] = p; } };
  for (let start = 0; start < H * W; start++) {  // of parts as large, the first in reading order counts
    let size = 0, [x0, y0, x1, y1] = [W, H, 0, 0];
    for (push(start); n; size++) {
      const p = stack[--n], x = p % W, y = (p - x) / W;
      [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
      if (x > 0) push(p - 1);
      if (x < W - 1) push(p + 1);
      if (y > 0) push(p - W);
      if (y < H - 1) push(p + W);
    }
    if (size > largest) [largest, box] = [size, [x0, y0, x1, y1]];
  }
  return box;
}

const area = ([x0, y0, x1, y1]) => Math.max(0, x1 - x0) * Math.max(0, y1 - y0);

export function iou(a, b) {
  const both = area([0, 1, 2, 3].map((i) => (i < 2 ? Math.max : Math.min)(a[i], b[i])));
  return both / (area(a) + area(b) - both);
}

/** A picture (RGB) in the pale grey that lies below maps, as plots.pale: levels from `black` to white. */
export function pale(picture, black) {
  const grey = new Uint8Array(picture.length);
  for (let p = 0; p < picture.length; p += 3) {
    const level = 0.299 * picture[p] + 0.587 * picture[p + 1] + 0.114 * picture[p + 2];
    grey.fill(Math.floor(black + ((255 - black) * level) / 255 + 0.5), p, p + 3);
  }
  return grey;
}

/**
 * Evidence as ink over a picture, into RGBA `pixels`, as plots.overlay: the stronger it is, the more opaque. What is weaker
 * than `cut` is left out, and if `dim` the picture there is half as light.
 */
export function ink(pixels, picture, large, { high, positive, opacity, cut, dim, inks }) {
  for (let i = 0, p = 0, q = 0; i < large.length; i++, p += 3, q += 4) {
    const value = positive ? Math.max(large[i], 0) : large[i], strength = Math.abs(value), shown = strength >= cut;
    const share = shown ? opacity * Math.min(1, strength / high) : 0, light = shown || !dim ? 1 : 0.5;
    const colour = inks[value > 0 ? 0 : 1];
    for (let c = 0; c < 3; c++) pixels[q + c] = Math.floor(picture[p + c] * light * (1 - share) + colour[c] * share);
    pixels[q + 3] = 255;
  }
}

/** Black lines into RGBA `pixels` around what reaches `level`, dashed ones around what reaches -level, as plots.overlay. */
export function outline(pixels, large, [H, W], level, positive) {
  const thickness = Math.max(1, Math.round(Math.max(H, W) / 400));
  const clamped = (at, n) => Math.min(Math.max(at, 0), n - 1);  // the edge of the image is no line
  for (const sign of positive ? [1] : [1, -1]) {
    const reaches = (y, x) => sign * large[clamped(y, H) * W + clamped(x, W)] >= level;
    for (let y = 0, i = 0; y < H; y++) {
      for (let x = 0; x < W; x++, i++) {
        if (sign * large[i] < level || (sign < 0 && Math.floor((x + y) / (4 * thickness)) % 2)) continue;
        if (reaches(y - thickness, x) && reaches(y + thickness, x) && reaches(y, x - thickness) && reaches(y, x + thickness)) continue;
        pixels.fill(0, 4 * i, 4 * i + 3);
      }
    }
  }
}

/** Where a map speaks for the class and reaches `cut`: 1, elsewhere 0. */
function reaching(large, cut) {
  const mask = new Uint8Array(large.length);
  for (let i = 0; i < large.length; i++) if (large[i] > 0 && large[i] >= cut) mask[i] = 1;
  return mask;
}

function largest(values) {
  let most = -Infinity;
  for (const value of values) if (value > most) most = value;
  return most;
}

const smallest = (values) => -largest(values.map((value) => -value));
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

// --- the four explorers: which map is shown, and what is said about it -----------------------

const percent = (share) => `${Math.round(100 * share)}%`;
const fixed = (value, digits = 2) => (Number(value.toFixed(digits)) + 0).toFixed(digits).replace("-", "−");  // never -0.00
const cell = (row, column) => `(${row},\u00a0${column})`;  // not to be broken at the end of a line
const times = (a, b) => `${a}\u00a0×\u00a0${b}`;
const at = (layers, model) => (layers.length > 1 ? ` at ${layers[model.get("layer")]}` : "");
const against = (model) => (model.get("against") ? " against the others" : "");

const EXPLORERS = {
  classes: {
    weights: (model, { grid: [, , C] }) => {  // of one class, less their mean over all of them: what softmax sees
      const [c, others] = [model.get("class_idx"), model.get("against") / C];
      return Array.from({ length: C }, (_, i) => Number(i === c) - others);
    },
    words: (model, { grid: [h, w], names, scores, layers }, { cells }) => {
      const c = model.get("class_idx"), peak = cells.indexOf(largest(cells));
      const score = scores && (model.get("against")
        ? `, class score minus their mean ${fixed(scores[c] - mean(scores))}` : `, class score ${fixed(scores[c])}`);
      return `Map of ${names[c]}${against(model)}${at(layers, model)}: strongest at row ${Math.floor(peak / w)}, column ${peak % w} of ` +
        `${times(h, w)}, from ${fixed(smallest(cells))} to ${fixed(largest(cells))}, mean ${fixed(mean(cells))}${score ?? ""}.`;
    },
    seen: (model, { names, layers }) => `A picture under the map of ${names[model.get("class_idx")]}${against(model)}` +
      `${at(layers, model)}, ` +
      `opacity ${percent(model.get("opacity"))}, ` +
      (model.get("evidence") ? "only evidence for it" : "evidence for and against it") +
      (model.get("threshold") ? `, without what is weaker than ${percent(model.get("threshold"))} of the strongest; ` +
        "a frame around the largest part that speaks for it." : "."),
  },
  weights: {
    weights: (model, { grid }) => Array.from({ length: grid[2] }, (_, k) => model.get(`w${k + 1}`)),
    words: (model, { grid, names, class_idx, class_weights, pooled }) => {
      const moved = EXPLORERS.weights.weights(model, { grid });
      const scores = class_weights[0].map((_, c) =>
        pooled.reduce((sum, F, k) => sum + F * (c === class_idx ? moved[k] : class_weights[k][c]), 0));
      const exps = scores.map((s) => Math.exp(s - largest(scores)));
      const total = exps.reduce((a, b) => a + b, 0);
      return [["class", "score", "softmax"],
        ...scores.map((s, c) => [names[c], fixed(s), fixed(exps[c] / total, 3)])];
    },
    seen: (model, { names, class_idx, grid: [h, w] }, { cells }) => {
      const peak = cells.indexOf(largest(cells)), what = `The map of ${names[class_idx]}, ${times(h, w)} cells`;
      return largest(cells) === 0 && smallest(cells) === 0 ? `${what}, zero everywhere.`
        : `${what}, strongest at row ${Math.floor(peak / w)}, column ${peak % w}, ` +
          `from ${fixed(smallest(cells))} to ${fixed(largest(cells))}.`;
    },
  },
  threshold: {
    weights: () => [1],
    words: (model, { true_box }, { mask, box }) => {
      const overlap = iou(box, true_box);
      return `At ${percent(model.get("threshold"))} of the maximum ${percent(mean(mask))} of the image is left. ` +
        `Box of the largest part: ${times(box[2] - box[0], box[3] - box[1])} pixels, IoU with the true box ` +
        `${fixed(overlap)}: ${overlap >= 0.5 ? "found" : "not found"} (0.50 is needed).`;
    },
    seen: (model, { true_box }, { box }) => "A picture, bright where the map reaches the threshold; solid frame " +
      `x ${box[0]} to ${box[2]}, y ${box[1]} to ${box[3]}, dashed true box x ${true_box[0]} to ${true_box[2]}, ` +
      `y ${true_box[1]} to ${true_box[3]}.`,
  },
  predict: {
    weights: () => [1],
    words: (model, { grid: [h, w], name }, { cells }) => {
      const [row, column] = model.get("guess");
      if (!model.get("chosen")) return `Where will the network find the strongest evidence for ${name}? ` +
        "Click there; or go there with the arrow keys and press Enter.";
      if (!model.get("revealed")) {
        return `Your cell is row ${row}, column ${column} of ${times(h, w)}. Reveal (or Enter) shows the map.`;
      }
      const peak = cells.indexOf(largest(cells)), share = beaten(cells, row * w + column);
      const scores = remember(`${name} ${cells}`, share);
      return `Your cell ${cell(row, column)} holds more evidence for ${name} than ${percent(share)} of the other cells; ` +
        `the strongest is ${cell(Math.floor(peak / w), peak % w)}. ` +
        (scores.length > 1 ? `Your ${scores.length} predictions so far: ${percent(mean(scores))} on average.` : "");
    },
    seen: (model, { name }) => model.get("revealed")
      ? `The picture under the map of ${name}; your cell and the strongest are marked.`
      : `The picture${model.get("chosen") ? " with your cell marked" : ""}; the map of ${name} is still hidden.`,
  },
};

/** The share of the other cells that hold less than mine. */
const beaten = (cells, mine) => cells.filter((value) => value < cells[mine]).length / Math.max(1, cells.length - 1);

/** The scores of all predictions since the page was opened, this one among them; each map counts once. */
function remember(map, share) {
  const scores = (globalThis.coursePredictions ??= new Map());
  if (!scores.has(map)) scores.set(map, share);
  return [...scores.values()];
}

// --- on the page -----------------------------------------------------------------------------

function render({ model, el }) {
  const { kind, width } = model.get("sent");
  const add = (tag, className = "") => el.appendChild(Object.assign(document.createElement(tag), { className }));
  const canvas = add("canvas"), words = add(kind === "weights" ? "table" : "p", "course-words");
  canvas.style.width = `${width}px`;
  canvas.setAttribute("role", "img");
  words.setAttribute("role", "status");  // read aloud when it changes
  words.style.maxWidth = `${Math.max(width, 420)}px`;
  const told = (text, seen) => {
    if (Array.isArray(text)) words.replaceChildren(...text.map(tableRow));
    else if (words.textContent !== text) words.textContent = text;
    canvas.setAttribute("aria-label", seen);
    canvas.dataset.drawn = Number(canvas.dataset.drawn ?? 0) + 1;  // for tests and benchmarks
  };
  const stopDrawing = (kind === "live" ? showPictures : drawMaps)(model, canvas, told);
  const stopDescribing = keepDescribed(el, canvas, model.get("descriptions"));
  return () => { stopDrawing(); stopDescribing(); };
}

/** Pictures that Python draws, as JPEG, each shown when it is decoded: no blank one between. */
function showPictures(model, canvas, told) {
  let latest = 0;
  async function show() {
    const mine = ++latest, words = model.get("words");
    const picture = await createImageBitmap(new Blob([bytes(model.get("jpeg"))], { type: "image/jpeg" }));
    if (mine !== latest) return;
    if (canvas.width !== picture.width) canvas.width = picture.width;  // setting it wipes the canvas
    if (canvas.height !== picture.height) canvas.height = picture.height;
    canvas.getContext("2d").drawImage(picture, 0, 0);
    told(words, words);
  }
  model.on("change:jpeg", show);
  show();
  return () => model.off("change:jpeg", show);
}

/** Maps over a picture, drawn here. */
function drawMaps(model, canvas, told) {
  const sent = model.get("sent"), scene = makeScene(sent), context = canvas.getContext("2d");
  Object.assign(canvas, { width: sent.shape[1] * sent.zoom, height: sent.shape[0] * sent.zoom });
  const small = new OffscreenCanvas(...sent.shape.toReversed());

  function draw() {
    const seen = scene(model);
    small.getContext("2d").putImageData(seen.image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, canvas.width, canvas.height);  // over the old picture: never a blank one
    if (seen.framed) frame(context, seen.box, sent.zoom);
    if (sent.true_box) frame(context, sent.true_box, sent.zoom, [9, 7]);
    if (sent.bare && !seen.hidden && Math.max(...sent.shape) <= 8) numbers(context, seen.cells, seen.facts.grid);
    if (sent.kind === "predict") marks(context, model, seen.facts, seen.cells);
    const explorer = EXPLORERS[sent.kind];
    told(explorer.words(model, seen.facts, seen), explorer.seen(model, seen.facts, seen));
  }

  // Several values may change before the next frame: one drawing, of the latest.
  let waiting = 0;
  const later = () => { waiting ||= requestAnimationFrame(() => { waiting = 0; draw(); }); };
  model.on("change", later);
  const stopChoosing = sent.kind === "predict" ? letChoose(model, sent, canvas) : () => {};
  draw();
  return () => { cancelAnimationFrame(waiting); model.off("change", later); stopChoosing(); };
}

/** What is to be seen for a model's values: its pixels, the map behind them, and the box around its largest part. */
function makeScene(sent) {
  const [H, W] = sent.shape, layers = layersOf(new Float32Array(bytes(sent.maps).buffer), sent.grids);
  const picture = enlarged(bytes(sent.picture), sent.picture_shape, sent.shape), grey = pale(picture, sent.pale);
  const image = new ImageData(W, H);
  let asked = null, map = null;  // the map enlarged, kept until another layer or other weights are asked for

  return (model) => {
    const layer = model.get("layer"), facts = { ...sent, grid: sent.grids[layer] };
    const weights = EXPLORERS[sent.kind].weights(model, facts);
    if (String([layer, weights]) !== asked) {
      const cells = weighted(layers[layer], weights), large = upsample(cells, facts.grid, sent.shape);
      [asked, map] = [String([layer, weights]), { cells, large, top: largest(large), bottom: smallest(large) }];
    }
    const positive = model.get("evidence") === 1, threshold = model.get("threshold");
    const high = Math.max(sent.limit, map.top, positive ? 0 : -map.bottom) || 1;  // weights may lift a map beyond the limit
    const hidden = sent.kind === "predict" && !model.get("revealed"), opacity = hidden ? 0 : model.get("opacity");
    ink(image.data, opacity ? grey : picture, map.large, {
      high, positive, opacity, cut: threshold * high, dim: sent.kind === "threshold", inks: sent.inks,
    });
    if (opacity && sent.outlined) outline(image.data, map.large, sent.shape, high * Math.max(0.5, threshold), positive);
    const mask = threshold > 0 ? reaching(map.large, threshold * high) : null, box = mask && boxAround(mask, sent.shape);
    const framed = Boolean(box) || sent.kind === "threshold";
    return { ...map, facts, image, hidden, mask, framed, box: box ?? [0, 0, W, H] };  // saying nothing: the whole image
  };
}

/** The layers' maps, which come in one piece: (h·w, K) of each. */
function layersOf(maps, grids) {
  let end = 0;
  return grids.map(([h, w, K]) => maps.subarray(end, (end += h * w * K)));
}

/** Bytes from Python as a copy of their own (a view into a message may start anywhere). */
function bytes(view) {
  return new Uint8Array(view.buffer ?? view, view.byteOffset ?? 0, view.byteLength).slice();
}

/** An RGB picture with its pixels repeated to H × W. */
function enlarged(picture, [h, w], [H, W]) {
  const large = new Uint8Array(3 * H * W);
  for (let y = 0, q = 0; y < H; y++) {
    for (let x = 0; x < W; x++, q += 3) {
      const p = 3 * (Math.floor((y * h) / H) * w + Math.floor((x * w) / W));
      for (let c = 0; c < 3; c++) large[q + c] = picture[p + c];
    }
  }
  return large;
}

/** A white frame with a dark rim just inside a box. */
function frame(context, box, zoom, dash = []) {
  const [x0, y0, x1, y1] = box.map((at) => at * zoom);
  for (const [colour, width] of [["black", 5], ["white", 3]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    context.setLineDash(dash);
    context.strokeRect(x0 + 2.5, y0 + 2.5, Math.max(0, x1 - x0 - 5), Math.max(0, y1 - y0 - 5));  // on whole pixels
  }
}

/** The values of the cells, written into them. */
function numbers(context, cells, [h, w]) {
  const { width, height } = context.canvas;
  Object.assign(context, { font: "16px sans-serif", fillStyle: "black", strokeStyle: "white", lineWidth: 4, lineJoin: "round",
    textAlign: "center", textBaseline: "middle" });
  context.setLineDash([]);
  cells.forEach((value, i) => {
    const text = Number(value.toPrecision(3)).toString().replace("-", "−");
    const place = [((i % w) + 0.5) * width / w, (Math.floor(i / w) + 0.5) * height / h];
    context.strokeText(text, ...place);
    context.fillText(text, ...place);
  });
}

/** Thin lines between the cells, to be seen on light and dark. */
function lines(context, [h, w]) {
  const { width, height } = context.canvas;
  for (const [colour, thickness] of [["#0006", 3], ["#fff9", 1]]) {
    context.fillStyle = colour;
    for (let x = 1; x < w; x++) context.fillRect(Math.round(x * width / w) - (thickness >> 1), 0, thickness, height);
    for (let y = 1; y < h; y++) context.fillRect(0, Math.round(y * height / h) - (thickness >> 1), width, thickness);
  }
}

/** The cells to choose from if they are large, the learner's choice, and the strongest one when the map is shown. */
function marks(context, model, { grid: [h, w] }, cells) {
  const { width, height } = context.canvas, peak = cells.indexOf(largest(cells));
  if (Math.max(h, w) <= 16) lines(context, [h, w]);
  const places = model.get("revealed") ? [[Math.floor(peak / w), peak % w, "peak"]] : [];
  if (model.get("chosen")) places.push([...model.get("guess"), "you"]);
  const highest = Math.min(...places.map(([row]) => row));  // labels of neighbours go apart
  for (const [row, column, label] of places) {
    const [x, y, rx, ry] = [(column + 0.5) * width / w, (row + 0.5) * height / h, width / w / 2, height / h / 2];
    const [sx, sy] = [Math.max(rx, 12), Math.max(ry, 12)];  // cells of fine grids get a frame around them
    frame(context, [x - sx, y - sy, x + sx, y + sy].map(Math.round), 1);
    const inside = Math.min(rx, ry) >= 24, left = column < w / 2;
    const lift = row > highest || (label === "you" && places.every((place) => place[0] === row)) ? 1 : -1;
    Object.assign(context, { font: `bold ${inside ? 14 : 16}px sans-serif`, fillStyle: "white", strokeStyle: "black",
      lineWidth: 4, textAlign: inside ? "center" : left ? "left" : "right", textBaseline: "middle" });
    const at = inside ? [x, y + lift * (sy - 14)] : [left ? x + sx + 4 : x - sx - 4, y + lift * 9];
    context.setLineDash([]);
    context.strokeText(label, ...at);
    context.fillText(label, ...at);
  }
}

function tableRow(texts, row) {
  const tr = document.createElement("tr");
  tr.append(...texts.map((text) => Object.assign(document.createElement(row ? "td" : "th"), { textContent: text })));
  return tr;
}

/** Choosing a cell by mouse or arrow keys, and showing the map: once, so that a prediction stays one. */
function letChoose(model, { grids: [[h, w]], name }, canvas) {
  const reveal = Object.assign(document.createElement("button"), { className: "course-reveal", textContent: "Reveal" });
  const settle = (changes) => {
    for (const [trait, value] of Object.entries(changes)) model.set(trait, value);
    model.save_changes();
  };
  const choose = (row, column) => {
    if (model.get("revealed")) return;
    const inside = (at, n) => Math.min(Math.max(Math.floor(at), 0), n - 1);
    settle({ guess: [inside(row, h), inside(column, w)], chosen: true });
  };
  const show = () => { if (model.get("chosen")) settle({ revealed: true }); };
  const field = document.createElement("div");
  // JupyterLab would take arrow keys and Enter for itself but for this attribute.
  for (const [key, value] of Object.entries({ tabindex: 0, role: "application", "data-lm-suppress-shortcuts": "true",
    "aria-label": `Predict where the evidence for ${name} is strongest: arrow keys move, Enter reveals` })) {
    field.setAttribute(key, value);
  }
  canvas.replaceWith(field);
  field.append(canvas);
  field.after(reveal);
  canvas.style.cursor = "crosshair";
  canvas.addEventListener("pointerdown", (event) => {
    const place = canvas.getBoundingClientRect();
    choose(((event.clientY - place.top) / place.height) * h, ((event.clientX - place.left) / place.width) * w);
  });
  field.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    const [row, column] = model.get("chosen") ? model.get("guess") : [(h - 1) >> 1, (w - 1) >> 1];
    if (down || right) choose(row + down, column + right);
    else if (event.key === "Enter") show();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  reveal.addEventListener("click", show);
  const enable = () => { reveal.disabled = !model.get("chosen") || model.get("revealed"); };
  model.on("change", enable);
  enable();
  return () => model.off("change", enable);
}

/**
 * What ipywidgets leaves out for screen readers, as long as the explorer stands: what a control is for, and which of its
 * buttons is pressed. The controls may come to the page after the canvas, and the canvas after it was made.
 */
function keepDescribed(el, canvas, descriptions) {
  let explorer = null;
  const describe = () => describeControls(explorer, descriptions);
  const changes = new MutationObserver(describe);
  const arrival = new ResizeObserver(() => {  // told when the canvas comes to the page, too
    explorer = el.closest(".course-explorer");
    if (!explorer) return;
    arrival.disconnect();
    changes.observe(explorer, { subtree: true, childList: true, attributeFilter: ["class"] });
    describe();
  });
  arrival.observe(canvas);
  return () => { arrival.disconnect(); changes.disconnect(); };
}

function describeControls(explorer, descriptions) {
  for (const label of explorer.querySelectorAll(".widget-label")) {
    const buttons = label.parentElement.matches(".widget-toggle-buttons") ? label.nextElementSibling : null;
    buttons?.setAttribute("role", "group");
    const control = buttons ?? label.parentElement.querySelector(".noUi-handle, select");
    control?.setAttribute("aria-label", `${label.textContent}: ${descriptions[label.textContent]}`);
  }
  for (const button of explorer.querySelectorAll(".widget-toggle-button")) {
    button.setAttribute("aria-pressed", button.classList.contains("mod-active"));
  }
}

export default { render };
