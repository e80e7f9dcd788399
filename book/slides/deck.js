// Lays the cells of a lesson out on slides of 1280×720, then hands them to reveal.
//
// A slide of the lesson becomes as many slides as it needs: blocks follow one another until the next one doesn't fit.
// Pictures shrink into the room that is left, if that is enough to see them. What is too tall for a slide of its own is
// parted between lines, rows or items, and what can't be parted (an explorer, a wide equation) is made smaller.

const WIDTH = 1280, HEIGHT = 720, ENOUGH = 300;  // pixels of height in which a figure can be seen
const FOOT = 30;  // for arrows and the slide's number
const WIDEST = WIDTH - 96, stage = document.getElementById("stage");
let page, pages, heading;

const over = () => page.scrollHeight - (HEIGHT - FOOT), tooTall = () => over() > 0;
const isHeading = (element) => /^H[1-3]$/.test(element?.tagName ?? "");

/** The blocks of a cell, each with whether it is to appear by itself. */
function blocks(cell) {
  if (cell.matches(".markdown")) return [...cell.querySelector(".text_cell_render").children];
  cell.querySelectorAll("figcaption").forEach((caption) => caption.remove());
  const outputs = [...cell.querySelectorAll(".output_subarea")].map((output) => {
    output.classList.add("output");
    return output.matches(".output_markdown") ? [...output.children] : [output];
  });
  const all = [...cell.querySelectorAll(".input_area .highlight"), ...outputs.flat()];
  return all.filter((e) => e.textContent.trim() || e.querySelector("img, svg, canvas, .jupyter-widgets"));
}

function newPage() {
  const last = page?.lastElementChild;
  page = document.createElement("div");
  page.className = "page";
  stage.append(page);
  if (isHeading(last) && !last.matches(".again")) page.append(last);  // a heading goes with what it heads
  else if (heading) page.append(Object.assign(document.createElement("h2"), { className: "again", textContent: heading }));
  pages.push(page);
}

/** A section begins on a slide of its own, without the heading of the one before. */
function begin() {
  heading = "";
  if (!bare()) newPage();
  page.querySelector(".again")?.remove();
}

const bare = () => [...page.children].every((e) => isHeading(e) || e.matches("aside"));

/** Put the parts of a list, a table or some code on this page as long as they fit; what is left, as a block. */
function part(block) {
  const holder = block.querySelector("pre") ?? (block.matches("ul, ol") ? block : block.querySelector("tbody"));
  if (!holder || block.querySelector("img, canvas")) return null;
  const lines = holder.tagName === "PRE" ? holder.innerHTML.replace(/\n$/, "").split("\n") : [...holder.children];
  if (lines.length < 2) return null;
  const filled = (some) => {
    const copy = block.cloneNode(true);
    const inside = holder.tagName === "PRE" ? copy.querySelector("pre") : copy.matches("ul, ol") ? copy : copy.querySelector("tbody");
    if (holder.tagName === "PRE") inside.innerHTML = some.join("\n");
    else inside.replaceChildren(...some.map((e) => e.cloneNode(true)));
    return copy;
  };
  let most = 0;
  for (let n = 1; n < lines.length; n++) {
    const copy = filled(lines.slice(0, n));
    page.append(copy);
    const fits = !tooTall();
    copy.remove();
    if (!fits) break;
    most = n;
  }
  if (!most) return null;
  if (holder.tagName === "PRE") {  // code rather ends where a paragraph of it ends
    for (let n = most; n > most / 2; n--) if (!lines[n].trim()) { most = n; break; }
  }
  page.append(filled(lines.slice(0, most)));
  const rest = filled(lines.slice(most));
  if (rest.tagName === "OL") rest.start = (block.start ?? 1) + most;
  return rest;
}

/** Make a block that is on the page smaller until it fits; pictures by their height, the rest by its scale. */
function shrink(block) {
  const pictures = [...block.querySelectorAll("img")].concat(block.matches("img") ? [block] : []);
  if (pictures.length === 1) {
    pictures[0].style.maxHeight = `${Math.floor(pictures[0].getBoundingClientRect().height - over() - 1)}px`;
    pictures[0].style.width = "auto";
  }
  for (let scale = 0.95; tooTall() && scale > 0.3; scale -= 0.05) block.style.zoom = scale;
}

/** A picture takes the room that its slide has left: a room must see which cell somebody means, and read its titles. */
function enlarge(picture) {
  const most = 2 * picture.clientWidth;
  for (let width = picture.clientWidth; width < most; width += 16) {
    picture.style.width = `${width + 16}px`;
    const limited = picture.clientWidth < width + 16;  // by what it lies in
    if (!limited && !tooTall() && picture.getBoundingClientRect().right <= WIDTH - 48) continue;
    picture.style.width = `${width}px`;
    return;
  }
}

function narrow(block) {
  const wide = Math.max(block.scrollWidth, ...[...block.querySelectorAll("*")].map((e) => e.getBoundingClientRect().right - 48));
  if (wide > WIDEST + 1) block.style.zoom = Math.floor((100 * WIDEST) / wide) / 100;
}

function place(block, appears) {
  page.append(block);
  narrow(block);
  if (!tooTall()) return appear(block, appears);
  const picture = block.querySelector("img") ?? (block.matches("img") ? block : null);
  const room = picture && picture.getBoundingClientRect().height - over();
  if (picture && (room >= ENOUGH || bare())) { shrink(block); return appear(block, appears); }
  block.remove();
  if (!bare()) { newPage(); return place(block, appears); }
  const rest = part(block);
  if (rest) { newPage(); return place(rest, false); }
  page.append(block);
  shrink(block);
}

/** A fragment comes by itself, but not as the first thing of a slide, which comes by itself anyway; and what follows
    it comes with it, since that may say the answer, too. */
function appear(block, appears) {
  const before = [...page.children].slice(0, -1), last = before.findLast((e) => e.matches(".fragment"));
  const begins = appears && before.some((e) => !isHeading(e));
  if (!begins && !last) return;
  block.classList.add("fragment");
  block.dataset.fragmentIndex = Number(last?.dataset.fragmentIndex ?? -1) + Number(begins);
}

function layOut(group) {
  pages = [];
  page = null;
  newPage();
  let asked = false;  // whether a question stands before this cell's output, which then answers it
  for (const cell of [...group.children]) {
    if (cell.matches("aside")) { pages[0].append(cell); continue; }
    const all = blocks(cell);
    if (cell.matches(".markdown")) asked = all.at(-1)?.textContent.includes("?");
    all.forEach((block, i) => {
      const asks = all[i + 1]?.tagName === "DETAILS" && block.tagName === "P";  // one question, one slide
      if (asks && page.querySelector("details")) newPage();
      if (block.tagName === "H2") begin();
      const answers = asked && cell.matches(".code") && !block.matches(".highlight") && !block.querySelector(".jupyter-widgets");
      place(block, answers || cell.dataset.kind === "fragment");
      if (answers) asked = false;  // a cell's other outputs come with its first
      if (isHeading(block)) heading = block.textContent;
    });
  }
  for (page of pages) page.querySelectorAll(".course-explorer canvas, figure img:not([style*=max-height])").forEach(enlarge);
  return pages.filter((p) => [...p.children].some((e) => !e.matches("aside, .again")));
}

/** When every explorer has its picture, and with it its size; the modules that draw them load by themselves. */
async function drawn() {
  const blank = (canvas) => !canvas || (canvas.width === 300 && canvas.height === 150);  // as a canvas is before it is drawn
  const waiting = () => [...stage.querySelectorAll(".course-explorer")].some((e) => blank(e.querySelector("canvas")));
  for (let i = 0; i < 100 && waiting(); i++) await new Promise((go) => setTimeout(go, 50));
  for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
}

/** As tools/book_parts.py makes it for the handbook's links; the heading's own id goes, so that it stands once. */
const slug = (heading) => heading.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

/** Whether a key is the focused control's and not the deck's: arrows on a slider, a list or a grid, Space and Enter on an
    answer or a button. Space goes on from a slider. Esc leaves any control. */
function usedByControl(event) {
  const control = event.target.closest?.(".noUi-handle, input, select, textarea, [role=application], summary, button");
  if (!control) return false;
  if (event.key === "Escape") { control.blur(); return true; }
  if (control.matches("summary, button")) return event.key === " " || event.key === "Enter";
  return event.key !== " " || control.matches("input, select, textarea");
}

/** A lecturer with a mouse clicks an answer or a button, and goes on with Space. */
function leaveAfterClick(event) {
  if (event.detail) event.target.closest("summary, button")?.blur();  // a click by keyboard has no detail
}

/** Tab reaches only what stands on the slide; in the overview a click chooses any. */
function onlyThisSlide() {
  for (const slide of Reveal.getSlides()) slide.inert = slide !== Reveal.getCurrentSlide() && !Reveal.isOverview();
}

async function start() {
  await Promise.all([document.fonts.ready, MathJax.startup.promise, window.widgetsShown,
    ...[...document.images].map((image) => image.decode().catch(() => {}))]);
  await drawn();
  const groups = [...stage.children];
  stage.querySelectorAll("details").forEach((e) => { e.open = true; });  // room for the reasons, too
  const slides = document.querySelector(".reveal .slides");
  let stack = null, notes = null;
  for (const group of groups) {
    for (const [i, laid] of layOut(group).entries()) {
      if (!stack || (i === 0 && group.dataset.slide === "slide")) slides.append((stack = document.createElement("section")));
      const section = document.createElement("section");
      section.className = "page";
      section.append(...laid.childNodes);
      const begins = [...section.children].find((e) => isHeading(e) && !e.matches(".again"));
      if (begins) section.id = slug(begins.textContent);
      notes = section.querySelector("aside.notes") ?? notes;  // a section's notes stay until the next one begins
      if (notes && !section.contains(notes)) section.append(notes.cloneNode(true));
      stack.append(section);
    }
  }
  stage.remove();
  document.querySelectorAll("details").forEach((e) => { e.open = false; });
  await Reveal.initialize({
    width: WIDTH, height: HEIGHT, margin: 0, minScale: 0.1, center: false, controlsLayout: "edges", hash: true, slideNumber: "c/t", navigationMode: "linear", transition: "none",
    pdfSeparateFragments: false, plugins: [RevealNotes], keyboardCondition: (event) => !usedByControl(event),
  });
  if (!Reveal.isPrintView?.()) {
    for (const event of ["slidechanged", "overviewshown", "overviewhidden"]) Reveal.on(event, onlyThisSlide);
    onlyThisSlide();
  }
  document.documentElement.dataset.ready = "yes";
}

document.addEventListener("click", leaveAfterClick);
document.addEventListener("DOMContentLoaded", () => { start(); });
