// What the page can do when scripts run: charts that are read bar by bar and zoomed, tables that are sorted and searched, a grid that is walked by arrow keys.
(() => {
  "use strict";

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const dataOf = (figure) => JSON.parse(figure.querySelector("script").textContent);
  const written = (value, places) => {
    if (value === null || value === undefined || Number.isNaN(value)) return "not defined";
    return (+value.toFixed(places) + 0).toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
  };

  document.getElementById("still").remove();

  // Tables

  const numberOf = (text) => {
    const number = Number(text.replaceAll(",", ""));
    return text.trim() === "" || Number.isNaN(number) ? null : number;
  };
  const compared = (a, b) => {
    const [x, y] = [numberOf(a), numberOf(b)];
    if (x !== null && y !== null) return x - y;
    return (x === null) - (y === null) || a.localeCompare(b, "en");
  };
  const sortBy = (table, heads, place) => {
    const head = heads[place];
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const missing = (row) => ["not defined", "no bar", "still open"].includes(row.cells[place].textContent);
    const rows = [...body.rows].map((row) => [row, row.cells[place].textContent]);
    rows.sort(([p, a], [q, b]) => missing(p) - missing(q) || (up ? compared(a, b) : compared(b, a)));
    body.append(...rows.map(([row]) => row));
  };
  for (const table of document.querySelectorAll("table.rows")) {
    const heads = [...table.tHead.rows[0].cells];
    if (table.tBodies[0].rows.length > 1) {
      heads.forEach((head, place) => {
        if (head.hasAttribute("aria-hidden")) return; // the column of bars
        const button = make("button", { type: "button" }, head.textContent);
        button.addEventListener("click", () => sortBy(table, heads, place));
        head.replaceChildren(button);
      });
    }
    if (!table.hasAttribute("data-filter")) continue;
    const rows = [...table.tBodies[0].rows];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const field = make("input", { type: "search", autocomplete: "off" });
    const count = make("p", { class: "count", role: "status" });
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word));
        shown += !row.hidden;
      });
      count.textContent = words.length ? `${shown} of ${rows.length} rows shown.` : "";
    });
    const label = make("label", { class: "wide" }, `Show only rows with these words: ${table.caption.textContent}`, field);
    table.closest(".scroll").before(make("div", { class: "controls" }, label), count);
  }

  // Charts

  const colours = { up: "#0a5c0a", down: "#8b0000" };
  const niceLog = (low, high) => {
    const found = [];
    for (let p = Math.floor(Math.log10(low)); p <= Math.ceil(Math.log10(high)); p++) for (const m of [1, 2, 5]) found.push(m * 10 ** p);
    return found.filter((value) => value >= low && value <= high);
  };
  const drawMarks = (chart, times, marks) => {
    const { ctx } = chart;
    const ratio = devicePixelRatio;
    for (const mark of marks) {
      ctx.fillStyle = colours[mark.shape];
      mark.at.forEach((place, i) => {
        if (times[place] < chart.scales.x.min || times[place] > chart.scales.x.max) return;
        const x = chart.valToPos(times[place], "x", true);
        const y = chart.valToPos(mark.values[i], "y", true);
        const down = (mark.shape === "up" ? 9 : -9) * ratio;
        ctx.beginPath();
        ctx.moveTo(x, y);
        ctx.lineTo(x + 5 * ratio, y + down);
        ctx.lineTo(x - 5 * ratio, y + down);
        ctx.fill();
      });
    }
  };
  const live = (figure) => {
    const data = dataOf(figure);
    const room = figure.querySelector(".live");
    const title = figure.querySelector("h3").textContent;
    let time = data.first;
    const times = [time, ...data.steps.map((step) => (time += step))].map((unit) => unit * data.unit);
    const last = times.length - 1;
    const dateOf = (i) => new Date(times[i] * 1000).toISOString().slice(0, data.unit === 86400 ? 10 : 16).replace("T", " ");
    const slider = make("input", { type: "range", min: 0, max: last, value: last });
    const readout = make("p", { class: "readout" });
    const sentence = (i) => {
      const said = data.series.filter((one) => one.values[i] !== null).map((one) => `${one.name} ${written(one.values[i], data.places)}`);
      for (const mark of data.marks) mark.at.forEach((place, j) => place === i && said.push(`${mark.name} at ${written(mark.values[j], data.places)}`));
      return `${dateOf(i)}: ${said.join(", ") || "nothing is defined"}.`;
    };
    const show = (i) => {
      slider.value = i;
      readout.textContent = sentence(i);
      slider.setAttribute("aria-valuetext", readout.textContent);
    };
    const size = () => ({ width: Math.max(280, room.clientWidth), height: 330 });
    const options = {
      ...size(),
      legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      scales: { x: { time: true }, y: data.log ? { distr: 3, range: (u, low, high) => [low * 0.95, high * 1.05] } : {} },
      axes: [
        { stroke: "#1a1a1a", grid: { stroke: "#dfe3e8" } },
        {
          stroke: "#1a1a1a", grid: { stroke: "#dfe3e8" }, size: 74,
          values: (u, ticks) => ticks.map((tick) => (tick === null ? "" : tick.toLocaleString("en-US", { maximumSignificantDigits: 6 }))),
          ...(data.log ? { splits: (u, axis, low, high) => niceLog(low, high), filter: (u, ticks) => ticks } : {}),
        },
      ],
      series: [{}, ...data.series.map((one) => ({ label: one.name, stroke: one.colour, dash: one.dash, width: one.width, points: { show: false } }))],
      cursor: { drag: { x: true, y: false } },
      hooks: {
        setCursor: [(u) => u.cursor.idx !== null && u.cursor.idx !== undefined && show(u.cursor.idx)],
        draw: [(u) => drawMarks(u, times, data.marks)],
      },
    };
    figure.querySelector(".drawing").style.display = "none";
    const chart = new uPlot(options, [times, ...data.series.map((one) => one.values)], room);
    chart.root.setAttribute("aria-hidden", "true"); // what it shows is in the sentence, the slider and the table
    slider.addEventListener("input", () => {
      const i = Number(slider.value);
      if (times[i] < chart.scales.x.min || times[i] > chart.scales.x.max) move(i, chart.scales.x.max - chart.scales.x.min);
      chart.setCursor({ left: chart.valToPos(times[i], "x"), top: 20 }, false);
      show(i);
    });
    const move = (i, span) => {
      const wide = Math.min(span, times[last] - times[0]);
      const low = Math.min(Math.max(times[i] - wide / 2, times[0]), times[last] - wide);
      chart.setScale("x", { min: low, max: low + wide });
    };
    const zoom = (factor) => move(Number(slider.value), (chart.scales.x.max - chart.scales.x.min) * factor);
    const button = (text, does) => {
      const made = make("button", { type: "button" }, text, make("span", { class: "unseen" }, `: ${title}`));
      made.addEventListener("click", does);
      return made;
    };
    const label = make("label", { class: "wide" }, "Read bar by bar", make("span", { class: "unseen" }, `: ${title}`), slider);
    const buttons = [button("Closer", () => zoom(0.5)), button("Wider", () => zoom(2)), button("Everything", () => move(last, Infinity))];
    room.after(make("div", { class: "controls" }, label, ...buttons), readout);
    show(last);
    new ResizeObserver(() => chart.setSize(size())).observe(room);
  };
  for (const figure of document.querySelectorAll("figure.line")) live(figure);

  // The grid of settings

  const rgb = (colour) => [1, 3, 5].map((i) => parseInt(colour.slice(i, i + 2), 16));
  const luminance = (parts) => {
    const linear = parts.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const paint = (cell, share, stops) => {
    const at = share * (stops.length - 1);
    const i = Math.min(Math.floor(at), stops.length - 2);
    const [a, b] = [rgb(stops[i]), rgb(stops[i + 1])];
    const mixed = a.map((part, k) => Math.round(part + (b[k] - part) * (at - i)));
    cell.style.background = `rgb(${mixed})`;
    cell.style.color = luminance(mixed) > 0.1791 ? "#000" : "#fff";
  };
  const grid = (figure) => {
    const data = dataOf(figure);
    const table = figure.querySelector("table");
    const status = figure.querySelector(".readout");
    const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1));
    const cells = []; // those that exist, with their places, in the order of the data
    rows.forEach((row, i) => row.forEach((cell, j) => cell.className === "none" || cells.push({ cell, i, j })));
    const choose = (name, list, at) => {
      const select = make("select", {}, ...list.map((text, i) => make("option", { value: i }, text)));
      select.value = at;
      select.addEventListener("change", () => draw(true));
      const label = make("label", {}, name, select);
      figure.querySelector(".controls").append(label);
      return select;
    };
    const symbol = choose("Symbol", data.symbols, data.shown[0]);
    const metric = choose("Metric", data.metrics.map((one) => one.name), data.shown[2]);
    const stop = choose("Stop", data.stops, data.shown[1]);
    const sayCell = ({ cell, i, j }) => `Fast ${data.fast[i]}, slow ${data.slow[j]}: ${data.metrics[metric.value].name} ${cell.textContent}.`;
    const draw = (changed) => {
      const [s, k, m] = [symbol, stop, metric].map((select) => Number(select.value));
      const { name, places, flip } = data.metrics[m];
      const values = data.values[s][k][m].map((value) => (value === null ? null : value / 10 ** places));
      const known = values.filter((value) => value !== null);
      const [low, high] = [known.reduce((a, b) => Math.min(a, b), Infinity), known.reduce((a, b) => Math.max(a, b), -Infinity)];
      let best = null;
      cells.forEach(({ cell, i, j }, n) => {
        const value = values[n];
        const share = value === null || low === high ? 0.5 : (value - low) / (high - low);
        const [p, q, r] = data.picks[s];
        const marks = [p === k && q === i && r === j && "pick", data.plateau[s][k][n] === "1" && "plateau"].filter(Boolean);
        cell.className = marks.join(" ");
        const words = marks.map((mark) => (mark === "pick" ? "pick" : "on the plateau")).join(", ");
        cell.replaceChildren(value === null ? "none" : written(value, places), ...(words ? [make("span", { class: "unseen" }, `, ${words}`)] : []));
        if (value === null) cell.removeAttribute("style");
        else paint(cell, flip ? 1 - share : share, data.colours);
        if (value !== null && (best === null || (flip ? value < values[best] : value > values[best]))) best = n;
      });
      table.caption.firstElementChild.textContent = `${name} of ${data.symbols[s]} with ${data.stops[k]}, fast windows down, slow windows across`;
      const [worst, finest] = flip ? [high, low] : [low, high];
      figure.querySelector(".low").textContent = known.length ? `lowest rank ${written(worst, places)}` : "";
      figure.querySelector(".high").textContent = known.length ? `${written(finest, places)} highest rank` : "";
      if (!changed) return;
      status.textContent = best === null
        ? `${name} of ${data.symbols[s]} with ${data.stops[k]} is in no cell defined.`
        : `${name} of ${data.symbols[s]} with ${data.stops[k]}: ${known.length} cells, from ${written(worst, places)} to ${written(finest, places)} at fast ${data.fast[cells[best].i]}, slow ${data.slow[cells[best].j]}.`;
    };
    draw(false);

    table.setAttribute("role", "grid");
    table.setAttribute("aria-readonly", "true");
    figure.querySelector(".scroll").removeAttribute("tabindex"); // its cells are reached by the keyboard
    const at = new Map(cells.map((one) => [one.cell, one]));
    const [, p, q] = data.picks[data.shown[0]];
    let current = (cells.find(({ i, j }) => i === p && j === q) || cells[0]).cell;
    for (const { cell } of cells) cell.tabIndex = cell === current ? 0 : -1;
    const go = (cell) => {
      current.tabIndex = -1;
      current = cell;
      cell.tabIndex = 0;
      cell.focus();
    };
    const step = (one, down, right) => {
      let [i, j] = [one.i + down, one.j + right];
      while (rows[i] && rows[i][j] && !at.has(rows[i][j])) [i, j] = [i + down, j + right];
      return rows[i] && rows[i][j] ? rows[i][j] : null;
    };
    const ways = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
    table.addEventListener("keydown", (event) => {
      const one = at.get(event.target);
      if (!one) return;
      const row = rows[one.i].filter((cell) => at.has(cell));
      let next = null;
      if (ways[event.key]) next = step(one, ...ways[event.key]);
      else if (event.key === "Home") next = event.ctrlKey ? cells[0].cell : row[0];
      else if (event.key === "End") next = event.ctrlKey ? cells.at(-1).cell : row.at(-1);
      else return;
      event.preventDefault();
      if (next) go(next);
    });
    table.addEventListener("focusin", (event) => at.has(event.target) && (status.textContent = sayCell(at.get(event.target))));
    table.addEventListener("click", (event) => at.has(event.target) && go(event.target));
  };
  for (const figure of document.querySelectorAll("figure.grid")) grid(figure);
})();
