// Forms with data-once are sent once from a page: their answer has a secret, and a second click
// would replace the page that shows it by one that does not.
"use strict";
(() => {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!("once" in form.dataset)) return;
    if (form.dataset.once) event.preventDefault();
    form.dataset.once = "sent";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("[data-once]")) form.dataset.once = "";
  });
})();
