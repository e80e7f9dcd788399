// The page on which photo_net explains a photograph: dropped, chosen, or taken. Nothing is sent anywhere.

const SHOWN = 384;  // pixels of the longer side on the page
const place = document.getElementById("course-photo"), told = place.querySelector("[role=status]");
const network = typeof PHOTO === "undefined" ? null : readNetwork(PHOTO.network);
const explorer = network && import(URL.createObjectURL(new Blob([PHOTO.explorer], { type: "text/javascript" })));
if (network) document.head.append(Object.assign(document.createElement("style"), { textContent: PHOTO.style }));
let stop = () => {};

/** The picture with `size` pixels on its longer side, as RGB; turned as its EXIF note says. */
function resized(picture, size) {
  const scale = size / Math.max(picture.width, picture.height);
  const [w, h] = [picture.width, picture.height].map((n) => Math.max(16, Math.round(n * scale)));
  const canvas = Object.assign(document.createElement("canvas"), { width: w, height: h }), context = canvas.getContext("2d");
  Object.assign(context, { imageSmoothingQuality: "high", fillStyle: "white" });
  context.fillRect(0, 0, w, h);
  context.drawImage(picture, 0, 0, w, h);
  const rgba = context.getImageData(0, 0, w, h).data, rgb = new Uint8Array(3 * h * w);
  for (let p = 0, q = 0; q < rgba.length; q += 4) for (let c = 0; c < 3; c++) rgb[p++] = rgba[q + c];
  return { h, w, rgb };
}

/** What an explorer listens to in JupyterLab, here without it. */
function makeModel(values) {
  const listeners = new Set();
  return {
    get: (name) => values[name],
    set(name, value) { values[name] = value; listeners.forEach((listener) => listener()); },
    on: (_, listener) => listeners.add(listener),
    off: (_, listener) => listeners.delete(listener),
    save_changes() {},
  };
}

function controls(model, names) {
  const slider = (label, trait) => `<label>${label} <input type="range" min="0" max="1" step="0.05" name="${trait}" value="${model.get(trait)}"></label>`;
  const choice = (label, trait, options) => `<fieldset><legend>${label}</legend>` + options.map((option, i) =>
    `<label><input type="radio" name="${trait}" value="${i}" ${i === model.get(trait) ? "checked" : ""}> ${option}</label>`).join("") + "</fieldset>";
  const form = document.createElement("form");
  form.innerHTML = choice("map of", "class_idx", names) + choice("evidence", "evidence", ["for and against", "only for"]) +
    (model.get("against") === undefined ? "" : choice("shown", "against", ["this class alone", "against the others"])) +
    slider("opacity", "opacity") + slider("threshold", "threshold");
  form.addEventListener("input", ({ target }) => model.set(target.name, Number(target.value)));
  return form;
}

async function explain(file) {
  const started = performance.now();
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    told.textContent = `${file.name || "This file"} can't be opened as a picture; expected a JPEG, PNG, WebP or GIF. ` +
      "Photographs of iPhones (HEIC) must be stored as JPEG first.";
    return;
  }
  const small = resized(picture, PHOTO.size), large = resized(picture, SHOWN);
  const { grid, maps, scores, drawn } = explainPhoto(network, small.rgb, small.h, small.w, PHOTO.probe);
  const names = PHOTO.names, C = names.length, exps = scores.map((s) => Math.exp(s - Math.max(...scores)));
  const total = exps.reduce((a, b) => a + b), best = scores.indexOf(Math.max(...scores));
  let limit = 1e-6;
  for (let i = 0; i < maps.length; i += C) {
    const cell = maps.subarray(i, i + C), mean = cell.reduce((a, b) => a + b) / C;
    for (const value of cell) limit = Math.max(limit, Math.abs(value), Math.abs(value - mean));
  }
  const model = makeModel({ ...PHOTO.traits, class_idx: best, against: 1, sent: { ...PHOTO.traits.sent, names, scores, limit,
    picture: large.rgb, picture_shape: [large.h, large.w], shape: [large.h, large.w], zoom: 1, width: large.w,
    maps: new Uint8Array(maps.buffer), grids: [[...grid, C]] } });
  const shown = place.querySelector(".course-explorer"), view = document.createElement("div");
  const form = controls(model, names);
  stop();
  shown.replaceChildren(form, view);
  stop = (await explorer).default.render({ model, el: view }) ?? (() => {});
  told.scrollIntoView({ block: "start" });  // the answer, and below it the whole map
  place.dataset.milliseconds = Math.round(performance.now() - started);
  place.answer = { grid, maps, scores, drawn };  // for tests
  told.textContent = names.map((name, c) => `${name} ${((100 * exps[c]) / total).toFixed(1)} %`).join(", ") +
    `: in ${place.dataset.milliseconds} ms, on this machine. ` + (drawn > 0
      ? "But this looks drawn, and it knows photographs: don't believe it."
      : "It knows cats and dogs only; anything else is taken for one of them.");
}

/** A photograph from the machine's camera: the first click shows what it sees, the second takes it. */
async function take(button) {
  const video = place.querySelector("video");
  if (!video.srcObject) {
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
    } catch {
      told.textContent = "There is no camera, or the browser may not use it; choose a file instead.";
      return;
    }
    [video.hidden, button.textContent] = [false, "Take it"];
    return video.play();
  }
  const taken = await createImageBitmap(video);
  video.srcObject.getTracks().forEach((track) => track.stop());
  [video.srcObject, video.hidden, button.textContent] = [null, true, "Use the camera"];
  return explain(taken);
}

if (network) {
  const [choose, camera] = place.querySelectorAll("input, button");
  choose.addEventListener("click", () => { choose.value = ""; });  // the same file once more is a change, too
  choose.addEventListener("change", () => choose.files[0] && explain(choose.files[0]));
  camera.addEventListener("click", () => take(camera));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) explain(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => event.clipboardData.files[0] && explain(event.clipboardData.files[0]));
  told.textContent = "Drop a photograph of a cat or a dog anywhere on this page, paste one, or choose a file.";
} else told.textContent = "This copy of the book was made without the network's weights.";
