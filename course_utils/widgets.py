"""Sliders that make a map something to touch. They need a running kernel and draw with NumPy, not Matplotlib."""

import html
import io

import numpy as np

from course_utils import cam as cam_maths
from course_utils import localize, plots


def cam_explorer(image, cams, class_names, class_scores=None, size=336):
    """Sliders for class, opacity and threshold over one image's maps.

    image (H, W), (H, W, 1) or (H, W, 3); cams (h, w, C), raw; class_names C strings; class_scores (C,)
    logits, shown with the map if given. All classes share one colour scale. Returns an ipywidgets box.
    """
    import ipywidgets

    cams = np.asarray(cams)
    if cams.ndim != 3 or cams.shape[2] != len(class_names) or cams.size == 0:
        raise ValueError(f"cams has shape {cams.shape} with {len(class_names)} class names; "
                         "expected one image's maps, (h, w, C), and C names. Take one of a batch: cams[0].")
    if not np.isfinite(cams).all():
        raise ValueError("cams has values that are NaN or infinite; nothing true could be drawn.")
    if class_scores is not None and np.shape(class_scores) != cams.shape[2:]:
        raise ValueError(f"class_scores has shape {np.shape(class_scores)}; expected {cams.shape[2:]}, one number a class.")
    image = _enlarged(image, size)
    limit = float(np.abs(cams).max()) or 1.0
    which = ipywidgets.ToggleButtons(options=[(name, c) for c, name in enumerate(class_names)], description="map of",
                                     tooltips=[f"show the map of class {name}" for name in class_names])
    keep = ipywidgets.ToggleButtons(options=[("for and against", "signed"), ("only for", "positive")], description="evidence")
    opacity = _slider("opacity", 0.55, "how much of the map lies over the image")
    threshold = _slider("threshold", 0.0, "leave out evidence weaker than this share of the strongest")
    view = ipywidgets.Image(format="png", width=size, height=size)
    status = ipywidgets.HTML()

    def redraw(_=None):
        cam = cams[..., which.value]
        view.value = _png(plots.overlay(image, cam, keep.value, opacity.value, threshold.value, limit))
        row, column = cam_maths.peak_cell(cam)
        score = "" if class_scores is None else f", class score <b>{class_scores[which.value]:.2f}</b>"
        words = (f"Map of {html.escape(str(class_names[which.value]))}: strongest at row {row}, column {column} of {cam.shape[0]} × {cam.shape[1]}, "
                 f"from {cam.min():.2f} to {cam.max():.2f}, mean <b>{cam.mean():.2f}</b>{score}.")
        status.value = f'<div role="status" style="font-size:120%">{words}</div>'

    return _live([which, keep, opacity, threshold], redraw, view, status)


def weight_explorer(feature_maps, class_weights, class_idx, image_size=280):
    """Sliders for the weights of one class: its map, its score and the softmax move together.

    feature_maps (H, W, K) of one image; class_weights (K, C); class_idx the class whose K weights get
    a slider each. Returns an ipywidgets box.
    """
    import ipywidgets

    feature_maps = np.asarray(feature_maps, float)
    if feature_maps.ndim != 3:
        raise ValueError(f"feature_maps has shape {feature_maps.shape}; expected one image's maps, (H, W, K).")
    cam_maths.class_activation_map(feature_maps[None], class_weights, class_idx)  # raises for whatever doesn't fit
    start, class_idx = np.array(class_weights, float), int(np.ravel(class_idx)[0])
    reach = max(3.0, np.ceil(np.abs(start[:, class_idx]).max()))  # a slider would clip larger weights
    sliders = [_slider(f"weight w{k + 1}", w, f"how much map {k + 1} speaks for the class", low=-reach, high=reach)
               for k, w in enumerate(start[:, class_idx])]
    limit = reach * np.abs(feature_maps).sum(axis=2).max() or 1.0
    grey = np.zeros((image_size, image_size))
    view = ipywidgets.Image(format="png", width=image_size, height=image_size)
    status = ipywidgets.HTML()

    def redraw(_=None):
        weights = start.copy()
        weights[:, class_idx] = [s.value for s in sliders]
        cam = cam_maths.class_activation_map(feature_maps[None], weights, class_idx)[0]
        scores = cam_maths.class_scores(feature_maps[None], weights)[0]
        cells = np.kron(cam, np.ones((image_size // cam.shape[0], image_size // cam.shape[1])))
        view.value = _png(plots.overlay(grey[:cells.shape[0], :cells.shape[1]], cells, "signed", 1.0, 0.0, limit))
        chances = cam_maths.softmax(scores)
        rows = "".join(f"<tr><td>class {c}</td><td style='text-align:right'>{s:.2f}</td><td style='text-align:right'>{p:.3f}</td></tr>"
                       for c, (s, p) in enumerate(zip(scores, chances)))
        status.value = ('<table role="status" style="font-size:120%"><tr><th>class</th><th>score</th><th>softmax</th></tr>'
                        f"{rows}</table>")

    return _live(sliders, redraw, view, status)


def threshold_explorer(image, cam, true_box, size=384):
    """A slider for the threshold: what is left of one map, the box around it, and its IoU with the true box.

    image (H, W), (H, W, 1) or (H, W, 3); cam (h, w), raw; true_box x0, y0, x1, y1 in the image's pixels, end
    exclusive. The solid frame is the map's box, the dashed one the true box. Returns an ipywidgets box.
    """
    import ipywidgets

    cam, picture = np.asarray(cam), plots._rgb(image)
    if cam.ndim != 2 or np.shape(true_box) != (4,):
        raise ValueError(f"cam has shape {cam.shape} and true_box {np.shape(true_box)}; expected one image's map, "
                         "(h, w), and box, (4,). Take those of a batch: cams[0], boxes[0].")
    height, width = picture.shape[:2]
    true_box = localize._boxes(true_box, "true_box", (height, width))
    times = max(1, size // max(height, width))
    fraction = _slider("threshold", 0.2, "share of the map's maximum that a pixel must reach", low=0.05, high=0.95)
    opacity = _slider("opacity", 0.55, "how much of the map lies over the image")
    view = ipywidgets.Image(format="png", width=width * times, height=height * times)
    status = ipywidgets.HTML()

    def redraw(_=None):
        mask = localize.threshold_mask(cam_maths.upsample(cam, (height, width)), fraction.value)
        box = localize.box_from_map(cam, (height, width), fraction.value)
        overlap = localize.iou(box, true_box)
        pixels = np.where(mask[..., None], plots.overlay(picture, cam, "positive", opacity.value), picture // 2)
        pixels = pixels.repeat(times, axis=0).repeat(times, axis=1)
        _draw_frame(pixels, box * times)
        _draw_frame(pixels, true_box * times, dashed=True)
        view.value = _png(pixels)
        words = (f"At {fraction.value:.0%} of the maximum {mask.mean():.0%} of the image is left. Box of the "
                 f"largest part: {box[2] - box[0]} × {box[3] - box[1]} pixels, IoU with the true box "
                 f"<b>{overlap:.2f}</b>: {'found' if overlap >= 0.5 else 'not found'} (0.50 is needed).")
        status.value = f'<div role="status" style="font-size:120%">{words}</div>'

    return _live([fraction, opacity], redraw, view, status)


# --- inside ----------------------------------------------------------------------------------


def _slider(name, value, help_text, low=0.0, high=1.0):
    import ipywidgets

    return ipywidgets.FloatSlider(value=value, min=low, max=high, step=0.05, description=name, tooltip=help_text,
                                  readout_format=".2f", style={"description_width": "6em"}, layout={"width": "24em"})


def _live(controls, redraw, view, status):
    """The controls beside the picture they redraw."""
    import ipywidgets

    for control in controls:
        control.observe(redraw, names="value")
    redraw()
    return ipywidgets.HBox([ipywidgets.VBox(controls + [status], layout={"width": "32em"}), view])


def _enlarged(image, size):
    """The image with every pixel repeated, so that maps drawn over small images are smooth."""
    image = plots._rgb(image)
    times = max(1, size // max(image.shape[:2]))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def _draw_frame(pixels, box, dashed=False):
    """A white frame, three pixels thick with a black rim, just inside a box; drawn into the picture given."""
    x0, y0, x1, y1 = np.round(box).astype(int)
    inside = pixels[y0:y1, x0:x1]
    height, width = inside.shape[:2]
    y, x = np.ogrid[:height, :width]
    depth = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))  # 0 on the outermost pixels
    line = (depth < 4) & ((x + y) % 16 < 9 if dashed else True)
    inside[line] = np.where(depth[line] < 3, 255, 0)[:, None]


def _png(pixels):
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png", compress_level=1)
    return buffer.getvalue()
