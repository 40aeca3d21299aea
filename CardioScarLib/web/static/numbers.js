// Tables of numbers, as the server tells them.

const number = (value) => (Math.abs(value) < 0.05 ? "0.0" : value.toFixed(1));

export const inWords = (one) => `${number(one.value)} ${one.unit}`;

export function interval(one) {
  return one.low === null || one.high === null ? "" : `${number(one.low)} to ${number(one.high)}`;
}

function cell(kind, text, scope) {
  const made = document.createElement(kind);
  made.textContent = text;
  if (scope) made.scope = scope;
  return made;
}

// rows: texts, the first of which heads its row.
export function fillTable(table, heads, rows) {
  const caption = table.querySelector("caption");
  const top = document.createElement("thead");
  const first = document.createElement("tr");
  first.append(...heads.map((head) => cell("th", head, "col")));
  top.append(first);
  const body = document.createElement("tbody");
  for (const [head, ...others] of rows) {
    const row = document.createElement("tr");
    row.append(cell("th", head, "row"), ...others.map((text) => cell("td", text)));
    body.append(row);
  }
  table.replaceChildren(caption, top, body);
  table.hidden = rows.length === 0;
}

export function showNumbers(page, numbers) {
  const quantities = Object.values(numbers.quantities);
  const level = quantities.find((one) => one.level !== null)?.level;
  const head = level ? `${Math.round(100 * level)} % interval` : "Interval";
  fillTable(page.quantities, ["", "Value", head], quantities.map((one) => [one.label, inWords(one), interval(one)]));
  const sectors = Object.values(numbers.sectors).map((one) => {
    const burden = one.quantities.scar_burden_percent;
    return [one.name, inWords(burden), interval(burden), one.transmurality_class_percent];
  });
  fillTable(page.sectors, ["", "Burden", head, "Transmurality, %"], sectors);
  const channels = numbers.channels.map((one, place) => [String(place + 1), ...describeChannel(one)]);
  fillTable(page.channels, ["", "Probability", "Length", "Width"], channels);
  const missing = numbers.missing;
  page.channelsWords.textContent = missing.channels ?? (channels.length ? "" : "No channel was found.");
  page.segmentsWords.textContent = missing.segments ?? "";
}

function describeChannel(one) {
  const { length_mm: length, width_mean_mm: width } = one.quantities;
  const told = (quantity) => `${inWords(quantity)} (${interval(quantity)})`;
  return [`${Math.round(100 * one.probability)} %`, told(length), told(width)];
}
