"use strict";
// Draws the charts, lets the page's own controls steer the map, and pins a point of it beside its neighbours.
(() => {
  const specs = read("charts"), near = read("near");
  const points = specs["map-chart"]?.data.values ?? [];
  const views = new Map();
  const WORD = /[\p{L}\p{M}\p{N}_]+/gu, SPLIT = /([\p{L}\p{M}\p{N}_]+)/u;
  const chosen = { colour_by: null, group: -1, wanted: "", pinned: -1, near: [] };

  function read(id) { return JSON.parse(document.getElementById(id).textContent); }

  async function draw() {
    const options = { actions: false, renderer: "svg", ast: true, defaultStyle: false, tooltip: { disableDefaultStyle: true } };
    const panel = document.getElementById("pin");
    if (panel) panel.hidden = false; // before the map is drawn, which takes the width that is left
    for (const [id, spec] of Object.entries(specs)) views.set(id, await vegaEmbed(document.getElementById(id), spec, options));
    const map = views.get("map-chart")?.view;
    if (map) {
      map.addEventListener("click", (event, item) => { if (item?.datum?.number !== undefined) pin(item.datum.number); });
      for (const signal of ["window_x_place", "window_y_place", "width"]) map.addSignalListener(signal, () => requestAnimationFrame(declutter));
      await pin(0);
    }
    document.documentElement.dataset.ready = "yes";
  }

  async function steer() {
    const map = views.get("map-chart")?.view;
    if (!map) return;
    chosen.colour_by ??= map.signal("colour_by");
    for (const [name, value] of Object.entries(chosen)) map.signal(name, value);
    await map.runAsync();
    declutter();
    for (const by of ["class", "cluster"]) {
      const legend = document.getElementById(`legend-${by}`);
      if (legend) legend.hidden = by !== chosen.colour_by;
    }
    document.querySelectorAll(".legend button").forEach((button) => {
      button.setAttribute("aria-pressed", String(Number(button.dataset.slot) === chosen.group));
    });
    const shown = points.filter(visible);
    document.getElementById("map-count").textContent = `${shown.length.toLocaleString("en")} of ${points.length.toLocaleString("en")} points.`;
  }

  function visible(point) {
    const slot = chosen.colour_by === "class" ? point.class_slot : point.cluster_slot;
    return (chosen.group === -1 || slot === chosen.group) && (chosen.wanted === "" || point.class === chosen.wanted);
  }

  // The names of groups stand at their medians; where two would overlap, the later one moves up or down by whole lines,
  // or is left out when there is no room nearby.
  function declutter() {
    const words = [...document.querySelectorAll("#map-chart .mark-text text")];
    const half = words.length / 2; // every name is drawn twice: its halo, then itself
    const taken = [];
    for (const word of words) { word.removeAttribute("dy"); word.style.visibility = ""; }
    for (let number = 0; number < half; number++) {
      const box = words[number].getBoundingClientRect();
      const free = (shift) => taken.every((other) => box.right < other.left || box.left > other.right || box.bottom + shift < other.top || box.top + shift > other.bottom);
      const shift = [0, 1, -1, 2, -2, 3, -3].map((lines) => lines * (box.height + 2)).find(free);
      for (const word of [words[number], words[number + half]]) {
        if (shift === undefined) word.style.visibility = "hidden"; else if (shift) word.setAttribute("dy", shift);
      }
      if (shift !== undefined) taken.push({ left: box.left, right: box.right, top: box.top + shift, bottom: box.bottom + shift });
    }
  }

  async function pin(number) {
    const ranked = near[number];
    Object.assign(chosen, { pinned: number, near: ranked.map(([other]) => other) });
    const asked = points[number], query = document.getElementById("pin-query"), list = document.getElementById("pin-near");
    query.replaceChildren(card(asked), caption([asked.class, asked.name]));
    list.replaceChildren(...ranked.map(([other, cosine]) => {
      const item = document.createElement("li"), figure = document.createElement("figure"), found = points[other];
      item.className = !asked.class ? "" : asked.class === found.class ? "hit" : "miss";
      figure.className = "sample";
      const mark = !asked.class ? found.name : asked.class === found.class ? "✓ same" : `✗ ${found.class}`;
      figure.append(card(found, asked), caption([mark, `cos ${cosine.toFixed(2)}`]));
      item.append(figure);
      return item;
    }));
    await steer();
  }

  // How a point is shown; of texts, with the words marked that stand in the text that it is near to, too.
  function card(point, asked) {
    const shown = document.createElement(point.image ? "img" : "p");
    if (point.image) { shown.src = point.image; shown.alt = point.name; shown.className = "card picture"; }
    else { shown.append(...marked(point, asked)); shown.className = "card text"; shown.dir = "auto"; }
    return shown;
  }

  function marked(point, asked) {
    const text = point.text ?? point.row ?? point.name, words = new Set(asked?.text?.toLowerCase().match(WORD));
    return point.text === undefined ? [text] : text.split(SPLIT).map((part) => {
      if (!words.has(part.toLowerCase())) return part;
      const mark = document.createElement("mark");
      mark.textContent = part;
      return mark;
    });
  }

  function caption(lines) {
    const words = document.createElement("figcaption");
    for (const line of lines.filter(Boolean)) {
      const part = document.createElement("div");
      part.textContent = line;
      words.append(part);
    }
    return words;
  }

  // The next point that is shown, round and round.
  function step(direction) {
    for (let distance = 1; distance <= points.length; distance++) {
      const number = (chosen.pinned + direction * distance + points.length * distance) % points.length;
      if (visible(points[number])) { pin(number); return; }
    }
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
  document.querySelectorAll("[data-pin]").forEach((button) => button.addEventListener("click", () => step(Number(button.dataset.pin))));
  document.querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", () => zoom(Number(button.dataset.zoom))));
  draw();
})();
