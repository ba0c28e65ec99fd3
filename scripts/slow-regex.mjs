import { analyse } from 'scslre';

/**
 * A rule for the linter: refuses regular expressions that some text makes slow, because parts of them compete for the same characters
 * (exponential or polynomial backtracking). Literals are looked at, `new RegExp('...')`, and the `pattern` of schemas.
 *
 * JavaScript, as the linter loads it with whichever Node.js runs it.
 */
const slowRegex = {
  meta: { type: 'problem' },
  create(context) {
    const check = (node, source, flags) => {
      let expression;
      try {
        expression = new RegExp(source, flags);
      } catch {
        // It is no regular expression: another rule says so.
        return;
      }
      for (const { exponential, character } of analyse(expression, { reportTypes: { Move: false } }).reports) {
        const how = exponential ? 'exponentially' : 'polynomially';
        const message = `Repeats of ${character.literal.source} make this take ${how} long: let its parts begin differently`;
        context.report({ node, message });
      }
    };
    const checkText = (node, flags = '') => {
      if (node?.type === 'Literal' && typeof node.value === 'string') check(node, node.value, flags);
    };
    return {
      Literal(node) {
        if (node.regex) check(node, node.regex.pattern, node.regex.flags);
      },
      NewExpression({ callee, arguments: [first, second] }) {
        if (callee.type === 'Identifier' && callee.name === 'RegExp') checkText(first, second?.value ?? '');
      },
      Property({ key, value }) {
        if (key.type === 'Identifier' && key.name === 'pattern') checkText(value, 'u');
      },
    };
  },
};

export default { meta: { name: 'tenon' }, rules: { 'slow-regex': slowRegex } };
