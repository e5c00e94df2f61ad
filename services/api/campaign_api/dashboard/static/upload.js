// Upload of a file with progress, and a way to cancel it. Without this the form works as all
// others do. The answer is a page: that of the list, to which the browser goes, or the form with
// what was refused, of which the messages are taken over while the chosen file stays.
"use strict";
(() => {
  const TENTH = 10;
  const MEGABYTE = 1e6;
  const byId = (id) => document.getElementById(id);

  document.addEventListener("DOMContentLoaded", () => {
    const form = byId("upload");
    const texts = byId("texts").dataset;
    const number = new Intl.NumberFormat(form.dataset.locale, {
      minimumFractionDigits: 1, maximumFractionDigits: 1,
    });
    const megabytes = (bytes) => number.format(bytes / MEGABYTE);
    let running = null;

    const end = (text) => {
      running = null;
      byId("sending").hidden = true;
      form.hidden = false;
      if (!text) return;
      byId("ended").firstElementChild.textContent = text;
      byId("ended").hidden = false;
      byId("ended").focus();
    };

    const begin = () => {
      document.querySelector(".error-summary")?.remove();
      byId("ended").hidden = true;
      byId("sent").value = 0;
      byId("sent-text").textContent = "";
      form.hidden = true;
      byId("sending").hidden = false;
      byId("sending").focus();
    };

    const show = (sent, whole) => {
      const percent = Math.floor(sent * 100 / whole);
      byId("sent").value = sent * 1000 / whole;
      byId("sent-text").textContent = texts.sent
        .replace("{sent}", megabytes(sent)).replace("{whole}", megabytes(whole))
        .replace("{percent}", percent);
      if (percent % TENTH === 0) byId("said").textContent = byId("sent-text").textContent;
    };

    // What was cancelled is not the same request as what is sent next: that need not wait for its end.
    // One that broke off is: if its list was made after all, it is found again.
    const renewKey = () => {
      const target = new URL(form.action);
      const digits = [...crypto.getRandomValues(new Uint8Array(16))]
        .map((byte) => byte.toString(16).padStart(2, "0")).join("");
      for (const name of [...target.searchParams.keys()]) target.searchParams.set(name, digits);
      form.setAttribute("action", target.pathname + target.search);
    };

    const takeOver = (answer) => {
      const page = new DOMParser().parseFromString(answer, "text/html");
      for (const field of page.querySelectorAll("#upload .field:not(:has([type=file]))")) {
        const control = field.querySelector("input, select");
        byId(control.id)?.closest(".field").replaceWith(document.importNode(field, true));
      }
      const action = page.querySelector("#upload")?.getAttribute("action");
      if (action) form.setAttribute("action", action);
      const summary = page.querySelector(".error-summary");
      if (!summary) return end(texts.broken);
      end();
      byId("main").prepend(document.importNode(summary, true));
      document.querySelector(".error-summary").focus();
    };

    const send = (file) => {
      const request = running = new XMLHttpRequest();
      request.upload.addEventListener("progress", (event) => show(event.loaded, event.total));
      request.upload.addEventListener("load", () => {
        byId("sent-text").textContent = byId("said").textContent = texts.all;
      });
      request.addEventListener("load", () => {
        if (request.status === 200) location.assign(request.responseURL);
        else takeOver(request.responseText);
      });
      request.addEventListener("error", () => end(texts.broken));
      request.addEventListener("abort", () => {
        renewKey();
        end(texts.cancelled);
      });
      request.open("POST", form.action);
      const content = new FormData(form);
      begin();
      show(0, file.size);
      request.send(content);
    };

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const file = byId("file").files[0];
      const most = Number(form.dataset.most);
      if (running || !file) return;
      if (file.size > most) end(texts.large.replace("{most}", megabytes(most)));
      else send(file);
    });

    byId("stop").addEventListener("click", () => running?.abort());

    byId("file").addEventListener("change", () => {
      const file = byId("file").files[0];
      const name = byId("name");
      if (file && !name.value) name.value = file.name.replace(/\.[^.]*$/, "").slice(0, 255);
    });

    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  });
})();
