/** The visitor's name: the one chosen in this tab, or an invented one. */

const MANNERS = "Brave Bright Calm Clever Curious Gentle Happy Kind Lively Merry Patient Quick Quiet Wise".split(" ");
const ANIMALS = "Badger Beaver Crane Falcon Fox Hare Heron Lynx Magpie Marten Otter Owl Robin Seal Wren".split(" ");

const pick = (words) => words[Math.floor(Math.random() * words.length)];

/** Return a name such as "Curious Otter". */
export function inventName() {
  return `${pick(MANNERS)} ${pick(ANIMALS)}`;
}

export function recallName() {
  try {
    return sessionStorage.getItem("name") || inventName();
  } catch {
    return inventName();
  }
}

export function rememberName(name) {
  try {
    sessionStorage.setItem("name", name);
  } catch {
    // If the browser may not store anything, each visit has a new name.
  }
}
