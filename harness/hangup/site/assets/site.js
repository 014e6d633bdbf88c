// What the pages do beyond being read: the search of the start page, the filters of the matrix, buttons that copy.
// Without it all else is there. Texts are only ever set as text: what a client said is never taken for markup.
"use strict";

const RANKED = 6;
const TYPING = 120;

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// What follows the # of an address: the search or the filters, so that an address can be passed on.
function state() {
  return new URLSearchParams(location.hash.slice(1));
}

function remember(parameters) {
  if (parameters.toString() !== state().toString()) location.replace("#" + parameters);
}

// --- search --------------------------------------------------------------------------------------------------------

function search(form) {
  const query = form.querySelector("#query");
  const answer = document.querySelector("#answer");
  let timer = 0;

  function show() {
    const text = query.value.trim();
    answer.hidden = !text;
    if (text) answer.replaceChildren(...hangupLookup(hangupIndex, text).flatMap(told));
    remember(new URLSearchParams(text ? { q: text } : {}));
  }

  function ask(text) {
    query.value = text;
    show();
  }

  form.hidden = false;
  document.querySelector("#unsearched").hidden = true;
  form.addEventListener("submit", (event) => event.preventDefault());
  query.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(show, TYPING); });
  for (const button of form.querySelectorAll("[data-query]")) {
    button.addEventListener("click", () => ask(button.dataset.query));
  }
  if (state().has("q")) ask(state().get("q"));
}

const CONFIDENCE = {
  exact: "This text was measured, word for word.",
  likely: "Most of this text was measured.",
  possible: "This may be meant; the text alone does not say.",
  none: "No client that was measured says this, and no documented error is in it.",
};
const DOCUMENTED = "This is documented, and was not measured: the scenarios are those that would explain it, and "
  + "whether the request was processed there is what measured clients show.";

// One answer of lookup(), as elements.
function told(answer) {
  const [best] = answer.clients;
  const measured = !best || answer.clients.some((client) => client.measured && client.score === best.score);
  const shown = [element("p", {}, element("strong", {}, measured ? CONFIDENCE[answer.confidence] : DOCUMENTED))];
  if (!best) return shown;
  shown.push(
    element("h2", {}, "Who says this"),
    element("ol", {}, ...answer.clients.slice(0, RANKED).map(client)),
    element("h2", {}, "What had happened"),
    element("p", {}, [...new Set(answer.endings.map(({ ending, moment }) => `${ending} (${moment})`))].slice(0, RANKED).join(", ")),
    element("ol", {}, ...answer.scenarios.slice(0, RANKED).map(scenario)),
  );
  return shown;
}

function client({ client, measured, source, means, why }) {
  const name = measured ? element("a", { href: `client/${client}.html` }, client) : element("strong", {}, client);
  const from = measured ? "" : ` (documented, not measured: ${source})`;
  const item = element("li", {}, name, from, " ", element("span", { className: "quiet" }, why.join(" … ")));
  if (means) item.append(element("br"), means);
  return item;
}

function scenario({ scenario, cells }) {
  const place = hangupIndex.scenarios.find(([id]) => id === scenario);
  const item = element("li", {}, element("a", { href: `scenario/${scenario}.html` }, place[1]), ". ");
  const rows = cells.map((number) => hangupIndex.cells[number]);
  item.append(element("br"), ...rows.slice(0, RANKED).flatMap(([speaker, , , outcome, faithful, processed], at) => {
    const [name, source] = hangupIndex.speakers[speaker];
    const words = [outcome];
    if (faithful === false) words.push("misleading");
    if (processed === 0) words.push("not processed there");
    if (processed > 0) words.push("processed there: a retry may do it twice");
    const link = source === null
      ? element("a", { href: `cell/${name}/${scenario}.html` }, name)
      : element("span", {}, name);
    return [at ? "; " : "", link, `: ${words.join(", ")}`];
  }));
  if (rows.length > RANKED) item.append(`; and ${rows.length - RANKED} more`);
  if (place[3]) item.append(element("details", {}, element("summary", {}, "What to know and to do"), place[3]));
  return item;
}

// --- the matrix's filters ------------------------------------------------------------------------------------------

// Hiding is costly where there are many cells, so only what changes is touched.
function hide(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}

function filters(form) {
  const table = document.querySelector(".matrix");
  const columns = [...table.tHead.rows[0].cells].slice(1).map((cell) => ({
    cell, layer: cell.dataset.layer, language: cell.dataset.client.split("/", 1)[0],
  }));
  const rows = [...table.tBodies[0].rows].map((row) => ({
    row,
    cells: [...row.cells].slice(1).map((cell) => ({
      cell,
      outcomes: cell.firstElementChild ? cell.firstElementChild.textContent.split(" / ").map((word) => word.split(" ", 1)[0]) : [],
      misleading: cell.classList.contains("misleading"),
    })),
  }));
  const its = form.elements;

  function matches({ outcomes, misleading }) {
    return outcomes.length > 0 && (!its.outcome.value || outcomes.includes(its.outcome.value))
      && (!its.misleading.checked || misleading);
  }

  function wanted({ row, cells }, seen) {
    const considered = cells.filter((_, at) => seen[at]);
    if (!row.id.includes(its.scenario.value.trim().toLowerCase()) || !considered.some(matches)) return false;
    return !its.differ.checked || new Set(considered.flatMap(({ outcomes }) => outcomes)).size > 1;
  }

  function apply() {
    const picking = its.outcome.value !== "" || its.misleading.checked;
    const asked = columns.map(({ language, layer }) =>
      (!its.language.value || language === its.language.value) && (!its.layer.value || layer === its.layer.value));
    const shown = rows.filter((row) => wanted(row, asked));
    const visible = new Set(shown);
    const seen = asked.map((yes, at) => yes && (!picking || shown.some(({ cells }) => matches(cells[at]))));
    columns.forEach(({ cell }, at) => hide(cell, !seen[at]));
    for (const entry of rows) {
      hide(entry.row, !visible.has(entry));
      if (!visible.has(entry)) continue;
      entry.cells.forEach((its, at) => {
        hide(its.cell, !seen[at]);
        its.cell.classList.toggle("other", picking && !matches(its));
      });
    }
    table.classList.toggle("letters", its.letters.checked);
    form.querySelector("output").value =
      `${shown.length} of ${rows.length} scenarios, ${seen.filter(Boolean).length} of ${columns.length} clients`;
    remember(new URLSearchParams([...new FormData(form)].filter(([, value]) => value)));
  }

  for (const [name, value] of state()) {
    if (its[name]?.type === "checkbox") its[name].checked = true;
    else if (its[name]) its[name].value = value;
  }
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  table.addEventListener("keydown", (event) => move(event));
  apply();
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

// The arrow keys go from link to link over what is shown.
function move(event) {
  const step = STEPS[event.key];
  let cell = event.target.closest("td, th");
  if (!step || !cell || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const table = cell.closest("table");
  let row = cell.parentElement.rowIndex;
  let column = cell.cellIndex;
  do {
    row += step[0];
    column += step[1];
    cell = table.rows[row]?.cells[column];
  } while (cell && (cell.hidden || cell.parentElement.hidden || !cell.querySelector("a")));
  cell?.querySelector("a").focus();
}

// --- buttons that copy ---------------------------------------------------------------------------------------------

function copying(box) {
  const button = element("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(box.querySelector("code").textContent);
    button.textContent = "Copied";
  });
  box.append(button);
}

const form = document.querySelector("#search");
if (form) search(form);
const chosen = document.querySelector("#filters");
if (chosen) filters(chosen);
if (navigator.clipboard) document.querySelectorAll(".copy").forEach(copying);
