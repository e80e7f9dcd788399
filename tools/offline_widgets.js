// Widgets in an exported page without a kernel and without a network (put in by tools/export_html.py).
//
// Before this file the page has the widgets that ipywidgets brings along for the classic notebook, and anywidget's:
// both AMD modules, asking for a `define` and for a few things of the classic notebook, given to them here.

function classicNotebook() {
  const modules = {};
  const mute = () => {};
  window.Jupyter = { version: "7.0.0", notebook: { container: { on: mute } } };
  window.requirejs = (names, ready) => {  // menus ask, too, and get no answer
    const outputarea = { OutputArea: { prototype: { register_mime_type: mute } } };
    if (names.includes("notebook/js/outputarea")) ready(window.Jupyter, { on: mute }, outputarea);
  };
  window.requirejs.config = mute;
  window.define = (names, make) => {
    if (names[0] === "module") {  // ipywidgets: base and controls in one; loading it as an extension brings in its CSS
      modules.ipywidgets = make({ uri: "" });
      modules.ipywidgets.load_ipython_extension();
    } else modules.anywidget = make(modules.ipywidgets);
  };
  return modules;
}

/** Every widget view that the notebook's outputs ask for, made from the state saved in the page. */
async function showWidgets({ ipywidgets, anywidget }) {
  const state = document.querySelector('script[type="application/vnd.jupyter.widget-state+json"]');
  const saved = JSON.parse(state?.textContent ?? "{}");
  const from = (module) => (module === "anywidget" ? anywidget : ipywidgets);
  const models = {};
  const manager = {
    get_model: (id) => (models[id] ??= makeModel(id)),
    callbacks: () => ({}),
    inline_sanitize: (text) => text,
    async create_view(model, options = {}) {
      const View = from(model.get("_view_module"))[model.get("_view_name")];
      const view = new View({ model, options });
      view.listenTo(model, "destroy", view.remove);
      await view.render();
      if (model.get("sent")?.kind === "live") rest(view.el);
      return view;
    },
  };
  async function makeModel(id) {
    const { model_module, model_name, state, buffers = [] } = saved.state[id];
    for (const { path, data } of buffers) {  // bytes were saved as base64, beside the state
      const last = path.at(-1), holder = path.slice(0, -1).reduce((part, key) => part[key], state);
      holder[last] = new DataView(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)).buffer);
    }
    const Model = from(model_module)[model_name];
    const attributes = await Model._deserialize_state(state, manager);
    return new Model(attributes, { widget_manager: manager, model_id: id });
  }
  await Promise.all(Object.keys(saved.state ?? {}).map(manager.get_model));  // links, too, which nobody displays
  for (const script of document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]')) {
    const view = await manager.create_view(await manager.get_model(JSON.parse(script.textContent).model_id));
    const place = document.createElement("div");
    script.before(place);
    view.luminoWidget.constructor.attach(view.luminoWidget, place);
  }
}

/** What only Python can draw doesn't move here: once it is on the page, its controls rest, and a line says why. */
function rest(el) {
  const explorer = el.closest(".course-explorer");
  if (!explorer?.isConnected) return requestAnimationFrame(() => rest(el));
  explorer.querySelector(".widget-vbox")?.setAttribute("inert", "");
  const words = "Python computes this picture: run the lesson to move its sliders.";
  explorer.after(Object.assign(document.createElement("p"), { className: "course-rests", textContent: words }));
}

const widgetModules = classicNotebook();
document.addEventListener("DOMContentLoaded", () => { window.widgetsShown = showWidgets(widgetModules); });
