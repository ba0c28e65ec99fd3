// Writes data/common-passwords.txt from patterns. Run it after a change here:
//
//   node packages/auth/data/generate-common-passwords.ts
import { writeFileSync } from 'node:fs';

const WORDS = (
  'password passw0rd p@ssword p@ssw0rd passwort motdepasse qwerty qwertz azerty letmein welcome iloveyou monkey dragon ' +
  'football baseball basketball princess sunshine shadow superman batman master secret admin administrator login access ' +
  'hello freedom whatever trustno1 starwars pokemon charlie michael jennifer jordan summer winter spring autumn'
).split(' ');
const ROWS = ['qwertyuiop', 'qwertzuiop', 'azertyuiop', 'asdfghjkl', 'zxcvbnm', 'yxcvbnm', '1234567890', '0987654321'];
const WALKS = (
  '1q2w3e4r5t6y 1q2w3e4r5t6y7u 1q2w3e4r5t6y7u8i 1qaz2wsx3edc 1qaz2wsx3edc4rfv qazwsxedcrfv qazwsxedc123 zaq12wsxcde3 ' +
  '!qaz2wsx3edc zaq1xsw2cde3 q1w2e3r4t5y6 q1w2e3r4t5y6u7 a1b2c3d4e5f6 a1b2c3d4e5f6g7 1a2b3c4d5e6f 1a2b3c4d5e6f7g ' +
  'abc123abc123 abcd1234abcd 123abc123abc 123qwe123qwe qwe123qwe123 qwer1234qwer qwerty123qwerty asdf1234asdf ' +
  'abcabcabcabc 123123123123 121212121212 112233445566 11223344556677 123321123321 147258369147 147258369000 ' +
  '741852963000 159357159357 135792468000 246813579000 010203040506 101010101010 102030405060 314159265358 ' +
  '3141592653589 271828182845 password1password password12password'
).split(' ');
const SENTENCES = (
  'correcthorsebatterystaple|correct horse battery staple|ihatepasswords|ihateyouall1|iloveyousomuch|iloveyouforever|' +
  'iloveyoubaby|iloveyou3000|iloveyou1234|iloveyoujesus|ilovemyfamily|ilovemydog123|ilovemycat123|ilovemymother|' +
  'ilovechocolate|ilovemusic123|jesuschrist1|jesuslovesme|godisgood123|thisismypassword|thisisapassword|mypassword123|' +
  'mypassword1234|mypasswordis|newpassword1|newpassword123|oldpassword1|nopassword123|notapassword|yourpassword|' +
  'changethispassword|changemeplease|changeme1234|changepassword|defaultpassword|temporarypassword|temppassword|' +
  'temppassword1|testpassword|testpassword1|testtesttest|testing12345|test12345678|adminadminadmin|adminpassword|' +
  'adminpassword1|administrator1|administrator123|rootpassword|rootrootroot|superuser123|supersecret1|supersecretpassword|' +
  'secretpassword|secretpassword1|secretsecret|topsecret123|letmeinplease|letmeinletmein|letmein12345|openopenopen|' +
  'opensesame123|welcomehome1|welcomeback1|welcome12345|welcome123456|whatthefuck1|whatisthis123|helloworld12|' +
  'helloworld123|hellohello123|hellokitty12|hellokitty123|goodmorning1|goodpassword|strongpassword|securepassword|' +
  'supermansuperman|spiderman123|chocolate123|butterfly123|christopher1|elizabeth123|alexander123|manchester123|' +
  'manchesterunited|liverpoolfc1|barcelona123|realmadrid123|chelseafc123|arsenalfc123|juventus1897|dallascowboys|' +
  'newyorkcity1|losangeles123|qwertyqwerty|qwertyasdfgh|qwertyasdfzxcv|qwertyuiopasdf|qwertyuiop123|qwertyuiop1234|' +
  'asdfasdfasdf|asdfghjkl123|asdfghjkl1234|asdfghjklqwerty|zxcvbnm12345|zxcvbnm123456|zxcvbnmasdfghjkl|abcdefghijkl|' +
  'abcdefghijklm|abcdefghijklmnop|abcdefghijklmnopqrstuvwxyz|abcdefg12345|abcdefgh1234|abcd12345678|abc123456789|' +
  'aaaaaaaaaaa1|asd123asd123|company12345|company123456|computer1234|internet1234|database1234|server123456|' +
  'masterpassword|masterkey123|mastermaster|dragonball123|dragondragon|monkeymonkey|footballfootball|princess1234|' +
  'sunshine1234|starwarsfan1|harrypotter1|harrypotter123|lordoftherings|gameofthrones|doctorwho123|startrek1701|' +
  'trustnoonetrustno1|untouchable1|unbelievable|windows12345|microsoft123|google123456|facebook1234|samsung12345|' +
  'playstation1|playstation2|playstation3|playstation4|linkedin1234|' +
  'passwordpassword|password password|password-password|password_password|passwort12345|passwort123456|hallohallo123'
).split('|');
const ENDINGS = ['', '!', '!!', '1', '12', '123', '1234', '12345', '123456', '1234567', '12345678', '123456789', '321'];
const YEARS = Array.from({ length: 47 }, (_, index) => String(1984 + index));

/** The list, sorted, each of 12 characters or more, in lower case. */
export function generateCommonPasswords(): readonly string[] {
  const found = new Set([...WALKS, ...SENTENCES]);
  for (const word of WORDS) {
    for (const ending of [...ENDINGS, ...YEARS, ...YEARS.map((year) => `${year}!`)]) found.add(word + ending);
    for (const ending of ENDINGS) found.add(`${word}${word}${ending}`);
    for (const other of WORDS) found.add(word + other);
  }
  for (const row of ROWS) {
    for (const other of [...ROWS, ...ENDINGS]) found.add(row + other);
    found.add(row + Array.from(row).toReversed().join(''));
  }
  for (const digit of '0123456789') {
    for (let length = 12; length <= 20; length += 1) found.add(digit.repeat(length));
  }
  for (let length = 12; length <= 20; length += 1) {
    found.add('1234567890'.repeat(2).slice(0, length));
    found.add('0123456789'.repeat(2).slice(0, length));
    found.add('9876543210'.repeat(2).slice(0, length));
  }
  return [...found].filter((text) => text.length >= 12).toSorted();
}

if (import.meta.main) {
  writeFileSync(new URL('common-passwords.txt', import.meta.url), `${generateCommonPasswords().join('\n')}\n`);
}
