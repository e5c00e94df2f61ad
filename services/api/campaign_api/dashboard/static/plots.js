// Plots of a campaign, drawn from the points in data-points; further ones come as rows of the
// table below, each with its numbers in data-point: time, rate, pending, and each outcome.
"use strict";
(() => {
  const MOST_POINTS = 1000, MOST_ROWS = 120, HEIGHT = 220, TIMES_THE_PACE = 5, SOON = 100;
  const DASHES = [[], [8, 4], [2, 3], [8, 3, 2, 3], [14, 4], [5, 2], [1, 2]];
  const section = document.getElementById("plots");
  const body = section.querySelector("tbody");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let points = JSON.parse(section.dataset.points);
  let plots = [];

  const language = document.documentElement.lang;
  const written = (n) => (n == null ? "–" : n.toLocaleString(language));
  const clock = (seconds) => new Date(seconds * 1000).toISOString();
  const everySecond = (all) => all.filter((_, n) => n % 2 === 0 || n === all.length - 1);
  const halved = (all, most) => (all.length > most ? everySecond(all) : all);
  const times = (plot, splits) => {
    const days = plot.scales.x.max - plot.scales.x.min > 86400;
    return splits.map((at) => (days ? clock(at).slice(5, 16).replace("T", " ") : clock(at).slice(11, 19)));
  };

  const columns = (from, to) => [
    points.map((point) => point[0] / 1000),
    ...Array.from({ length: to - from }, (_, n) => points.map((point) => point[from + n])),
  ];

  const draw = (place, from, to) => {
    const said = place.nextElementSibling;
    const keys = [...place.previousElementSibling.children];
    const text = getComputedStyle(section).color;
    const line = getComputedStyle(place).borderBottomColor;
    const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const say = (plot) => {
      const n = plot.cursor.idx;
      if (n == null) { said.textContent = ""; return; }
      const shown = keys.flatMap((key, one) => (key.hidden ? [] : [`${key.textContent} ${written(plot.data[one + 1][n])}`]));
      said.textContent = `${clock(plot.data[0][n]).slice(0, 19).replace("T", " ")} UTC: ${shown.join(", ")}`;
    };
    const plot = new uPlot({
      width: place.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false },
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
      scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.05)] } },
      axes: [{ ...axis, values: times, space: 90 }, { ...axis, size: 70, values: (_, splits) => splits.map(written) }],
      series: [{}, ...keys.map((key, n) => ({
        stroke: getComputedStyle(key).color, show: !key.hidden, width: 2, dash: DASHES[n], spanGaps: true, points: { show: points.length < 3 },
      }))],
      hooks: { setCursor: [say] },
    }, columns(from, to), place);
    const move = (event) => {
      const last = plot.data[0].length - 1;
      const n = plot.cursor.idx ?? last;
      const wanted = { ArrowLeft: n - 1, ArrowRight: n + 1, Home: 0, End: last }[event.key];
      if (wanted === undefined) return;
      event.preventDefault();
      const at = plot.data[0][Math.min(Math.max(wanted, 0), last)];
      plot.setCursor({ left: plot.valToPos(at, "x"), top: HEIGHT / 2 });
    };
    place.addEventListener("keydown", move);
    // In the next frame: a size that is set while sizes are observed is an error of the page.
    const fit = () => plot.root.isConnected && plot.setSize({ width: place.clientWidth, height: HEIGHT });
    const resized = new ResizeObserver(() => requestAnimationFrame(fit));
    resized.observe(place);
    const end = () => { resized.disconnect(); place.removeEventListener("keydown", move); plot.destroy(); };
    const show = () => {
      keys.forEach((key, n) => plot.setSeries(n + 1, { show: !key.hidden }));
      plot.setData(columns(from, to));
    };
    return { end, show };
  };

  const showKeys = () => {
    [...section.querySelectorAll(".plot-keys:last-of-type li")].forEach((key, n) => {
      if (n > 1) key.hidden = !points.some((point) => point[2 + n]);
    });
  };

  const drawAll = () => {
    plots.forEach((plot) => plot.end());
    plots = [];
    if (points.length < 2) return;
    section.querySelector(".plots").hidden = false;
    showKeys();
    plots = [draw(document.getElementById("plot-rate"), 1, 2),
      draw(document.getElementById("plot-outcomes"), 2, points[0].length)];
  };

  const add = (rows) => {
    points = halved([...points, ...rows.map((row) => JSON.parse(row.dataset.point))], MOST_POINTS);
    body.append(...rows);
    body.replaceChildren(...halved([...body.children], MOST_ROWS));
    if (plots.length === 0) { drawAll(); return; }
    showKeys();
    plots.forEach((plot) => plot.show());
  };

  const ask = async () => {
    const pace = Number(document.querySelector("[data-live]")?.dataset.pace ?? 0);
    let wait = pace * TIMES_THE_PACE;
    if (document.hidden) {
      wait ||= TIMES_THE_PACE * 1000; // the end is shown to who comes back
    } else {
      try {
        const after = points.length ? points[points.length - 1][0] : 0;
        const answer = await fetch(`${section.dataset.more}?after=${after}`, { headers: { "HX-Request": "true" } });
        if (answer.ok) {
          const read = document.createElement("template");
          read.innerHTML = await answer.text();
          const rows = [...read.content.querySelectorAll("tr[data-point]")];
          if (rows.length) add(rows);
          if (rows.length >= Number(section.dataset.most)) wait = SOON;
        }
      } catch { /* asked again */ }
    }
    if (wait) setTimeout(ask, wait);
  };

  drawAll();
  dark.addEventListener("change", drawAll);
  if (document.querySelector("[data-live]")) setTimeout(ask, TIMES_THE_PACE * 1000);
})();
