// Ranking an error text against the index, in a browser or in Node: find.py and rank.py in JavaScript, which say what and
// why. Change both: the tests compare them on every text that was measured. No dependencies, no build step.

const LINE = 3;
const PART = 1;
const ALONE = 1;
const REASONS = 3;
const ANSWERS = 5;
const BEFORE = /(?:re-?tr(?:y|ies|ied|ying)|attempts?|(?:giv|gav)(?:e|ing) up)(?:[^a-z]|$)|(?:^|[^a-z])re-?(?:connect|sen[dt])/i;
const FRAME = 0, WORD = 1, ERROR = 2, SYSTEM = 3, FIELD = 4;

// The columns of the index, as index.py writes them.
const SOURCE = 1;                                               // of a speaker
const ID = 0, MOMENT = 2;                                       // of a scenario
const SPEAKER = 0, SCENARIO = 1, ENDING = 2;                    // of a cell
const WORDS = 0, WEIGHT = 1, KIND = 2;                          // of a fragment
const LINES = 1, PARTS = 2, CELLS = 3;                          // of a text

// What is known of an error text: an answer for each error in it, the best explained first; one at least. An answer is
// {confidence, system, whole, ways, clients: [{client, score, why, measured, source, means}], scenarios: [{scenario, score, cells}],
// endings: [{ending, moment, score, cells}]}; `ways` and a scenario's `cells` are numbers in index.cells, an ending's
// `cells` is their number. Clients without endings: nothing happened on the wire.
export function lookup(index, text) {
  let found = find(index, text);
  const answers = [];
  while (answers.length < ANSWERS && tells(index, found.keys())) {
    const [answer, explained] = rank(index, found);
    answers.push(answer);
    const lines = new Set([...explained].flatMap((number) => [...found.get(number).lines]));
    found = new Map([...found].filter(([, match]) => ![...match.lines].every((line) => lines.has(line))));
  }
  if (answers.length > 1 || BEFORE.test(text)) for (const answer of answers) answer.whole = false;
  return answers.length ? answers : [{ confidence: "none", system: false, whole: false, ways: [], clients: [], scenarios: [], endings: [] }];
}

function tells(index, numbers) {
  return [...numbers].some((number) => index.fragments[number][KIND] > 0);
}

// --- masking: mask.py ----------------------------------------------------------------------------------------------

const TOKEN = /[^\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]+/g;

const BARE = /^[ \t\r\n]*([0-9]{2,5})[ \t\r\n]*$/;

function maskedLines(index, text) {
  const bare = text.match(BARE);
  if (bare) return [[text, `number_${bare[1]}`]];
  const [unfold, ...rules] = index.masks.map(([pattern, replacement]) => [new RegExp(pattern, "g"), replacement]);
  const lines = [];
  for (const raw of text.replace(unfold[0], unfold[1]).split("\n")) {
    const masked = rules.reduce((line, [pattern, replacement]) => line.replace(pattern, replacement), raw);
    const words = (masked.match(TOKEN) || []).join(" ");
    if (words) lines.push([raw, words]);
  }
  return lines;
}

function fold(words) {
  return words.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

// --- finding fragments: find.py ---------------------------------------------------------------------------------------------

function find(index, text) {
  const lines = maskedLines(index, text);
  const kind = (number) => index.fragments[number][KIND];
  const words = index.fragments.map((fragment, number) => [number, fragment[WORDS]]);
  const found = new Map([...matches(words, lines)].filter(([number, { alarm }]) => kind(number) !== WORD || alarm));
  if (tells(index, found.keys())) return found;
  const named = words.filter(([number]) => ERROR <= kind(number) && kind(number) < FIELD);
  return matches(named.map(([number, its]) => [number, fold(its)]), lines.map(([raw, line]) => [raw, fold(line)]));
}

function matches(fragments, lines) {
  const byWords = new Map();
  const byFirst = new Map();
  for (const [number, words] of fragments) {
    if (!byWords.has(words)) entry(byFirst, words.split(" ", 1)[0], () => []).push(words);
    entry(byWords, words, () => []).push(number);
  }
  for (const candidates of byFirst.values()) candidates.sort((a, b) => b.length - a.length);
  const found = new Map();
  const seen = new Set();
  for (const [place, [raw, line]] of lines.entries()) {
    if (seen.has(line)) continue;
    seen.add(line);
    for (const words of byWords.has(line) ? [line] : longest(byFirst, line)) {
      for (const number of byWords.get(words)) {
        entry(found, number, () => match(raw, line, words, lines.length === 1)).lines.add(place);
      }
    }
  }
  return found;
}

function* longest(byFirst, line) {
  const padded = line + " ";
  let reached = 0;
  for (let start = 0, after; start < padded.length; start = after + 1) {
    after = padded.indexOf(" ", start);
    const candidates = byFirst.get(padded.slice(start, after)) || [];
    const words = candidates.find((candidate) => padded.startsWith(candidate + " ", start));
    if (words !== undefined && start + words.length > reached) {
      reached = start + words.length;
      yield words;
    }
  }
}

const MASKED = /^(?:errno|number|code|of)_/;
const COLOUR = /\x1b\[[0-9;]*[A-Za-z]/g;
const CONTROL = /[\x00-\x1f\x7f-\x9f]/g;

const PREFIX = new RegExp(
  "[0-9]{2}:[0-9]{2}[0-9.,+:Z]*[\\])]?[ |-]*$" +
  "|\\b(?:TRACE|DEBUG|INFO|NOTICE|LOG|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL)\\b[^A-Za-z0-9]*$" +
  "|\\]:? *$| [:|-] $" +
  "|^[A-Z]+:[A-Za-z0-9_.]+:$|^[A-Za-z0-9_.-]+: $|\\b[a-z_]+\\.[a-z]+:[0-9]+: $" +
  "|\\b(?:err|error|msg|message|exception)=[\"']?$",
);
const ALARM = new RegExp(
  "[0-9]{2}:[0-9]{2}[0-9.,+:Z]*[\\])]?[ |-]*$" +
  "|\\b(?:WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL)\\b[^A-Za-z0-9]*$" +
  "|\\b(?:err|error|cause|exception)[\"']?[=:] ?[\"']?$",
);
const LABEL = /^[A-Za-z0-9_.-]+: $/;
const PREFIXED = 100;

function match(raw, line, words, alone) {
  const shown = raw.replace(COLOUR, "").replace(CONTROL, " ");
  const [start, end] = place(fold(shown), words.split(" ").map((word) => fold(word.replace(MASKED, "")))) || [0, shown.length];
  const before = line.endsWith(" " + words) ? shown.slice(Math.max(0, start - PREFIXED), start) : "";
  const own = words === line || (before !== "" && PREFIX.test(before));
  const whole = own && !LABEL.test(shown.slice(0, start));
  const alarm = (words === line && alone) || (before !== "" && ALARM.test(before));
  return { excerpt: shown.slice(start, end).replace(/^ +| +$/g, ""), own, whole, alarm, lines: new Set() };
}

function place(line, words) {
  const start = word(line, words[0], 0);
  const last = words[words.length - 1];
  let end = start;
  for (let further = end; words.length > 1 && start >= 0 && further >= 0; further = word(line, last, end + 1)) end = further;
  return start < 0 || (words.length > 1 && end === start) ? null : [start, end + last.length];
}

function word(line, word, start) {
  const letter = (at) => at >= 0 && at < line.length && line[at].search(TOKEN) === 0;
  while ((start = line.indexOf(word, start)) >= 0) {
    if (!letter(start - 1) && !letter(start + word.length)) return start;
    start += 1;
  }
  return -1;
}

// --- ranking -------------------------------------------------------------------------------------------------------

function scored(index, found) {
  const lines = new Map();
  const parts = new Map();
  const alone = new Set();
  const complete = new Map();
  for (const text of index.texts) {
    const said = text[LINES].filter((number) => found.has(number));
    for (const number of said) addAll(entry(lines, number, () => new Set()), text[CELLS]);
    for (const number of text[PARTS]) {
      if (found.has(number)) addAll(entry(parts, number, () => new Set()), text[CELLS]);
    }
    if (said.length < text[LINES].length) continue;
    for (const number of said) addAll(entry(complete, number, () => new Set()), text[CELLS]);
    if (found.size > 1 && said.length === found.size) addAll(alone, text[CELLS]);
  }
  const byCell = new Map();
  const heard = new Map();
  let total = found.size > 1 ? ALONE : 0;
  const asLine = (number, cell) => lines.has(number) && lines.get(number).has(cell);
  for (const number of [...found.keys()].sort((a, b) => a - b)) {
    const weight = index.fragments[number][WEIGHT];
    total += LINE * weight;
    for (const cell of new Set([...(lines.get(number) || []), ...(parts.get(number) || [])])) {
      byCell.set(cell, (byCell.get(cell) || 0) + weight * (asLine(number, cell) ? LINE : PART));
      entry(heard, cell, () => []).push(number);
    }
  }
  for (const cell of alone) byCell.set(cell, byCell.get(cell) + ALONE);
  const best = Math.max(...byCell.values());
  const bestCells = [...byCell.keys()].filter((cell) => byCell.get(cell) === best);
  const says = (number, cell) => complete.has(number) && complete.get(number).has(cell);
  return { byCell, heard, asLine, says, total, best, bestCells };
}

function rank(index, found) {
  const scores = scored(index, found);
  const share = (cell) => scores.byCell.get(cell) / scores.total;
  const clients = new Map();
  const scenarios = new Map();
  const endings = new Map();
  const nothing = scores.bestCells.some((cell) => index.cells[cell][SCENARIO] === null);
  const ordered = [...scores.byCell.keys()].sort((a, b) => scores.byCell.get(b) - scores.byCell.get(a) || a - b);
  for (const cell of ordered) {
    const heard = index.cells[cell];
    entry(clients, heard[SPEAKER], () => cell);
    if (heard[SCENARIO] === null || (nothing && !scores.bestCells.includes(cell))) continue;
    const scenario = index.scenarios[heard[SCENARIO]];
    const ranked = [entry(scenarios, scenario[ID], () => [])];
    if (!nothing) ranked.push(entry(endings, `${heard[ENDING]}\n${scenario[MOMENT]}`, () => []));
    for (const cells of ranked) {
      if (!cells.length || share(cells[0]) === share(cell)) cells.push(cell);
    }
  }
  const measured = (cells) => cells.filter((cell) => index.speakers[index.cells[cell][SPEAKER]][SOURCE] === null).length;
  const inOrder = (found) => [...found.values()].sort((a, b) =>
    scores.byCell.get(b[0]) - scores.byCell.get(a[0]) || measured(b) - measured(a) || a[0] - b[0]);
  const place = (cell) => index.scenarios[index.cells[cell][SCENARIO]];
  const explained = new Set(scores.bestCells.flatMap((cell) => scores.heard.get(cell)));
  const lines = new Set([...explained].flatMap((number) => [...found.get(number).lines]));
  const answer = {
    confidence: confidence(index, found, scores),
    system: [...explained].every((number) => index.fragments[number][KIND] === SYSTEM),
    whole: scores.bestCells.every((cell) => whole(index, found, scores, cell, lines)),
    ways: ways(index, scores, explained),
    clients: [...clients.values()].map((cell) => client(index, found, scores, cell)).sort((a, b) => b.score - a.score || (a.client < b.client ? -1 : a.client > b.client ? 1 : 0)),
    scenarios: inOrder(scenarios).map((cells) => ({ scenario: place(cells[0])[ID], score: share(cells[0]), cells })),
    endings: inOrder(endings).map((cells) => ({
      ending: index.cells[cells[0]][ENDING], moment: place(cells[0])[MOMENT], score: share(cells[0]), cells: cells.length,
    })),
  };
  return [answer, explained];
}

function client(index, found, scores, cell) {
  const [name, source, means] = index.speakers[index.cells[cell][SPEAKER]];
  const why = [...new Set(scores.heard.get(cell).map((number) => found.get(number).excerpt))];
  const score = scores.byCell.get(cell) / scores.total;
  return { client: name, score, why: why.slice(0, REASONS), measured: source === null, source, means };
}

function confidence(index, found, scores) {
  const cell = Math.min(...scores.bestCells);
  const sure = scores.heard.get(cell).filter(
    (number) => scores.asLine(number, cell) && (index.fragments[number][KIND] >= ERROR || found.get(number).own),
  );
  if (!tells(index, sure)) return "possible";
  if (sure.every((number) => index.fragments[number][KIND] === SYSTEM)) return "likely";
  const own = [...found].every(
    ([number, match]) => scores.asLine(number, cell) && (match.own || [FRAME, FIELD].includes(index.fragments[number][KIND])),
  );
  return own ? "exact" : "likely";
}

function ways(index, scores, explained) {
  const bare = [...explained].every((number) => !index.fragments[number][WORDS].includes(" "));
  const least = bare ? 0 : scores.best - ALONE;
  return [...scores.byCell.keys()].filter((cell) => scores.byCell.get(cell) >= least).sort((a, b) => a - b);
}

function whole(index, found, scores, cell, lines) {
  for (const line of lines) {
    const errors = [...found.keys()].filter((n) => found.get(n).lines.has(line) && index.fragments[n][KIND] > FRAME);
    const said = errors.filter((n) => scores.says(n, cell));
    if (said.some((n) => index.fragments[n][KIND] === FIELD)) continue;
    if (said.length !== errors.length || !said.every((n) => found.get(n).whole)) return false;
  }
  return true;
}

// --- small helpers -------------------------------------------------------------------------------------------------

function entry(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

function addAll(set, values) {
  for (const value of values) set.add(value);
}
