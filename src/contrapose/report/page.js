"use strict";
// Draws the charts, and lets the page's own controls steer the map.
(() => {
  const specs = JSON.parse(document.getElementById("charts").textContent);
  const views = new Map();
  const chosen = { colour_by: null, group: -1, wanted: "" };

  async function draw() {
    const options = { actions: false, renderer: "svg", ast: true, defaultStyle: false, tooltip: { disableDefaultStyle: true } };
    for (const [id, spec] of Object.entries(specs)) views.set(id, await vegaEmbed(document.getElementById(id), spec, options));
    await steer();
    document.documentElement.dataset.ready = "yes";
  }

  async function steer() {
    const map = views.get("map-chart")?.view;
    if (!map) return;
    chosen.colour_by ??= map.signal("colour_by");
    for (const [name, value] of Object.entries(chosen)) map.signal(name, value);
    await map.runAsync();
    for (const by of ["class", "cluster"]) {
      const legend = document.getElementById(`legend-${by}`);
      if (legend) legend.hidden = by !== chosen.colour_by;
    }
    document.querySelectorAll(".legend button").forEach((button) => {
      button.setAttribute("aria-pressed", String(Number(button.dataset.slot) === chosen.group));
    });
    const field = chosen.colour_by === "class" ? "class_slot" : "cluster_slot";
    const points = specs["map-chart"].data.values;
    const inGroup = (point) => chosen.group === -1 || point[field] === chosen.group;
    const inClass = (point) => chosen.wanted === "" || point.class === chosen.wanted;
    const shown = points.filter((point) => inGroup(point) && inClass(point));
    document.getElementById("map-count").textContent = `${shown.length.toLocaleString("en")} of ${points.length.toLocaleString("en")} points.`;
  }

  function zoom(factor) {
    const map = views.get("map-chart").view;
    for (const axis of ["x", "y"]) {
      const signal = `window_${axis}_place`;
      if (factor === 0) { map.signal(signal, null); continue; }
      const [low, high] = map.scale(axis).domain();
      const middle = (low + high) / 2, half = ((high - low) / 2) * factor;
      map.signal(signal, [middle - half, middle + half]);
    }
    map.runAsync();
  }

  document.querySelectorAll("input[name=colour-by]").forEach((radio) => radio.addEventListener("change", () => {
    chosen.colour_by = radio.value;
    chosen.group = -1;
    steer();
  }));
  document.getElementById("map-class")?.addEventListener("change", (event) => { chosen.wanted = event.target.value; steer(); });
  document.querySelectorAll(".legend button").forEach((button) => button.addEventListener("click", () => {
    const slot = Number(button.dataset.slot);
    chosen.group = chosen.group === slot ? -1 : slot;
    steer();
  }));
  document.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => zoom(Number(button.dataset.zoom))));
  draw();
})();
