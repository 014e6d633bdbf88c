// What the pages do beyond being read: the search of the start page, the filters of the matrix, buttons that copy.
// Without it all else is there. Texts are only ever set as text: what a client said is never taken for markup.
"use strict";

const SHOWN = 8;
const CELLS = 6;
const TYPING = 120;

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// What follows the # of an address: the search or the filters, so that an address can be passed on. It stands in the
// browser's history too, so a text that is longer than an error is left out of it.
const ADDRESS = 2048;

function state() {
  return new URLSearchParams(location.hash.slice(1));
}

function remember(parameters) {
  const its = parameters.toString().length > ADDRESS ? "" : parameters.toString();
  if (its !== state().toString()) history.replaceState(null, "", "#" + its);
}

// --- search --------------------------------------------------------------------------------------------------------

function search(form) {
  const query = form.querySelector("#query");
  const answer = document.querySelector("#answer");
  let timer = 0;

  function show() {
    clearTimeout(timer);
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
  function follow() {
    if (state().has("q")) ask(state().get("q"));
  }

  addEventListener("hashchange", follow);
  follow();
}

const CONFIDENCE = {
  exact: "This text was measured, word for word.",
  likely: "Most of this text was measured.",
  possible: "This may be meant; the text alone does not say.",
  none: "No client that was measured says this, and no documented error is in it.",
};
const SYSTEM = "These are the operating system's own words, which many programs pass on: more of the text tells which.";
const DOCUMENTED = "This is documented, and was not measured: the scenarios are those that would explain it.";
const NOTHING = "This is documented, and was not measured. The text names nothing that happened on the wire.";
const MORE = "Give the whole stack trace, if there is more of it; the innermost cause tells most. Or look in the ";
const SCORES = "The number says how much of the text this explains: 1.00 is all of it.";

// As `hangup lookup` says it.
const ENDINGS = {
  fin: "FIN", rst: "RST", "fin, rst": "FIN, then RST", none: "no ending of the peer's", unknown: "no packet",
  "rst-stream": "RST_STREAM of HTTP/2", goaway: "GOAWAY of HTTP/2",
};

const ACTED_ON = { yes: "acted on there", no: "not acted on there", maybe: "maybe acted on there" };

// One answer of lookup(), as elements. Several are of several errors in one text.
function told(answer, number) {
  const [best] = answer.clients;
  const measured = !best || answer.clients.some((client) => client.measured && client.score === best.score);
  const sure = answer.system ? SYSTEM : CONFIDENCE[answer.confidence];
  const shown = [element("p", {}, element("strong", {}, measured ? sure : answer.endings.length ? DOCUMENTED : NOTHING))];
  if (!best) return [...shown, element("p", {}, MORE, element("a", { href: "error/index.html" }, "error texts"), ".")];
  if (number) shown.unshift(element("h2", { className: "another" }, "Another error of the same text"));
  const heading = (title) => element(number ? "h3" : "h2", {}, title);
  shown.push(
    heading("Who says this"),
    element("p", { className: "quiet" }, SCORES),
    ...ranking(answer.clients, (its) => client(its, its.score === best.score)),
  );
  if (answer.endings.length) {
    const happened = ({ ending, moment }) => [`${ENDINGS[ending] || ending} ${moment}`];
    shown.push(heading("What had happened"), ...ranking(answer.endings, happened));
  }
  if (answer.scenarios.length) shown.push(heading("Scenarios"), ...ranking(answer.scenarios, scenario));
  const apart = tellingApart(answer);
  if (apart.length) shown.push(heading("What would tell these apart"), element("ul", {}, ...apart));
  return shown;
}

// A list with scores, in which what explains less of the text than the first stands back; and how many are left out.
function ranking(all, inside) {
  const items = all.slice(0, SHOWN).map((its) => element(
    "li", { className: its.score < all[0].score ? "weak" : "" },
    element("span", { className: "score" }, its.score.toFixed(2)), element("div", {}, ...inside(its)),
  ));
  const list = element("ol", { className: "ranking" }, ...items);
  return all.length > SHOWN ? [list, element("p", { className: "quiet" }, `and ${all.length - SHOWN} more`)] : [list];
}

// What to do where several endings, or several clients, explain the text equally well.
function tellingApart({ endings, scenarios }) {
  const best = (all) => all.filter(({ score }) => score === all[0].score);
  const items = [];
  if (best(endings).length > 1) {
    const { capture } = document.querySelector("#answer").dataset;
    items.push(element("li", {}, "Capture it: ", element("code", {}, capture), ", then ", element("code", {}, "hangup diagnose end.pcap"), "."));
  }
  const speakers = best(scenarios).flatMap(({ cells }) => cells.map((cell) => hangupIndex.cells[cell][0]));
  const names = [...new Set(speakers)].map((speaker) => hangupIndex.speakers[speaker][0]).sort();
  if (names.length > 1) {
    items.push(element("li", {}, `Which of ${several(names)} is it? The frames of the whole stack trace name the library.`));
  }
  return items;
}

function several(names, most = 4) {
  const shown = names.length > most ? [...names.slice(0, most), `${names.length - most} more`] : names;
  return `${shown.slice(0, -1).join(", ")} and ${shown[shown.length - 1]}`;
}

function client({ client, measured, source, means, why }, best) {
  const name = measured ? element("a", { href: `client/${client}.html` }, client) : element("strong", {}, client);
  const from = measured ? "" : ` (documented, not measured: ${source})`;
  const inside = [name, from, " ", element("span", { className: "quiet" }, why.join(" … "))];
  return means && best ? [...inside, element("br"), means] : inside;
}

function scenario({ scenario, cells }) {
  const place = hangupIndex.scenarios.find(([id]) => id === scenario);
  const item = element("div", {}, element("a", { href: `scenario/${scenario}.html` }, place[1]), ". ");
  const rows = cells.map((number) => hangupIndex.cells[number]);
  item.append(element("br"), ...rows.slice(0, CELLS).flatMap(([speaker, , , outcome, faithful, acted_on], at) => {
    const [name, source] = hangupIndex.speakers[speaker];
    const words = [outcome];
    if (faithful === false) words.push("misleading");
    if (acted_on) words.push(ACTED_ON[acted_on]);
    const link = source === null
      ? element("a", { href: `cell/${name}/${scenario}.html` }, name)
      : element("span", {}, name);
    return [at ? "; " : "", link, `: ${words.join(", ")}`];
  }));
  if (rows.length > CELLS) item.append(`; and ${rows.length - CELLS} more`);
  if (place[3]) item.append(element("details", {}, element("summary", {}, "What to know and to do"), place[3]));
  return [item];
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
  }

  function choose() {
    apply();
    remember(new URLSearchParams([...new FormData(form)].filter(([, value]) => value)));
  }

  // An address of a place on the page, such as the legend's, is none of filters.
  function follow() {
    const asked = state();
    const fields = [...form.querySelectorAll("[name]")];
    if (fields.some(({ name }) => asked.has(name))) {
      for (const field of fields) {
        if (field.type === "checkbox") field.checked = asked.has(field.name);
        else field.value = asked.get(field.name) || "";
      }
    }
    apply();
  }

  form.hidden = false;
  form.addEventListener("input", choose);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(choose));
  table.addEventListener("keydown", (event) => move(event));
  table.addEventListener("focusin", () => uncover(table));
  addEventListener("hashchange", follow);
  follow();
}

// What gets the focus is scrolled to where the head row and column, which stay, do not cover it.
function uncover(table) {
  const corner = table.tHead.rows[0].cells[0];
  table.parentElement.style.scrollPadding = `${corner.offsetHeight}px 0 0 ${corner.offsetWidth}px`;
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
  const link = cell?.querySelector("a");
  link?.focus({ preventScroll: true });
  link?.scrollIntoView({ block: "nearest", inline: "nearest" });
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
