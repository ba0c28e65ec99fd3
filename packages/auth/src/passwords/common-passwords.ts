import { readFileSync } from 'node:fs';

// Short words that head every published list of leaked passwords, in lower case. A long password that is nothing but one
// of them and a short decoration falls with the first guesses of any cracking tool.
const COMMON_WORDS: ReadonlySet<string> = new Set(
  (
    'password passwort passw0rd p@ssword p@ssw0rd pa55word motdepasse contraseña contrasena senha qwerty qwertz azerty ' +
    'qwertyui qwertyuiop asdfgh asdfghjkl zxcvbn zxcvbnm 1q2w3e4r 1qaz2wsx qazwsx abc abcd abcdef a1b2c3 admin ' +
    'administrator root user guest test tester default changeme letmein welcome login master secret access iloveyou ' +
    'ilovegod loveyou monkey dragon football baseball soccer hockey basketball princess sunshine shadow superman batman ' +
    'pokemon starwars trustno1 whatever freedom flower michael jordan jennifer charlie hunter ranger buster thomas ' +
    'robert daniel jessica ashley matthew andrew joshua michelle nicole hello hallo bonjour summer winter spring autumn ' +
    'january february march april june july august september october november december computer internet samsung google ' +
    'facebook tenon company server database'
  ).split(' '),
);

const MAX_DECORATION = 8;
const MAX_REPEATED = 4;

/**
 * Tells whether a password is among the first that anybody would try: on the list, one common word with up to 8 digits and
 * signs around it, or up to 4 characters over and over.
 *
 * @param password - in NFC
 * @param list - in lower case and NFC
 */
export function isCommonPassword(password: string, list: ReadonlySet<string>): boolean {
  const text = password.toLowerCase();
  return list.has(text) || isDecoratedWord(text) || isRepetition(text);
}

function isDecoratedWord(text: string): boolean {
  if (COMMON_WORDS.has(text)) return true;
  for (let from = 0; from <= MAX_DECORATION; from += 1) {
    for (let to = text.length; to > from && from + (text.length - to) <= MAX_DECORATION; to -= 1) {
      if (isDecoration(text.slice(0, from)) && isDecoration(text.slice(to)) && COMMON_WORDS.has(text.slice(from, to))) {
        return true;
      }
    }
  }
  return false;
}

function isDecoration(text: string): boolean {
  return !/[\p{L}\p{M}]/u.test(text);
}

function isRepetition(text: string): boolean {
  const characters = Array.from(text);
  for (let length = 1; length <= MAX_REPEATED; length += 1) {
    if (characters.every((character, index) => character === characters[index % length])) return true;
  }
  return false;
}

/** Reads the list that comes with this package: common passwords of 12 characters and more. */
export function readCommonPasswords(): ReadonlySet<string> {
  const text = readFileSync(new URL('../../data/common-passwords.txt', import.meta.url), 'utf8');
  return new Set(text.split('\n').filter((line) => line !== ''));
}
