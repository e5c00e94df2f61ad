// Fragments that ask for news of themselves. An element with data-live (a path) and data-pace
// (milliseconds) is replaced by what the path answers, which says how soon to ask again, or,
// without data-pace, never again. Hidden pages do not ask.
"use strict";
(() => {
  const stale = () => document.getElementById("stale");
  let timer = 0;

  const next = () => {
    clearTimeout(timer);
    const live = document.querySelector("[data-live]");
    if (live && !document.hidden) timer = setTimeout(ask, Number(live.dataset.pace), live);
  };

  const ask = async (live) => {
    let fresh = false;
    const noted = (event) => { fresh = event.detail?.ctx?.response?.status === 200; };
    document.addEventListener("htmx:after:request", noted);
    try {
      await htmx.ajax("GET", live.dataset.live, { target: live, swap: "outerMorph" });
    } catch { /* shown below */ }
    document.removeEventListener("htmx:after:request", noted);
    if (stale()) stale().hidden = fresh;
    next();
  };

  document.addEventListener("visibilitychange", next);
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector(".error-summary")?.focus();
    next();
  });
})();
