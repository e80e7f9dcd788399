// The page's figures in the dark, and the mode's button.

/** The large filled parts of a figure, [x0, y0, x1, y1]: pictures, maps (white where they are zero), colour bars; no curves. */
function filledParts(pixels, width, height) {
  const isInk = (p) => Math.min(pixels[4 * p], pixels[4 * p + 1], pixels[4 * p + 2]) < 250;
  const left = new Uint8Array(width * height), stack = new Int32Array(width * height), parts = [], axes = [];
  for (let p = 0; p < left.length; p++) left[p] = isInk(p);
  for (let start = 0; start < left.length; start++) {
    if (!left[start]) continue;
    let n = 0, size = 0, [x0, y0, x1, y1] = [width, height, 0, 0];
    const push = (p) => { if (left[p]) { left[p] = 0; stack[n++] = p; } };
    for (push(start); n; size++) {
      const p = stack[--n], x = p % width, y = (p - x) / width;
      [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
      if (x > 0) push(p - 1);
      if (x < width - 1) push(p + 1);
      if (y > 0) push(p - width);
      if (y < height - 1) push(p + width);
    }
    const box = (x1 - x0) * (y1 - y0);
    if (box < 2500 || size < 40) continue;
    const inked = (xa, ya, xb, yb) => {
      let n = 0;
      for (let y = ya; y < yb; y++) for (let x = xa; x < xb; x++) n += isInk(y * width + x);
      return n / ((xb - xa) * (yb - ya));
    };
    if (axes.some(([xa, ya, xb, yb]) => x0 >= xa && y0 >= ya && x1 <= xb && y1 <= yb)) continue;  // the legend of curves
    if (inked(x0, y0, x1, y1) < 1 / 8) { axes.push([x0, y0, x1, y1]); continue; }
    while (inked(x1 - 1, y0, x1, y1) < 0.5 && x1 > x0 + 1) x1--;  // ticks reach beyond the frame
    while (inked(x0, y0, x0 + 1, y1) < 0.5 && x0 < x1 - 1) x0++;
    while (inked(x0, y1 - 1, x1, y1) < 0.5 && y1 > y0 + 1) y1--;
    while (inked(x0, y0, x1, y0 + 1) < 0.5 && y0 < y1 - 1) y0++;
    parts.push([x0, y0, x1, y1]);
  }
  return parts;
}

/** A figure for dark pages: paper becomes the page, ink light in its own hue; pictures and maps keep their colours. */
function darkFigure(image) {
  const canvas = Object.assign(document.createElement("canvas"), { width: image.naturalWidth, height: image.naturalHeight });
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const data = context.getImageData(0, 0, canvas.width, canvas.height), px = data.data;
  const kept = new Uint8Array(canvas.width * canvas.height);
  for (const [x0, y0, x1, y1] of filledParts(px, canvas.width, canvas.height)) {
    for (let y = y0; y < y1; y++) kept.fill(1, y * canvas.width + x0, y * canvas.width + x1);
  }
  for (let p = 0, i = 0; p < kept.length; p++, i += 4) {
    if (kept[p]) continue;
    const turn = 255 - Math.max(px[i], px[i + 1], px[i + 2]) - Math.min(px[i], px[i + 1], px[i + 2]);
    for (let c = 0; c < 3; c++) px[i + c] += turn;
    const light = Math.max(px[i], px[i + 1], px[i + 2]);  // of paper nothing is left: the page is seen through it
    px[i + 3] = light;
    for (let c = 0; c < 3; c++) px[i + c] = light ? (255 * px[i + c]) / light : 0;
  }
  context.putImageData(data, 0, 0);
  return canvas.toDataURL();
}

/** One figure after the other, with room for everything else between: a page that is being loaded has explorers to start. */
async function showFigures() {
  await window.widgetsShown;
  const dark = document.documentElement.dataset.theme === "dark";
  for (const image of document.querySelectorAll('.bd-content figure img[src^="data:image/png"]')) {
    image.light ??= image.src;
    if (dark && !image.dark) {
      await image.decode();
      image.dark = darkFigure(image);
      await new Promise((go) => setTimeout(go));
    }
    if (dark !== (document.documentElement.dataset.theme === "dark")) return;  // changed meanwhile
    image.src = dark ? image.dark : image.light;
  }
}

window.addEventListener("load", () => {
  showFigures();
  new MutationObserver(showFigures).observe(document.documentElement, { attributeFilter: ["data-theme"] });
});
