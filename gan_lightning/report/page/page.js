"use strict";
(() => {
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (prefersDark.matches ? "dark" : "light")) === "dark";
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const contentOf = (block) => JSON.parse(block.querySelector("script").textContent);

  // Figures: the same lines as in the pictures, in the colours of the page.
  const DARKS = { "#000000": "#ffffff", "#332288": "#a99bf0", "#882255": "#e07aa8", "#0072b2": "#4aa8e0" };
  const drawn = [];
  const themed = (figure) => {
    const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
    const onDark = (style) => (isDark() && DARKS[style.color] ? { ...style, color: DARKS[style.color] } : { ...style });
    const data = figure.data.map((trace) => ({
      ...trace,
      ...(trace.line && { line: onDark(trace.line) }),
      ...(trace.marker && { marker: onDark(trace.marker) }),
    }));
    const axis = (given) => ({
      automargin: true, gridcolor: colour("--rule"), zerolinecolor: colour("--rule"), ...given,
      title: { ...given.title, standoff: 8 },
    });
    const layout = {
      ...figure.layout,
      title: { ...figure.layout.title, x: 0, xanchor: "left", font: { size: 15 } },
      xaxis: axis(figure.layout.xaxis), yaxis: axis(figure.layout.yaxis),
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("--ink"), family: "system-ui, sans-serif", size: 13 },
      margin: { l: 10, r: 10, t: figure.layout.title.text ? 40 : 15, b: 10 },
      hovermode: "x unified", hoverlabel: { bgcolor: colour("--paper"), bordercolor: colour("--rule") },
      legend: { orientation: "h", y: -0.25, yanchor: "top", x: 0 },
    };
    return [data, layout];
  };
  for (const block of document.querySelectorAll(".figures")) {
    for (const figure of contentOf(block)) {
      const place = make("figure");
      const over = figure.layout.xaxis.title.text;
      place.setAttribute("role", "group");
      place.setAttribute("aria-label", `${block.dataset.label}, over ${over}: interactive curves`);
      block.append(place);
      drawn.push([place, figure]);
    }
  }
  for (const [place, figure] of drawn) { // once all stand where they will, at the width that they will have
    Plotly.newPlot(place, ...themed(figure), { responsive: true, displaylogo: false }).then(() => reachable(place));
  }
  // Plotly's legend hears the mouse alone: its names become buttons of the keyboard too.
  function reachable(place) {
    const names = () => {
      for (const item of place.querySelectorAll(".legend .traces")) {
        const toggle = item.querySelector(".legendtoggle");
        if (!toggle || item.hasAttribute("tabindex")) continue;
        item.setAttribute("tabindex", "0");
        item.setAttribute("role", "button");
        item.setAttribute("aria-label", `hide or show ${item.textContent}`);
        item.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          const label = item.textContent;
          toggle.dispatchEvent(new MouseEvent("mousedown", { bubbles: true }));
          toggle.dispatchEvent(new MouseEvent("mouseup", { bubbles: true }));
          place.addEventListener("gan-redrawn", () => {
            const again = [...place.querySelectorAll(".legend .traces")].find((one) => one.textContent === label);
            if (again) again.focus();
          }, { once: true });
        });
      }
    };
    names();
    place.on("plotly_afterplot", () => {
      names();
      place.dispatchEvent(new Event("gan-redrawn"));
    });
  }

  // Dark or light: as the system has it, until the button is pressed.
  const button = document.getElementById("theme");
  const named = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Change to ${isDark() ? "light" : "dark"} colours`);
  };
  const retheme = () => {
    named();
    for (const [place, figure] of drawn) {
      const [data, layout] = themed(figure);
      const now = place.data; // what is hidden stays so
      Plotly.react(place, data.map((trace, index) => ({ ...trace, visible: now[index].visible })), layout);
    }
  };
  named();
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    retheme();
  });
  prefersDark.addEventListener("change", retheme);

  // Samples: one slider for all groups, at the last iteration first.
  for (const block of document.querySelectorAll(".samples")) {
    const { iterations, pictures, cells, left_out } = contentOf(block);
    const grid = make("div", { className: "cells" });
    const show = [];
    for (const { label, caption, shown } of cells) {
      const image = make("img", { alt: `samples: ${label}` });
      const none = make("div", { className: "none", textContent: "none yet" });
      grid.append(make("figure", {}, image, none, make("figcaption", {}, label, make("span", {}, caption))));
      show.push((index) => {
        const name = shown[index];
        image.hidden = !name;
        none.hidden = Boolean(name);
        if (name) image.src = pictures[name];
      });
    }
    const last = Math.max(0, iterations.length - 1);
    if (last > 0) {
      const input = make("input", { type: "range", min: 0, max: last, value: last, step: 1 });
      const output = make("output");
      const change = () => {
        const index = Number(input.value);
        output.textContent = iterations[index].toLocaleString("en");
        input.setAttribute("aria-valuetext", `iteration ${iterations[index]}`);
        for (const one of show) one(index);
      };
      input.addEventListener("input", change);
      block.append(make("label", { className: "slider" }, "Generator iteration ", input, output));
      change();
    } else {
      for (const one of show) one(last);
    }
    block.append(grid);
    if (left_out) block.append(make("p", { textContent: `${left_out} more would make this page too large.` }));
  }

  // Tables: a click on a title sorts by it, a second one the other way round.
  const numberIn = (text) => {
    const found = text.replaceAll(",", "").match(/^[<>≥≤]?\s*(-?\d+(\.\d+)?(e[-+]?\d+)?)/i);
    return found ? Number(found[1]) : NaN;
  };
  for (const table of document.querySelectorAll("table")) {
    const body = table.tBodies[0];
    if (!body || body.rows.length < 2) continue;
    const titles = [...table.tHead.rows[0].cells];
    titles.forEach((title, column) => {
      if (!title.textContent.trim()) return;
      const sorts = make("button", { type: "button", textContent: title.textContent });
      title.replaceChildren(sorts);
      sorts.addEventListener("click", () => {
        const falls = title.getAttribute("aria-sort") === "ascending";
        for (const other of titles) other.removeAttribute("aria-sort");
        title.setAttribute("aria-sort", falls ? "descending" : "ascending");
        const texts = new Map([...body.rows].map((row) => [row, (row.cells[column]?.textContent ?? "").trim()]));
        const empty = (text) => !text || text === "-";
        const numeric = [...texts.values()].every((text) => empty(text) || !Number.isNaN(numberIn(text)));
        const compare = (one, other) => {
          const [a, b] = [texts.get(one), texts.get(other)];
          if (empty(a) || empty(b)) return empty(a) - empty(b);
          const order = numeric ? numberIn(a) - numberIn(b) : a.localeCompare(b, "en", { numeric: true });
          return falls ? -order : order;
        };
        body.append(...[...body.rows].sort(compare));
      });
    });
  }
})();
