"use strict";
// One key a page: a page that was answered takes no second key while the next one is loading.
let spent = false;
const shortcuts = document.getElementById("shortcuts");
shortcuts.checked = localStorage.getItem("shortcuts") !== "off";
shortcuts.addEventListener("change", () => localStorage.setItem("shortcuts", shortcuts.checked ? "on" : "off"));
const why = document.querySelector("details.why");
if (why) {
  why.open = localStorage.getItem("why") === "open";
  why.addEventListener("toggle", () => localStorage.setItem("why", why.open ? "open" : "closed"));
}

const dialog = document.getElementById("enlarged");
const large = document.getElementById("large");
const size = document.getElementById("size");
const resize = () => { large.style.width = size.value + "%"; };
size.addEventListener("input", resize);
document.getElementById("close").addEventListener("click", () => dialog.close());
for (const link of document.querySelectorAll("a.zoom")) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    large.src = link.href;
    large.alt = link.querySelector("img").alt;
    size.value = 100;
    resize();
    dialog.showModal();
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (dialog.open) {
    if (event.key === "+" || event.key === "-") {
      size.value = Number(size.value) * (event.key === "+" ? 1.25 : 0.8);
      resize();
    }
    return;
  }
  if (!shortcuts.checked || event.repeat || spent) return;
  if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const button = document.querySelector(`button[data-key="${CSS.escape(key)}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
});
document.addEventListener("submit", (event) => {
  if (spent) { event.preventDefault(); return; }
  if (!event.target.matches("form.row")) spent = true;
});
addEventListener("pageshow", () => { spent = false; });

// In the table the page stays where it is.
for (const form of document.querySelectorAll("form.row")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const data = new URLSearchParams(new FormData(form));
    data.set("answer", event.submitter.value);
    const answer = await fetch(form.action, { method: "POST", body: data });
    if (!answer.ok) { alert("The answer was not saved: " + (await answer.text())); return; }
    for (const button of form.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === event.submitter));
    }
  });
}
