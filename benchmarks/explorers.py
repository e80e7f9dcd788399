"""How quickly a picture follows the hand: our explorers beside plain `interact` with Matplotlib, in
JupyterLab.
"""

import tempfile
from pathlib import Path
from statistics import quantiles

from benchmarks import lab
from benchmarks.table import row

TITLE = "Explorers: from the hand to new pixels, in JupyterLab in Chromium"
KEYS, DRAGS, SECONDS, SPEED = (
    20,
    2,
    3,
    4,
)  # a round: key presses; drags, so many seconds each, so many sliders' lengths a second
ROUNDS = 3

PICTURE = """
import numpy as np
from course_utils import cam, plots, widgets
from course_utils.datasets.drawn.pets import drawn_pets
image = drawn_pets(1, seed=3).images[0]
rng = np.random.default_rng(0)
cams = np.stack([cam.upsample(rng.normal(size=(4, 4)), 24) for _ in range(2)], axis=-1).astype(np.float32)
large = image.repeat(3, axis=0).repeat(3, axis=1)
def overlay(opacity, threshold):
    return plots.overlay(large, cams[..., 0], "signed", opacity, threshold)
"""
CONTESTANTS = {
    "ours, drawn in the browser": "widgets.cam_explorer(image, cams, ['cat', 'dog'])",
    "ours, drawn by Python": "widgets.live([widgets.slider('opacity', 0.65, ''), widgets.slider('threshold', 0.0, '')], "
    "lambda a, b: (overlay(a, b), f'opacity {a:.2f}'), 288)",
    "plain `interact` + Matplotlib": """
import ipywidgets
import matplotlib.pyplot as plt
def show(opacity=0.55, threshold=0.0):
    plt.figure(figsize=(4, 4))
    plt.imshow(overlay(opacity, threshold))
    plt.axis("off")
    plt.show()
ipywidgets.interact(show, opacity=(0, 1, 0.05), threshold=(0, 1, 0.05));""",
}

# What is on the page is looked at after each frame has been painted; the clock is that of the events.
RECORDER = """root => {
  const shown = () => {
    const canvas = root.querySelector("canvas"), picture = [...root.querySelectorAll("img")].pop();
    return canvas ? canvas.dataset.drawn : picture?.complete && picture.naturalWidth ? picture.src : null;
  };
  const channel = new MessageChannel();
  window.record = { hand: 0, pictures: [], frames: 0, blank: 0 };
  let last = shown();
  channel.port1.onmessage = () => {
    const now = shown();
    record.frames++;
    if (now === null) record.blank++;
    else if (now !== last) { last = now; record.pictures.push(performance.now()); }
  };
  const frame = () => { channel.port2.postMessage(0); if (window.record) requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  document.addEventListener("keydown", (event) => {
    if (window.record) record.hand = event.timeStamp;
  }, { capture: true });
}"""

# Moves are made in the page: sent one by one from outside, each waits for the one before, 20 to 60 a second.
HAND = """async ([left, width, y, seconds, speed]) => {
  Object.assign(record, { pictures: [], frames: 0, blank: 0, start: performance.now() });
  await new Promise((done) => {
    const moving = setInterval(() => {
      record.hand = performance.now();
      const way = ((record.hand - record.start) / 1000) * speed * width;
      const clientX = left + width - Math.abs((way % (2 * width)) - width);  // to and fro
      const to = { clientX, clientY: y, buttons: 1, bubbles: true };
      document.documentElement.dispatchEvent(new MouseEvent("mousemove", to));
      if (record.hand - record.start > 1000 * seconds) { clearInterval(moving); done(); }
    }, 4);
  });
}"""


def measure(options):
    times = {name: {"latency": [], "rate": [], "lag": [], "blank": []} for name in CONTESTANTS}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        _write(folder / "explorers.ipynb", [PICTURE, *CONTESTANTS.values()])
        with lab.jupyterlab(folder) as address, lab.browser() as browser:
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            lab.run_all(page, address, "explorers.ipynb")
            for turn in range(ROUNDS + 1):
                for cell, name in enumerate(CONTESTANTS, start=1):
                    one_round(
                        page, cell, times[name] if turn else {kind: [] for kind in times[name]}
                    )  # the first warms up
    rows = []
    for name, measured in times.items():
        ours = name == "ours, drawn in the browser"
        rows += [
            row(
                f"{name}: key press to new pixels",
                measured["latency"],
                "ms",
                goal=("<=", 30) if ours else None,
            ),
            row(
                f"{name}: the same, slowest 5 %",
                [quantiles(measured["latency"], n=20)[-1]],
                "ms",
                goal=("<=", 50) if ours else None,
            ),
            row(
                f"{name}: pictures per second while dragging",
                measured["rate"],
                goal=(">=", 40) if ours else None,
            ),
            row(f"{name}: lag after the hand stops", measured["lag"], "ms"),
            row(f"{name}: frames without a picture", measured["blank"], goal=("<=", 0) if ours else None),
        ]
    return rows, [
        f"A picture of 288 to 384 pixels, one slider of 21 steps; {ROUNDS} rounds of {KEYS} key presses and "
        f"{DRAGS} drags of {SECONDS} s by a hand that crosses the slider {SPEED} times a second, in turns.",
        "From the event's own time to the end of the frame that shows the change: a screen at 60 Hz adds up "
        "to 17 ms for anybody.",
        "Drawn in the browser: a canvas linked to the sliders. Drawn by Python: NumPy, JPEG, and no stale "
        "pictures.",
    ]


def one_round(page, cell, measured):
    """Key presses, then drags, on the first slider of a cell's output."""
    page.evaluate("i => window.jupyterapp.shell.currentWidget.content.scrollToItem(i, 'start')", cell)
    output = page.locator(f".jp-Cell[data-windowed-list-index='{cell}']")
    handle = output.locator(".noUi-handle").first
    handle.wait_for()
    output.evaluate(RECORDER)

    handle.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(1000)
    for i in range(KEYS):
        page.wait_for_timeout(150)
        page.evaluate("() => { record.pictures = []; record.hand = 0; }")
        page.keyboard.press("ArrowRight" if i % 10 < 5 else "ArrowLeft")
        page.wait_for_function("record.pictures.length > 0", timeout=30_000)
        measured["latency"].append(page.evaluate("record.pictures[0] - record.hand"))

    for _ in range(DRAGS):
        track, place = output.locator(".noUi-base").first.bounding_box(), handle.bounding_box()
        page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
        page.mouse.down()
        page.evaluate(HAND, [track["x"], track["width"], place["y"] + place["height"] / 2, SECONDS, SPEED])
        page.wait_for_timeout(1500)
        record = page.evaluate("record")
        seconds = (record["hand"] - record["start"]) / 1000
        measured["rate"].append(sum(at <= record["hand"] for at in record["pictures"]) / seconds)
        measured["lag"].append(max(0, max(record["pictures"]) - record["hand"]))
        measured["blank"].append(record["blank"])
        page.mouse.up()
    page.evaluate("() => { window.record = null; }")


def _write(path, sources):
    import nbformat

    cells = [nbformat.v4.new_code_cell(source.strip()) for source in sources]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
